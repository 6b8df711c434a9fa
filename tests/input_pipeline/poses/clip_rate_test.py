"""Resampling in time, against positions worked out by hand."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.clip_rate import at_frame_rate
from input_pipeline.poses.sources import HeatmapClip, known_rate
from input_pipeline.skeletons.registry import Skeleton

PAIR = Skeleton('pair', ('head', 'tail'), (('head', 'tail'),))


def clip_of(x, scores, frame_rate):
  """The head is at (x, 2 x) with these scores; the tail stays at (5, 5)."""
  x, scores = np.array(x, float), np.array(scores, float)
  keypoints = np.full((len(x), 1, 2, 2), 5.0)
  keypoints[:, 0, 0] = np.stack([x, 2 * x], axis=-1)
  both = np.stack([scores, np.ones_like(scores)], axis=-1)[:, None]
  return PoseClip('a', keypoints, both, (20, 20), PAIR, frame_rate=frame_rate)


def posed(clip, frame_rate):
  changed = at_frame_rate(clip, frame_rate)
  assert isinstance(changed, PoseClip)
  return changed


def test_twice_the_rate_puts_a_frame_between_two():
  clip = posed(clip_of([1, 3, 7], [1, 0.5, 1], 10), 20)
  assert clip.frame_rate == 20
  np.testing.assert_allclose(clip.keypoints[:, 0, 0, 0], [1, 2, 3, 5, 7])
  np.testing.assert_allclose(clip.keypoints[:, 0, 0, 1], [2, 4, 6, 10, 14])
  np.testing.assert_allclose(clip.scores[:, 0, 0], [1, 0.75, 0.5, 0.75, 1])
  np.testing.assert_allclose(clip.keypoints[:, 0, 1], 5)


def test_a_third_of_the_rate_keeps_every_third_frame():
  clip = posed(clip_of(np.arange(8.0), np.ones(8), 30), 10)
  np.testing.assert_allclose(clip.keypoints[:, 0, 0, 0], [0, 3, 6])


def test_rates_that_do_not_divide():
  # 25 to 30 per second: a new frame every 5/6 of an old one; 5 old frames span 4.
  clip = posed(clip_of(np.arange(5.0), np.ones(5), 25), 30)
  np.testing.assert_allclose(
    clip.keypoints[:, 0, 0, 0], np.arange(5) * 5 / 6, rtol=1e-6
  )


def test_a_missing_joint_is_missing_until_the_nearer_frame_shows_it():
  # At four times the rate: moments 0, 1/4, 1/2, 3/4, 1 between a missing and a seen one.
  clip = posed(clip_of([0, 8], [0, 0.5], 10), 40)
  np.testing.assert_allclose(clip.scores[:, 0, 0], [0, 0, 0, 0.5, 0.5])
  np.testing.assert_allclose(clip.keypoints[3:, 0, 0, 0], 8)


def test_maps_are_those_of_the_nearest_frame():
  maps = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(2, axis=-1)
  clip = HeatmapClip('a', lambda modality: maps, 4, (8, 8), PAIR, frame_rate=20.0)
  half = at_frame_rate(clip, 10.0)
  assert isinstance(half, HeatmapClip)
  assert (half.num_frames, half.frame_rate) == (2, 10)
  np.testing.assert_array_equal(half.maps('joints')[:, 0, 0, 0], [0, 2])


def test_one_frame_stays_one():
  assert at_frame_rate(clip_of([1], [1], 10), 60).num_frames == 1


@pytest.mark.parametrize('rate', [0, -1, float('nan'), float('inf')])
def test_no_rate(rate):
  with pytest.raises(PoseDataError, match='but must be frames per second above 0'):
    clip_of([1], [1], rate)


def test_rates_as_files_state_them():
  rates = [known_rate(value) for value in (30, '29.97', 0, None, 'fast', 90000, [1])]
  assert rates == [30, 29.97, None, None, None, None, None]
