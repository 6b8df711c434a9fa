"""Clips for a trained model: formats, skeletons and maps."""

import json
import pickle

import numpy as np
import pytest

from input_pipeline.catalog.open_for_model import (
  generated_clips,
  open_for_model,
  with_joints_of,
)
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.sources import PotionSource, source_notes
from input_pipeline.readers.options import ReadOptions
from input_pipeline.skeletons.registry import get_skeleton
from input_pipeline.skeletons.skeleton import Skeleton

STICK = Skeleton(
  name='stick_3',
  joints=('top', 'hip', 'foot'),
  limbs=(('top', 'hip'), ('hip', 'foot')),
)
SIZE = ReadOptions(frame_size=(48, 64))


def write_mmpose(path, names):
  person = {
    'keypoints': [[5.0 + joint, 6.0] for joint in range(len(names))],
    'keypoint_scores': [0.9] * len(names),
  }
  content = {
    'meta_info': {'keypoint_id2name': dict(enumerate(names))},
    'instance_info': [{'frame_id': n, 'instances': [person]} for n in (1, 2)],
  }
  path.write_text(json.dumps(content))
  return path


def write_pickle(path, joints):
  annotation = {
    'frame_dir': 'a',
    'total_frames': 4,
    'img_shape': (48, 64),
    'keypoint': np.full((1, 4, joints, 2), 9, np.float32),
    'keypoint_score': np.ones((1, 4, joints), np.float32),
  }
  path.write_bytes(pickle.dumps({'annotations': [annotation]}))
  return path


def skeleton_notes(source):
  return [n.message for n in source_notes(source) if n.kind == 'skeleton_chosen']


def test_without_names_the_skeleton_is_the_models(tmp_path):
  source = open_for_model(write_pickle(tmp_path / 'a.pkl', 3), STICK)
  assert source.skeleton == STICK
  assert source.load('a').scores.shape == (4, 1, 3)
  (said,) = skeleton_notes(source)
  assert said.startswith("the skeleton is 'stick_3', which is the one of the model")


def test_another_number_of_joints_is_not_taken_for_the_models(tmp_path):
  source = open_for_model(write_pickle(tmp_path / 'a.pkl', 17), STICK)
  with pytest.raises(PoseDataError, match='17'):
    source.load('a')


def test_files_with_the_names_of_the_models_own_skeleton(tmp_path):
  """No registered skeleton has these joints, so the files alone choose none."""
  names = ('hip', 'tail', 'foot', 'top')
  source = open_for_model(write_mmpose(tmp_path / 'v.json', names), STICK, options=SIZE)
  clip = source.load('v')
  assert clip.skeleton == STICK
  np.testing.assert_array_equal(clip.keypoints[0, 0, :, 0], [8, 5, 7])


def test_names_of_another_skeleton_are_mapped(tmp_path):
  coco, jhmdb = get_skeleton('coco_17'), get_skeleton('jhmdb')
  path = write_mmpose(tmp_path / 'v.json', coco.joints)
  source = open_for_model(path, jhmdb, options=SIZE)
  assert source.load('v').skeleton == jhmdb
  (said,) = [note for note in source_notes(source) if note.kind == 'mapped']
  assert not said.is_warning
  assert said.message.startswith(
    "poses of the skeleton 'coco_17' are mapped to 'jhmdb'"
  )
  assert 'face is about nose' in said.message
  assert '\n' not in said.message


def test_the_runs_format_is_taken_if_none_is_recognised(tmp_path):
  (tmp_path / 'joints.xyz').write_text('?')
  with pytest.raises(PoseDataError, match='Give --format'):
    open_for_model(tmp_path / 'joints.xyz', STICK)
  with pytest.raises(PoseDataError, match="format 'numpy'"):
    open_for_model(tmp_path / 'joints.xyz', STICK, usual_format='numpy')


def test_maps_of_other_joints_are_refused():
  source = PotionSource(get_skeleton('jhmdb'), (), {}, lambda name: None, settings={})  # pyright: ignore
  with pytest.raises(PoseDataError, match='only keypoints can'):
    with_joints_of(source, STICK)


def test_generated_clips():
  test = generated_clips('stick_actions', 'test')
  assert test is not None
  assert list(test.splits) == ['test']
  assert generated_clips('jhmdb', 'test1') is None
  with pytest.raises(PoseDatasetError, match="there is no split 'test1'"):
    generated_clips('stick_actions', 'test1')
