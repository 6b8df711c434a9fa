"""Batches and devices of the extractor, with a small network for the pose CNN."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.skeletons.registry import get_skeleton
from pa3d_jax.spatial_pose_cnn import (
  PAPER_SCALES,
  PoseMaps,
  SpatialPoseCNN,
  multi_scale_maps,
)
from pose_action.extraction.extractor import ExtractorError
from pose_action.extraction.openpose import OpenPoseExtractor


class SmallNetwork(nn.Module):
  """One convolution per cell; records each time that it is traced."""

  traced: tuple = ()

  @nn.compact
  def __call__(self, frames):
    TRACES.append(frames.shape)
    maps = nn.Conv(19 + 38 + 128, (8, 8), strides=(8, 8), padding='VALID')(frames)
    return PoseMaps(maps[..., :19], maps[..., 19:57], nn.relu(maps[..., 57:]))


TRACES = []


@pytest.fixture(scope='module')
def variables():
  rng = np.random.default_rng(0)
  return {
    'params': {
      'Conv_0': {
        'kernel': rng.normal(size=(8, 8, 3, 185)).astype(np.float32) / 10,
        'bias': rng.normal(size=185).astype(np.float32) / 10,
      }
    }
  }


@pytest.fixture(scope='module')
def frames():
  return np.random.default_rng(1).integers(0, 256, (11, 20, 24, 3), dtype=np.uint8)


def extractor_of(variables, **options):
  options = {'model': SmallNetwork(), 'scales': (0.5, 1.0)} | options
  return OpenPoseExtractor(variables, **options)


def test_returns_the_maps_of_multi_scale_maps(variables, frames):
  maps = extractor_of(variables, batch_size=4, devices=jax.devices()[:1])(frames)
  expected = multi_scale_maps(
    SmallNetwork(), variables, jnp.array(frames), scales=(0.5, 1.0)
  )
  assert maps.cell_size == (8, 8)
  assert {name: array.shape for name, array in maps.by_modality.items()} == {
    'joints': (11, 3, 3, 19),
    'parts': (11, 3, 3, 38),
    'features': (11, 3, 3, 128),
  }
  for name, array in maps.by_modality.items():
    np.testing.assert_allclose(array, getattr(expected, name), atol=1e-5)


def test_eight_devices_give_the_same_as_one(variables, frames):
  assert len(jax.devices()) == 8
  one = extractor_of(variables, batch_size=4, devices=jax.devices()[:1])(frames)
  eight = extractor_of(variables, batch_size=4)(frames)
  for name, array in one.by_modality.items():
    assert np.ptp(array, axis=0).max() > 0.1  # The frames differ.
    np.testing.assert_allclose(eight.by_modality[name], array, atol=1e-5)


def test_the_last_batch_is_not_compiled_anew(variables):
  # No other test uses this frame size.
  frames = np.zeros((9, 16, 40, 3), np.uint8)
  extractor = extractor_of(variables, batch_size=8, scales=(1.0,))
  TRACES.clear()
  assert len(extractor(frames).by_modality['joints']) == 9
  assert len(extractor(frames[:3]).by_modality['joints']) == 3
  assert TRACES == [(8, 16, 40, 3)]


def test_describes_itself(variables):
  extractor = extractor_of(variables, weights='abc', base_height=368)
  assert extractor.skeleton == get_skeleton('openpose_18_background')
  assert (extractor.name, extractor.num_features) == ('openpose', 128)
  assert extractor.settings == {
    'extractor': 'openpose',
    'weights': 'abc',
    'scales': [0.5, 1.0],
    'base_height': 368,
  }


@pytest.mark.parametrize(
  'options', [{'scales': ()}, {'scales': (0.0,)}, {'base_height': 0}, {'batch_size': 0}]
)
def test_options_out_of_range_are_refused(variables, options):
  with pytest.raises(
    ExtractorError, match='scales must be one or more numbers above 0'
  ):
    extractor_of(variables, **options)


def test_reads_the_released_weights(tmp_path):
  frames = jax.ShapeDtypeStruct((1, 16, 16, 3), jnp.float32)
  shapes = jax.eval_shape(SpatialPoseCNN().init, jax.random.key(0), frames)['params']
  state = {}
  for name, layer in shapes.items():
    height, width, inputs, outputs = layer['kernel'].shape
    # Zeros are quick to write, and the biases distinguish the layers.
    state[f'{name}.weight'] = np.zeros((outputs, inputs, height, width), np.float32)
    state[f'{name}.bias'] = np.full(outputs, len(state), np.float32)
  np.savez_compressed(tmp_path / 'w.npz', **state)
  extractor = OpenPoseExtractor.from_file(tmp_path / 'w.npz', batch_size=1)
  assert extractor.settings['scales'] == list(PAPER_SCALES)
  assert len(extractor.settings['weights']) == 16
  params = extractor._variables['params']
  assert jax.tree.map(jnp.shape, params) == jax.tree.map(
    lambda leaf: leaf.shape, shapes
  )
  for name, layer in params.items():
    assert layer['bias'][0] == state[f'{name}.bias'][0]
