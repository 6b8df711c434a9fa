"""OpenPose's state dicts: parity with PyTorch, both kinds of names, and refusals."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pa3d_jax.openpose_weights import WeightsError, variables_from_state_dict
from pa3d_jax.spatial_pose_cnn import SpatialPoseCNN

torch = pytest.importorskip(
  'torch', reason='PyTorch, the reference for OpenPose, is not installed'
)

from benchmarks.in_pytorch.jmrn import randomised  # noqa: E402
from benchmarks.in_pytorch.openpose import TorchOpenPose  # noqa: E402


@pytest.fixture(scope='module')
def reference():
  return randomised(TorchOpenPose()).eval()


@pytest.fixture
def state(reference):
  return {name: value.numpy() for name, value in reference.state_dict().items()}


def without_modules(state):
  return {name.split('.', 1)[1]: tensor for name, tensor in state.items()}


def test_answers_as_the_reference_does(reference, state):
  rng = np.random.default_rng(0)
  frames = rng.uniform(-0.5, 0.5, (1, 32, 40, 3)).astype(np.float32)

  # Not jitted: compiling one program with 92 layers takes longer than its few kinds.
  maps = SpatialPoseCNN().apply(variables_from_state_dict(state), jnp.array(frames))

  with torch.no_grad():
    parts, joints, features = reference(torch.tensor(frames.transpose(0, 3, 1, 2)))
  pairs = ((maps.parts, parts), (maps.joints, joints), (maps.features, features))
  for ours, theirs in pairs:
    expected = theirs.numpy().transpose(0, 2, 3, 1)
    assert np.ptp(expected, axis=(0, 1, 2)).max() > 0.1  # cells differ
    np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-4)


def test_ways_of_naming_give_the_same_variables(state):
  plain = variables_from_state_dict(state)
  layers = without_modules(state)
  assert {'conv1_1.weight', 'Mconv7_stage6_L2.bias'} <= layers.keys()
  for named in (layers, {f'module.{name}': value for name, value in state.items()}):
    same = jax.tree.map(np.array_equal, variables_from_state_dict(named), plain)
    assert all(jax.tree.leaves(same))


def test_lists_all_offences_at_once(state):
  del state['model0.conv1_1.bias']
  del state['model6_2.Mconv7_stage6_L2.weight']
  state['model7_1.Mconv1_stage7_L1.weight'] = np.zeros(3)
  state['model1_2.conv5_5_CPM_L2.bias'] = np.zeros(26)
  message = (
    'missing: model0.conv1_1.bias, model6_2.Mconv7_stage6_L2.weight;'
    ' unknown: model7_1.Mconv1_stage7_L1.weight;'
    ' of a wrong shape: model1_2.conv5_5_CPM_L2.bias (26,) instead of (19,). Give'
  )
  with pytest.raises(WeightsError, match=re.escape(message)):
    variables_from_state_dict(state)


def test_offences_have_the_names_of_the_state_dict(state):
  layers = without_modules(state)
  del layers['conv4_2.weight']
  with pytest.raises(WeightsError, match=re.escape('; missing: conv4_2.weight. Give')):
    variables_from_state_dict(layers)


def test_a_layer_in_another_module_is_unknown(state):
  state['model1_1.conv1_1.bias'] = state.pop('model0.conv1_1.bias')
  message = 'missing: model0.conv1_1.bias; unknown: model1_1.conv1_1.bias. Give'
  with pytest.raises(WeightsError, match=re.escape(message)):
    variables_from_state_dict(state)
