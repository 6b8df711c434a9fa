"""All representations, stored and read as in a run, must give a model the same maps."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.pose_aware import PoseAwareSettings
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.poses.clip import PoseClip
from tests.input_pipeline.maps.clip_batches import (
  BACKGROUND,
  PENN,
  SETTINGS,
  batch_input,
  batch_of,
  centre_of_mass,
  draw_of,
  inner_clip,
  joint_motion,
  maps_of,
  random_clip,
  rendered_and_stored,
)

FRAMES = {
  '4:3, same as the canvas except for one column': (240, 320),
  '16:9, cut on both sides': (270, 480),
  'square, padded at the sides': (200, 200),
  'portrait, padded at the sides, cut above and below': (320, 180),
}


@pytest.mark.parametrize('skeleton', [PENN, BACKGROUND], ids=['joints', 'background'])
@pytest.mark.parametrize('frame_size', FRAMES.values(), ids=FRAMES)
def test_a_model_cannot_tell_which_representation_fed_it(frame_size, skeleton):
  rendered, stored = rendered_and_stored(random_clip(frame_size, skeleton))
  assert rendered.shape == (1, 3, 16, 22, skeleton.num_maps)
  assert rendered.dtype == stored.dtype == np.float32
  np.testing.assert_allclose(rendered, stored, atol=0.5 / 255 + 1e-6)  # uint8 rounding
  assert (stored > 0.5).any()


def test_beside_the_frame_the_canvas_is_empty():
  # A square frame covers 16 of the 22 columns, from the fourth on. Joints on its left
  # border would reach beyond it.
  rng = np.random.default_rng(0)
  y = rng.uniform(0, 200, (3, 2, 18))
  positions = np.stack([np.zeros_like(y), y], axis=-1)
  clip = PoseClip('clip', positions, np.ones(y.shape), (200, 200), BACKGROUND)
  for maps in rendered_and_stored(clip):
    np.testing.assert_array_equal(maps[..., :3, :18], 0)
    np.testing.assert_array_equal(maps[..., :3, 18], 1)  # All background.
    assert (maps[..., 3, :18] > 0.5).any()


def test_the_middle_of_a_wide_frame_is_in_the_middle_of_the_canvas():
  # 270 × 480 is 16 × 28 cells; the canvas shows 22 columns, from the fourth on. Pixel
  # 13.5 · 480 / 28 - 0.5 is at column 13 of the map, and so at column 10 of the canvas.
  pixel = (13.5 * 480 / 28 - 0.5, 8.5 * 270 / 16 - 0.5)
  positions = np.broadcast_to(np.array(pixel), (3, 2, 13, 2))
  clip = PoseClip('clip', positions, np.ones((3, 2, 13)), (270, 480), PENN)
  for maps in rendered_and_stored(clip):
    one = maps[0, 0, ..., 0]
    assert np.unravel_index(one.argmax(), one.shape) == (8, 10)
    assert one.max() == 1


@pytest.mark.parametrize('skeleton', [PENN, BACKGROUND], ids=['joints', 'background'])
@pytest.mark.parametrize('frame_size', FRAMES.values(), ids=FRAMES)
def test_nor_can_it_when_they_are_flipped(frame_size, skeleton):
  clip = random_clip(frame_size, skeleton)
  rendered, stored = rendered_and_stored(clip, draw=draw_of(flip=True))
  np.testing.assert_allclose(rendered, stored, atol=0.5 / 255 + 1e-6)
  still = maps_of(clip, 'heatmaps', draw=draw_of())
  assert not np.allclose(stored, still, atol=0.1)


@pytest.mark.parametrize('skeleton', [PENN, BACKGROUND], ids=['joints', 'background'])
@pytest.mark.parametrize('frame_size', [(240, 320), (200, 200)], ids=str)
def test_nor_when_they_are_moved_by_whole_cells(frame_size, skeleton):
  clip = random_clip(frame_size, skeleton)
  moves = AugmentSettings(shift=0.5)
  draw = draw_of(flip=True, shift=(2, -3))
  rendered, stored = rendered_and_stored(clip, draw=draw, augmentation=moves)
  np.testing.assert_allclose(rendered, stored, atol=1 / 255)
  still = maps_of(clip, 'heatmaps', draw=draw_of(), augmentation=moves)
  assert not np.allclose(stored, still, atol=0.1)


ROW = AugmentSettings(scale=(0.9, 1.1), shift=0.1)


@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps'])
def test_a_row_draws_for_all_its_frames_and_whatever_the_batch_size(representation):
  clip = random_clip()
  still = dataclasses.replace(
    clip, keypoints=clip.keypoints[[0, 0, 0]], scores=clip.scores[[0, 0, 0]]
  )
  one = batch_of(still, representation)

  def augmented(rows, seed=0):
    return np.asarray(
      batch_input(
        {name: np.repeat(array, rows, axis=0) for name, array in one.items()},
        jax.random.key(seed),
        skeleton=PENN,
        settings=SETTINGS,
        augmentation=ROW,
      )
    )

  four = augmented(4)
  np.testing.assert_array_equal(four[:, 1], four[:, 0])
  np.testing.assert_array_equal(four[:, 2], four[:, 0])
  for row in range(3):
    assert not np.allclose(four[row], four[row + 1], atol=0.01)
  np.testing.assert_allclose(augmented(2), four[:2], atol=1e-6)
  assert not np.allclose(augmented(4, seed=1), four, atol=0.01)


@jax.jit
def draw_by_hand(key, row):
  """A row's flip, scale and shift, written out."""
  keys = jax.random.split(jax.random.fold_in(key, row), 3)
  reach = jnp.array([2.2, 1.6])  # A tenth of 22 columns and of 16 rows.
  return (
    jax.random.bernoulli(keys[0], 0.5),
    jax.random.uniform(keys[1], minval=0.9, maxval=1.1),
    jax.random.uniform(keys[2], (2,), minval=-reach, maxval=reach),
  )


def test_a_row_s_key_is_the_run_s_and_its_number():
  """A change to how views draw would change every published run."""
  wrist = np.array([10.25, 7.5])  # (x, y) in canvas cells; the frame has 16 × 21 cells.
  pixels = (wrist + 0.5) * [320 / 21, 15] - 0.5
  poses = np.zeros((4, 3, 2, 13, 3), np.float32)
  poses[:, :, 0, 0] = (*pixels, 1)
  batch = {
    'keypoints': poses,
    'frame_size': np.tile(np.array([[240, 320]], np.int32), (4, 1)),
    'num_frames': np.full(4, 3, np.int32),
  }
  key = jax.random.key(3)
  maps = batch_input(batch, key, skeleton=PENN, settings=SETTINGS, augmentation=ROW)
  flips = []
  for row in range(4):
    flip, scale, shift = (np.asarray(value) for value in draw_by_hand(key, row))
    flips.append(bool(flip))
    x, y = (21 - wrist[0], wrist[1]) if flip else wrist
    expected = np.array([10.5, 7.5]) + scale * np.array([x - 10.5, y - 7.5]) + shift
    np.testing.assert_allclose(
      centre_of_mass(np.asarray(maps[row, 0, ..., 0])), expected, atol=0.03
    )
  assert len(set(flips)) == 2


def test_groups_of_joints_move_in_single_frames_too():
  settings = MapSettings((32, 44), short_side=32, sigma=1.0)
  clip = inner_clip(BACKGROUND)
  shifts = np.random.default_rng(0).integers(-2, 3, (18, 2))
  rendered, stored = rendered_and_stored(
    clip,
    settings,
    draw=draw_of(joint_motion=joint_motion(shifts, whole=(2, -1))),
    augmentation=AugmentSettings(pose_aware=PoseAwareSettings(3.0, 3.0)),
  )
  assert rendered.shape == (1, 5, 32, 44, 19)
  np.testing.assert_allclose(rendered, stored, atol=1 / 255)
  # By hand: a joint's map is its map at rest, moved by as many rows and columns.
  rest = maps_of(clip, 'heatmaps', settings)
  for joint, (x, y) in enumerate(shifts + np.array([2, -1])):
    moved = np.roll(rest[..., joint], (y, x), axis=(2, 3))
    np.testing.assert_allclose(stored[..., joint], moved, atol=1e-6)
