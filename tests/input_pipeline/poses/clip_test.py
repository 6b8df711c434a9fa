"""PoseClip: what it accepts and changes, and its messages for invalid poses."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip, Segment
from input_pipeline.skeletons.registry import Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())


def clip_of(**changes) -> PoseClip:
  """Three frames of two persons with two joints, all at (5, 7)."""
  fields = {
    'video_id': 'v',
    'keypoints': np.full((3, 2, 2, 2), (5, 7), np.float32),
    'scores': np.ones((3, 2, 2), np.float32),
    'frame_size': (48, 64),
    'skeleton': EYES,
    'labels': (1,),
  }
  return PoseClip(**{**fields, **changes})


def with_value(shape, index, value, base=1.0):
  array = np.full(shape, base, np.float32)
  array[index] = value
  return array


def test_sizes():
  clip = clip_of()
  assert (clip.num_frames, clip.num_persons) == (3, 2)


def test_everything_becomes_float32():
  clip = clip_of(
    keypoints=np.full((3, 2, 2, 2), 7, np.uint8), scores=np.ones((3, 2, 2), bool)
  )
  assert clip.keypoints.dtype == clip.scores.dtype == np.float32
  assert clip_of(labels=np.array([2, 3])).labels == (2, 3)


@pytest.mark.parametrize('written', [-999.0, np.nan, np.inf])
def test_a_missing_joint_has_position_zero_whatever_was_written(written):
  keypoints = with_value((3, 2, 2, 2), (1, 0, 1), written, base=5)
  given = keypoints.copy()
  clip = clip_of(keypoints=keypoints, scores=with_value((3, 2, 2), (1, 0, 1), 0))
  assert clip.keypoints[1, 0, 1].tolist() == [0, 0]
  assert (clip.keypoints == 5).sum() == 3 * 2 * 2 * 2 - 2
  np.testing.assert_array_equal(keypoints, given)  # The caller's array is untouched.


def test_a_position_outside_the_frame_is_kept():
  keypoints = with_value((3, 2, 2, 2), (0, 0, 0, 0), -30.5, base=5)
  assert clip_of(keypoints=keypoints).keypoints[0, 0, 0, 0] == -30.5


@pytest.mark.parametrize(
  'shape',
  [(3, 2, 2), (3, 2, 3, 2), (3, 2, 2, 3), (0, 2, 2, 2), (3, 0, 2, 2)],
  ids=['rank', 'joints', 'columns', 'no frame', 'no person'],
)
def test_wrong_keypoint_shape(shape):
  with pytest.raises(
    PoseDataError, match=r"clip 'v': keypoints have .*, 2, 2\] .*'eyes'"
  ):
    clip_of(keypoints=np.zeros(shape), scores=np.zeros(shape[:3]))


def test_wrong_score_shape():
  with pytest.raises(
    PoseDataError, match=r"'v': scores have shape \(3, 2\), .*\(3, 2, 2\)"
  ):
    clip_of(scores=np.ones((3, 2)))


@pytest.mark.parametrize('value', [1.01, -0.01, np.nan])
def test_score_outside_0_to_1(value):
  scores = with_value((3, 2, 2), (2, 1, 0), value)
  with pytest.raises(
    PoseDataError, match=r"'v': scores hold .* frame 2, person 1, joint 'left_eye'"
  ):
    clip_of(scores=scores)


@pytest.mark.parametrize('value', [np.nan, -np.inf])
def test_present_joint_nowhere(value):
  keypoints = with_value((3, 2, 2, 2), (1, 0, 1, 0), value)
  with pytest.raises(
    PoseDataError, match=r"'v': keypoints hold .* frame 1, person 0, joint 'right_eye'"
  ):
    clip_of(keypoints=keypoints)


@pytest.mark.parametrize('frame_size', [(48,), (0, 64), (48, 64, 3)])
def test_wrong_frame_size(frame_size):
  with pytest.raises(PoseDataError, match=r"'v': frame_size is .* \(height, width\)"):
    clip_of(frame_size=frame_size)


def test_needs_a_name():
  with pytest.raises(PoseDataError, match='empty video_id'):
    clip_of(video_id='')


def test_segments_belong_to_the_labels():
  segments = (Segment(1, 0.0, 2.5), Segment(1, 3.0, 3.0))
  assert clip_of(segments=segments).segments == segments
  assert clip_of().segments == ()
  with pytest.raises(
    PoseDataError, match=r"'v': has segments of classes \[0\], but the labels \(1,\); a"
  ):
    clip_of(segments=(*segments, Segment(0, 0.0, 1.0)))


@pytest.mark.parametrize('times', [(2.0, 1.0), (-1.0, 1.0), (np.nan, 1.0), (0, np.inf)])
def test_a_segment_ends_after_it_starts(times):
  with pytest.raises(
    ValueError, match=r'segment of class 3 is from .* to .*, but must'
  ):
    Segment(3, *times)


def test_is_frozen():
  with pytest.raises(dataclasses.FrozenInstanceError):
    clip_of().video_id = 'other'
