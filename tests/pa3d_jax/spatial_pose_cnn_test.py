"""The spatial pose CNN's sizes, and averaging over scales on the frame's grid."""

import functools
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pa3d_jax.spatial_pose_cnn import PoseMaps, SpatialPoseCNN, multi_scale_maps


@pytest.fixture(scope='module')
def variable_shapes():
  frames = jax.ShapeDtypeStruct((1, 32, 40, 3), jnp.float32)
  return jax.eval_shape(SpatialPoseCNN().init, jax.random.key(0), frames)


def test_has_as_many_parameters_as_openpose(variable_shapes):
  # Convolutions up to the features:                             7,340,480
  #   1,792 + 36,928 + 73,856 + 147,584 + 295,168 + 3·590,080
  #   + 1,180,160 + 2,359,808 + 1,179,904 + 295,040
  # Stage 1, L1: 3·147,584 + 66,048 + 19,494;  L2: … + 9,747:    1,046,841
  # Stages 2 to 6, each 8,784,825:                              43,924,125
  #   L1: 1,160,448 + 4·802,944 + 16,512 + 4,902;  L2: … + 2,451
  leaves = jax.tree.leaves(variable_shapes)
  assert sum(leaf.size for leaf in leaves) == 52_311_446


def test_stages_read_both_branches_and_the_features(variable_shapes):
  kernels = {
    name: layer['kernel'].shape for name, layer in variable_shapes['params'].items()
  }
  assert len(kernels) == 92
  for branch in ('L1', 'L2'):
    assert kernels[f'conv5_1_CPM_{branch}'] == (3, 3, 128, 128)
    for stage in range(2, 7):
      assert kernels[f'Mconv1_stage{stage}_{branch}'] == (7, 7, 185, 128)


@pytest.mark.parametrize('dtype', [jnp.float32, jnp.bfloat16])
def test_a_cell_is_eight_pixels(variable_shapes, dtype):
  frames = jax.ShapeDtypeStruct((2, 368, 656, 3), jnp.float32)
  maps = jax.eval_shape(SpatialPoseCNN(dtype=dtype).apply, variable_shapes, frames)
  assert maps.joints.shape == (2, 46, 82, 19)
  assert maps.parts.shape == (2, 46, 82, 38)
  assert maps.features.shape == (2, 46, 82, 128)
  assert all(leaf.dtype == dtype for leaf in jax.tree.leaves(maps))


def test_refuses_a_side_that_is_not_of_whole_cells(variable_shapes):
  frames = jax.ShapeDtypeStruct((1, 32, 44, 3), jnp.float32)
  with pytest.raises(ValueError, match='must be multiples of 8, but got 32×44'):
    jax.eval_shape(SpatialPoseCNN().apply, variable_shapes, frames)


def test_multi_scale_maps_at_full_size(variable_shapes):
  frames = jax.ShapeDtypeStruct((2, 241, 319, 3), jnp.uint8)
  model = SpatialPoseCNN(dtype=jnp.bfloat16)
  maps = jax.eval_shape(
    functools.partial(multi_scale_maps, model, scales=(0.5, 1.5)),
    variable_shapes,
    frames,
  )
  # 241 / 8 = 30.1 and 319 / 8 = 39.9.
  assert maps.joints.shape == (2, 31, 40, 19)
  assert maps.parts.shape == (2, 31, 40, 38)
  assert maps.features.shape == (2, 31, 40, 128)
  assert maps.joints.dtype == jnp.float32


class CellColours(nn.Module):
  """Replaces the network by the mean colour of each cell, which is easy to predict."""

  def __call__(self, frames):
    count, height, width, _ = frames.shape
    cells = frames.reshape(count, height // 8, 8, width // 8, 8, 3).mean(axis=(2, 4))
    return PoseMaps(joints=cells, parts=cells + 1, features=cells * cells)


def colours_at(frames, **options):
  return multi_scale_maps(CellColours(), {}, jnp.array(frames), **options)


def random_frames(height, width):
  shape = (2, height, width, 3)
  return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_at_scale_one_the_model_reads_the_frame_filled_up_with_grey():
  frames = random_frames(13, 24)
  filled = np.full((2, 16, 24, 3), 128, np.float32)
  filled[:, :13] = frames
  expected = CellColours()(filled[..., ::-1] / 256 - 0.5)
  found = colours_at(frames, scales=(1.0,))
  jax.tree.map(
    functools.partial(np.testing.assert_allclose, atol=1e-6), found, expected
  )


def test_averages_over_scales():
  frames = random_frames(13, 24)
  alone = [colours_at(frames, scales=(scale,)) for scale in (0.5, 1.0)]
  assert np.ptp([maps.joints for maps in alone], axis=0).max() > 0.01  # scales differ
  expected = jax.tree.map(lambda *maps: np.mean(maps, axis=0), *alone)
  found = colours_at(frames, scales=(0.5, 1.0))
  jax.tree.map(
    functools.partial(np.testing.assert_allclose, atol=1e-6), found, expected
  )


def sizes_read(frame_size, **options):
  """The sizes of the frames that the model reads."""
  sizes = []

  class Witness(CellColours):
    def __call__(self, frames):
      sizes.append(frames.shape[1:3])
      return super().__call__(frames)

  frames = jax.ShapeDtypeStruct((1, *frame_size, 3), jnp.uint8)
  jax.eval_shape(functools.partial(multi_scale_maps, Witness(), {}, **options), frames)
  return sizes


def test_scales_are_those_of_the_paper():
  assert sizes_read((48, 80)) == [(24, 40), (48, 80), (72, 120), (96, 160)]


def test_base_height_is_the_height_at_scale_one():
  # 720 × 1280 becomes 368 × 654.2 and 184 × 327.1, both rounded up to whole cells.
  sizes = sizes_read((720, 1280), scales=(1.0, 0.5), base_height=368)
  assert sizes == [(368, 656), (184, 328)]


def test_keeps_a_constant_on_the_grid_of_odd_frames():
  # At scale 3 the 9 rows become 27, in 4 cells, but the frame's 2 cells end at row 48.
  grey = np.full((1, 9, 11, 3), 128, np.uint8)
  maps = colours_at(grey, scales=(0.5, 3.0))
  assert maps.parts.shape == (1, 2, 2, 3)
  np.testing.assert_allclose(maps.parts, 1, atol=1e-5)


def test_keeps_a_constant_of_whole_cells():
  frames = np.full((1, 16, 48, 3), (240, 64, 16), np.uint8)
  maps = colours_at(frames, scales=(0.5, 1.5))
  blue_first = np.array([16, 64, 240]) / 256 - 0.5
  expected = np.broadcast_to(blue_first, (1, 2, 6, 3))
  np.testing.assert_allclose(maps.joints, expected, atol=1e-5)


@pytest.mark.parametrize('scale', [0.5, 1.5])
def test_a_cell_stays_in_its_place_at_every_scale(scale):
  # Two ramps show where a cell was read: 2 grey levels per pixel, 16 per cell.
  ramp = np.broadcast_to(2 * np.arange(125), (125, 125))
  colours = np.stack([np.zeros_like(ramp), ramp, ramp.T], axis=-1)
  found = colours_at(colours[None].astype(np.uint8), scales=(scale,)).joints
  inner = slice(3, 11)  # Away from the border and the grey padding.
  down, right = (256 * (found[0, inner, inner, i] + 0.5) for i in (0, 1))
  # Antialiasing shifts values by up to 1/32 cell; half a cell is 8 grey levels.
  at_centres = np.broadcast_to(2 * (8 * np.arange(3, 11) + 3.5), (8, 8))
  np.testing.assert_allclose(right, at_centres, atol=0.5)
  np.testing.assert_allclose(down, at_centres.T, atol=0.5)


@pytest.mark.parametrize(
  ('frames', 'found'),
  [
    (np.zeros((1, 8, 8, 3), np.float32), 'float32 (1, 8, 8, 3)'),
    (np.zeros((8, 8, 3), np.uint8), 'uint8 (8, 8, 3)'),
    (np.zeros((1, 8, 8, 4), np.uint8), 'uint8 (1, 8, 8, 4)'),
  ],
)
def test_refuses_frames_of_another_form(frames, found):
  with pytest.raises(ValueError, match=re.escape(f'but got {found}')):
    colours_at(frames)


@pytest.mark.parametrize(
  'options', [{'scales': ()}, {'scales': (1.0, 0.0)}, {'base_height': 0}]
)
def test_refuses_scales_that_leave_nothing(options):
  with pytest.raises(ValueError, match='at least one scale, all above 0'):
    colours_at(np.zeros((1, 8, 8, 3), np.uint8), **options)
