"""Single frames of stored maps: a network's own background, and other modalities."""

import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation.time import TimeMask, TimeMotion
from input_pipeline.maps import stored_frames, stored_motion
from input_pipeline.maps.canvas import MapSettings
from tests.input_pipeline.maps.clip_batches import BACKGROUND, draw_of

SETTINGS = MapSettings((16, 22), short_side=16, sigma=1.0)
WRIST = 4


def network_maps():
  """Two frames; the background is not 1 - max over joints."""
  maps = np.zeros((2, 16, 22, 19), np.float32)
  maps[..., 18] = 1
  maps[:, 8, 9, WRIST] = 0.8
  maps[:, 8, 9, 18] = 0.4  # Not 0.2.
  maps[:, 5, 14, 18] = 0.6  # Something the network knows no joint for.
  return jnp.array(maps)


def background_with(values):
  background = np.ones((16, 22), np.float32)
  for cell, value in values.items():
    background[cell] = value
  return background


def test_a_displaced_joint_leaves_the_networks_remainder():
  shift = np.zeros((2, 18, 2), np.float32)
  shift[0, WRIST], shift[1, WRIST] = (2, 0), (0, -1)
  moved = stored_frames.change_joints(
    network_maps(),
    lambda joints: stored_motion.shift_joints_by_frame(joints, jnp.array(shift)),
    BACKGROUND,
  )
  for frame, cell in enumerate([(8, 11), (7, 9)]):
    joint = np.zeros((16, 22))
    joint[cell] = 0.8
    np.testing.assert_allclose(moved[frame, ..., WRIST], joint, atol=1e-6)
    # 1 + 0.2 is cut to 1 where the wrist was; the wrist alone is 1 - 0.8.
    expected = background_with({cell: 0.2, (5, 14): 0.6})
    np.testing.assert_allclose(moved[frame, ..., 18], expected, atol=1e-6)


def test_parts_of_a_cell_are_interpolated_for_each_frame_and_joint():
  maps = np.zeros((2, 4, 5, 3), np.float32)
  maps[:, 1, 2] = 1
  shift = np.zeros((2, 3, 2), np.float32)
  shift[0, 1], shift[1, 2] = (0.25, 0), (0.5, 0.5)
  moved = np.asarray(
    stored_motion.shift_joints_by_frame(jnp.array(maps), jnp.array(shift))
  )
  expected = maps.copy()
  expected[0, 1, 2:4, 1] = (0.75, 0.25)
  expected[1, 1:3, 2:4, 2] = 0.25
  np.testing.assert_allclose(moved, expected, atol=1e-6)


def test_a_masked_joint_leaves_the_networks_remainder():
  hidden = jnp.arange(18) == WRIST
  kept = stored_frames.without_joints(
    {'joints': network_maps()}, hidden, BACKGROUND, SETTINGS
  )['joints']
  assert not np.asarray(kept[..., :18]).any()
  np.testing.assert_allclose(kept[0, ..., 18], background_with({(5, 14): 0.6}))


@pytest.mark.parametrize('background', [True, False])
def test_hidden_frames_are_empty_in_every_modality(background):
  skeleton = BACKGROUND
  joints = network_maps()
  if not background:
    skeleton = type(skeleton).from_dict({**skeleton.to_dict(), 'background': False})
    joints = joints[..., :18]
  maps = {
    'joints': joints,
    'parts': jnp.full((2, 16, 22, 4), -0.5),
    'features': jnp.full((2, 16, 22, 3), 0.7),
  }
  one = jnp.float32(1)
  # The first half of two frames is the first frame.
  mask = TimeMask(start=jnp.float32(0), share=jnp.float32(0.5))
  time = TimeMotion(start=jnp.float32(0), share=one, tempo=one, mask=mask)
  read, number = stored_frames.take_and_disturb(
    maps, jnp.int32(2), draw_of().replace(time=time), skeleton, SETTINGS
  )
  assert number == 2
  for name, stored in maps.items():
    np.testing.assert_allclose(read[name][1], stored[1], atol=1e-6)
    assert not np.asarray(read[name][0, ..., :18]).any()
  if background:
    np.testing.assert_allclose(
      read['joints'][0, ..., 18], background_with({(5, 14): 0.6}), atol=1e-6
    )
