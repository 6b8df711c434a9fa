"""AVA as a source: from its files and poses to the people in each box's crop."""

import pickle

import ava_tree
import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.person_clip import PersonClipSettings
from input_pipeline.readers.formats import ava
from input_pipeline.skeletons.registry import get_skeleton

COCO, BOTH = get_skeleton('coco_17'), get_skeleton('coco_17_and_others')
FIRST = f'{ava_tree.TRAIN[0]},0902,{",".join(ava_tree.LEFT)}'


@pytest.fixture
def folder(tmp_path):
  return ava_tree.write(tmp_path / 'ava')


def test_a_clip_for_each_box(folder):
  source = ava.read(folder, BOTH)
  assert source.multi_label
  assert source.class_names == tuple(ava_tree.CLASSES.values())
  # 3 + 2 people in the two seconds of one video, 3 + 2 + 2 in the three seconds of the
  # other; in the test video, 4 confident boxes in each of two seconds.
  assert [len(source.splits[split]) for split in ('train', 'val')] == [12, 8]
  assert source.splits['train'][0] == FIRST
  assert source.load(FIRST).labels == (1, 2)
  nobody = f'{ava_tree.VAL},0903,{",".join(ava_tree.NOBODY)}'
  assert source.load(nobody).labels == ()


def test_a_clip_shows_who_is_in_the_box(folder):
  clip = ava.read(folder, COCO).load(FIRST)
  # ±1 s at 12 frames per second.
  assert clip.keypoints.shape == (25, 1, 17, 2)
  assert clip.skeleton is COCO
  # The box is 48 × 96 in a frame of 120 × 160 pixels (height, width); the crop is a
  # square of side 1.5 · 96 around (32, 60).
  assert clip.frame_size == (144, 144)
  (poses,) = [
    v
    for v in pickle.loads((folder / 'poses.pkl').read_bytes())['annotations']
    if v['frame_dir'] == ava_tree.TRAIN[0]
  ]
  # At 902 s, frame 20, the pickle orders people as (2, 0, 1).
  left = poses['keypoint'][1, 20]
  expected = left - np.array([32 - 72, 60 - 72])
  np.testing.assert_allclose(clip.keypoints[12, 0], expected, atol=1e-4)
  # The person is followed, although the pickle has them at 1 and 0 in turn.
  spread = clip.keypoints[:, 0, 0].std(axis=0)
  assert clip.scores.all()
  assert (spread < 2).all()


def test_the_others_stand_in_channels_of_their_own(folder):
  alone, both = (ava.read(folder, s).load(FIRST) for s in (COCO, BOTH))
  np.testing.assert_array_equal(both.keypoints[:, :1, :17], alone.keypoints)
  assert both.keypoints.shape[2] == 34
  others = both.keypoints[..., 17:, :][both.scores[..., 17:] > 0]
  assert len(others)
  # All the other people are to the right.
  assert others[:, 0].min() > alone.keypoints[..., 0].max()


def test_what_a_clip_shows_can_be_said(folder):
  settings = PersonClipSettings(seconds=0.5, frames_per_second=4, margin=0)
  clip = ava.read(folder, COCO, settings=settings).load(FIRST)
  assert (clip.num_frames, clip.frame_size) == (5, (96, 96))
  assert len(ava.read(folder, COCO, least_score=0.95).splits['val']) == 4


def test_poses_of_each_video_in_a_file_of_its_own(tmp_path):
  together = ava.read(ava_tree.write(tmp_path / 'a'), BOTH)
  apart = ava.read(ava_tree.write(tmp_path / 'b', poses_apart=True), BOTH)
  for split, video_ids in together.splits.items():
    assert apart.splits[split] == video_ids
    for video_id in video_ids:
      one, other = together.load(video_id), apart.load(video_id)
      np.testing.assert_array_equal(one.keypoints, other.keypoints)


def change_poses(folder, **changes):
  """Changes the pickled annotation of the first training video."""
  file = folder / 'poses.pkl'
  content = pickle.loads(file.read_bytes())
  video = content['annotations'][0] | changes
  kept = {key: value for key, value in video.items() if value is not None}
  content['annotations'][0] = kept
  file.write_bytes(pickle.dumps(content))


def test_where_a_video_begins_can_be_said(folder):
  whole = ava.read(folder, COCO).load(FIRST)
  change_poses(folder, start_second=901)
  # One second later: the poses that were at 902 are at 903 now.
  later = f'{ava_tree.TRAIN[0]},0903,{",".join(ava_tree.LEFT)}'
  moved = ava.read(folder, COCO).load(later)
  np.testing.assert_array_equal(moved.keypoints, whole.keypoints)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'fps': None}, r"'-5KQ66BBWC4' have fps None, but need a positive number of fra"),
    ({'fps': 0.0}, r'have fps 0\.0'),
    ({'fps': 'fast'}, r"have fps 'fast'"),
    ({'start_second': float('nan')}, r'have start_second nan, but need the second at'),
    ({'start_second': 0}, r'would be at frame 9020, but there are 60, from 0'),
    ({'keypoint': None}, r"its annotation in .*poses\.pkl lacks 'keypoint'"),
  ],
)
def test_a_broken_video_raises_with_its_clips_alone(folder, changes, message):
  change_poses(folder, **changes)
  source = ava.read(folder, COCO)
  with pytest.raises(PoseDataError, match=rf"clip '{FIRST}': .*{message}"):
    source.load(FIRST)
  assert source.load(source.splits['train'][-1]).num_frames == 25


def test_a_video_without_poses_raises_with_its_clips_alone(tmp_path):
  folder = ava_tree.write(tmp_path, poses_apart=True)
  (folder / 'poses' / f'{ava_tree.TRAIN[0]}.pkl').unlink()
  source = ava.read(folder, COCO)
  with pytest.raises(PoseDataError, match=r"no poses of video '-5KQ66BBWC4' in"):
    source.load(FIRST)
  assert source.load(source.splits['val'][0])


def test_what_is_missing_is_said_before_anything_starts(folder):
  (folder / 'poses.pkl').unlink()
  with pytest.raises(
    PoseDataError, match=r'poses of none of its 2 training videos: exp'
  ):
    ava.read(folder, COCO)
  (folder / 'ava_val_predicted_boxes.csv').unlink()
  with pytest.raises(
    PoseDataError, match=r'lacks ava_val_predicted_boxes\.csv, .*https'
  ):
    ava.read(folder, COCO)
