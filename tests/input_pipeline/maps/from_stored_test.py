"""Stored maps: a pose network's background, and PoTion maps of long videos."""

import numpy as np
import pytest

from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.potion import PotionSettings
from tests.input_pipeline.maps.clip_batches import (
  BACKGROUND,
  PENN,
  STILL,
  batch_input,
  batch_of_record,
  draw_of,
  drawn_maps,
  joint_motion,
)

FRAMES = MapSettings((16, 22), short_side=16, sigma=1.0)
SHIFTED = AugmentSettings(shift=0.5)
GROUPS = AugmentSettings(pose_aware=PoseAwareSettings(3.0, 3.0))


def network_maps() -> np.ndarray:
  """Two frames of joint maps; the background is not 1 - max over joints."""
  maps = np.zeros((2, 16, 22, 19), np.uint8)
  maps[..., 18] = 255
  maps[:, 8, 9, 4] = 204  # A wrist: 0.8, where 1 - max is 0.2.
  maps[:, 8, 9, 18] = 102  # The network's own background: 0.4.
  maps[:, 5, 14, 18] = 153  # Something the network knows no joint for: 0.6.
  return maps


def network_batch():
  record = {
    'frame_size': np.array([240, 330], np.int32),
    'label': 0,
    'maps': network_maps(),
  }
  return batch_of_record(record, FRAMES, num_frames=2, background=True)


def background_of(draw=None, augmentation=STILL) -> np.ndarray:
  options = {'skeleton': BACKGROUND, 'settings': FRAMES, 'augmentation': augmentation}
  batch = network_batch()
  if draw is None:
    return np.asarray(batch_input(batch, None, **options))[0, 0, ..., 18]
  return np.asarray(drawn_maps(batch, draw, **options))[0, 0, ..., 18]


def with_values(values: dict[tuple[int, int], float]) -> np.ndarray:
  background = np.ones((16, 22), np.float32)
  for cell, value in values.items():
    background[cell] = value
  return background


@pytest.mark.parametrize('augmentation', [STILL, SHIFTED, GROUPS])
def test_training_reads_the_background_that_evaluation_reads(augmentation):
  at_rest = draw_of(joint_motion=joint_motion(np.zeros((18, 2)), whole=(0, 0)))
  if not augmentation.pose_aware.moves:
    at_rest = draw_of()
  stored = with_values({(8, 9): 0.4, (5, 14): 0.6})
  np.testing.assert_allclose(background_of(), stored, atol=1e-6)
  np.testing.assert_allclose(background_of(at_rest, augmentation), stored, atol=1e-6)


def test_a_stored_background_moves_with_the_clip():
  draw = draw_of(flip=True, shift=(2, -3))
  expected = with_values({(5, 21 - 9 + 2): 0.4, (2, 21 - 14 + 2): 0.6})
  np.testing.assert_allclose(background_of(draw, SHIFTED), expected, atol=1e-6)


def test_a_stored_background_moves_with_the_whole_pose():
  motion = joint_motion(np.zeros((18, 2)), whole=(3, -2))
  expected = with_values({(6, 12): 0.4, (3, 17): 0.6})
  background = background_of(draw_of(joint_motion=motion), GROUPS)
  np.testing.assert_allclose(background, expected, atol=1e-6)


def test_where_a_group_moves_away_only_the_networks_remainder_stays():
  """0.4 is 1 - 0.8 for the wrist, which moves, plus 0.2 that belongs to no joint."""
  shifts = np.zeros((18, 2))
  shifts[4] = (2, 0)
  motion = joint_motion(shifts, whole=(0, 0))
  # 1 + 0.2 is cut to 1 where the wrist was; the wrist alone is 1 - 0.8.
  expected = with_values({(8, 11): 0.2, (5, 14): 0.6})
  background = background_of(draw_of(joint_motion=motion), GROUPS)
  np.testing.assert_allclose(background, expected, atol=1e-6)


@pytest.mark.parametrize('num_frames', [2**14, 20_000])
def test_sums_over_the_frames_of_a_long_video(num_frames):
  """PoTion's first colour falls from 1 to 0 over half of the video."""
  settings = MapSettings(
    (16, 22), short_side=16, sigma=1.0, potion=PotionSettings(normalization='none')
  )
  record = {
    'frame_size': np.array([240, 330], np.int32),
    'label': 0,
    'num_frames': num_frames,
    'potion': np.full((13, 16, 22, 3), 0.5, np.float16),
  }
  batch = batch_of_record(record, settings, num_frames=8)
  maps = batch_input(batch, None, skeleton=PENN, settings=settings, augmentation=STILL)
  sums = np.array([0.25, 0.5, 0.25]) * num_frames
  np.testing.assert_allclose(maps[0, 0, 0, 0], 0.5 * sums, rtol=1e-3)
