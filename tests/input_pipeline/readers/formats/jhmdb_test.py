"""JHMDB's official folder tree: a small one made here, the real lists, a real file."""

import pathlib
import shutil

import numpy as np
import pytest
import scipy.io

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import jhmdb as jhmdb_tree
from input_pipeline.skeletons.registry import SKELETONS

JHMDB = SKELETONS['jhmdb']
REAL_CLIP = 'Goal_Keeping_Tips_catch_f_cm_np1_fr_med_2'


def add_clip(root, class_name, video_id, pos_img, **others):
  folder = root / 'joint_positions' / class_name / video_id
  folder.mkdir(parents=True)
  scipy.io.savemat(folder / 'joint_positions.mat', {'pos_img': pos_img, **others})


def add_list(root, name, text):
  (root / 'splits').mkdir(exist_ok=True)
  (root / 'splits' / name).write_text(text)


@pytest.fixture
def tree(tmp_path) -> pathlib.Path:
  """Two classes, two splits; b_1 has no joints."""
  add_list(tmp_path, 'wave_test_split1.txt', 'w_1.avi 1\nw_2.avi 2\n')
  add_list(tmp_path, 'wave_test_split2.txt', 'w_1.avi 2\nw_2.avi 1\n')
  add_list(tmp_path, 'brush_hair_test_split1.txt', 'b_1.avi 1\n')
  add_list(tmp_path, 'brush_hair_test_split2.txt', 'b_1.avi 2\n\n')
  add_list(tmp_path, '._wave_test_split3.txt', 'left by a file manager')
  # x = 1..60 and y = 101..160, by joint and, within each joint, by frame.
  counted = np.arange(1.0, 61).reshape(15, 4)
  for video_id in ('w_1', 'w_2'):
    add_clip(tmp_path, 'wave', video_id, np.stack([counted, counted + 100]), scale=1.5)
  return tmp_path


def test_splits_and_classes(tree):
  source = jhmdb_tree.read(tree, JHMDB)
  assert source.class_names == ('brush_hair', 'wave')
  assert source.splits == {
    'train1': ('b_1', 'w_1'),
    'test1': ('w_2',),
    'train2': ('w_2',),
    'test2': ('b_1', 'w_1'),
  }
  assert list(source.splits) == ['train1', 'test1', 'train2', 'test2']


def test_clip(tree):
  clip = jhmdb_tree.read(tree, JHMDB).load('w_1')
  assert (clip.video_id, clip.labels, clip.frame_size) == ('w_1', (1,), (240, 320))
  assert clip.keypoints.shape == (4, 1, 15, 2)
  assert (clip.scores == 1).all()
  # Joint 2, frame 3 is the 12th number: 12 and 112 (1-based), so 11 and 111 (0-based).
  assert clip.keypoints[3, 0, 2].tolist() == [11, 111]


def test_clip_without_joints_stays_and_says_what_is_missing(tree):
  source = jhmdb_tree.read(tree, JHMDB)
  expected = r'brush_hair.b_1.joint_positions\.mat'
  with pytest.raises(
    PoseDataError, match=rf"clip 'b_1': there is no file .*{expected}"
  ):
    source.load('b_1')


def test_clip_in_no_list(tree):
  with pytest.raises(PoseDataError, match=r"clip 'x' is in none of the lists .*splits"):
    jhmdb_tree.read(tree, JHMDB).load('x')


def test_joint_that_is_not_finite_is_missing(tree):
  positions = np.full((2, 15, 4), 9.0)
  positions[1, 6, 2] = np.nan
  add_clip(tree, 'brush_hair', 'b_1', positions)
  clip = jhmdb_tree.read(tree, JHMDB).load('b_1')
  assert np.argwhere(clip.scores == 0).tolist() == [[2, 0, 6]]


def test_wrong_shape(tree):
  add_clip(tree, 'brush_hair', 'b_1', np.ones((2, 13, 4)))
  with pytest.raises(
    PoseDataError, match=r"'b_1': pos_img .* \(2, 13, 4\).*\[2, 15, fr"
  ):
    jhmdb_tree.read(tree, JHMDB).load('b_1')


def test_no_lists(tmp_path):
  with pytest.raises(PoseDataError, match=r'no split lists: expected .*_test_split<k>'):
    jhmdb_tree.read(tmp_path, JHMDB)


def test_a_list_is_missing(tree):
  (tree / 'splits' / 'brush_hair_test_split2.txt').unlink()
  with pytest.raises(PoseDataError, match=r'lacks brush_hair_test_split2\.txt'):
    jhmdb_tree.read(tree, JHMDB)


@pytest.mark.parametrize('line', ['w_3.avi 3', 'w_3.avi', 'w_3.avi 12'])
def test_broken_line(tree, line):
  add_list(tree, 'wave_test_split2.txt', f'w_1.avi 2\n{line}\n')
  with pytest.raises(
    PoseDataError, match=rf"split2\.txt, line 2: '{line}', but needed"
  ):
    jhmdb_tree.read(tree, JHMDB)


def test_a_clip_of_two_classes(tree):
  add_list(tree, 'brush_hair_test_split2.txt', 'w_1.avi 1\n')
  with pytest.raises(
    PoseDataError, match=r"'w_1' .* two classes, 'wave' and 'brush_ha"
  ):
    jhmdb_tree.read(tree, JHMDB)


def test_real_lists_and_clip(tmp_path, shared_data):
  shutil.copytree(shared_data / 'jhmdb' / 'splits', tmp_path / 'splits')
  folder = tmp_path / 'joint_positions' / 'catch' / REAL_CLIP
  folder.mkdir(parents=True)
  shutil.copy(shared_data / 'jhmdb' / 'clip' / 'joint_positions.mat', folder)

  source = jhmdb_tree.read(tmp_path, JHMDB)
  assert {split: len(clips) for split, clips in source.splits.items()} == {
    'train1': 660,
    'test1': 268,
    'train2': 658,
    'test2': 270,
    'train3': 663,
    'test3': 265,
  }
  assert len(source.class_names) == 21
  for number in (1, 2, 3):
    sides = source.splits[f'train{number}'] + source.splits[f'test{number}']
    assert len(set(sides)) == 928
  assert REAL_CLIP in source.splits['train1']
  assert REAL_CLIP in source.splits['test3']

  clip = source.load(REAL_CLIP)
  assert source.class_names[clip.labels[0]] == 'catch'
  assert clip.keypoints.shape == (40, 1, 15, 2)
  # The first number in pos_img, the neck's x in frame 0, is 286.5 (1-based).
  assert clip.keypoints[0, 0, 0, 0] == 285.5
  # These are estimates, half within 11 pixels of the truth (the data's README).
  truth = np.load(shared_data / 'jhmdb' / 'clip' / 'gt_pos_img.npy')
  assert np.median(np.linalg.norm(clip.keypoints[:, 0] - truth, axis=-1)) < 12
