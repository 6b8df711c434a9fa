"""State dicts of the official release: parity of the imported model, and refusals."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from torch_reference import TorchJMRN, randomised, torch

from jmrn_jax.model import JMRN
from jmrn_jax.official_weights import WeightsError, variables_from_state_dict

SIZES = {
  'num_classes': 5,
  'joints': 4,
  'channels': 2,
  'compressed': 7,
  'features': (8, 12),
  'selector_features': 10,
  'reasoning_features': 9,
  'projection_features': 6,
}


@pytest.fixture(scope='module')
def reference():
  return randomised(TorchJMRN(**SIZES)).eval()


@pytest.fixture
def state(reference):
  return {name: value.numpy() for name, value in reference.state_dict().items()}


def model_of(weights):
  return JMRN(num_classes=weights.num_classes, **weights.model_fields)


def test_answers_as_the_reference_does(reference, state):
  weights = variables_from_state_dict(state)
  rng = np.random.default_rng(0)
  maps = rng.uniform(size=(2, 4, 12, 18, 2)).astype(np.float32)

  apply = jax.jit(model_of(weights).apply, static_argnames='train')
  output = apply(weights.variables, jnp.array(maps), train=False)

  with torch.no_grad():
    expected = reference(torch.tensor(maps.transpose(0, 4, 1, 2, 3)))
  found = (output.logits, output.joint_weights, output.joint_embeddings)
  for ours, theirs in zip(found, expected, strict=True):
    assert np.ptp(theirs.numpy(), axis=0).max() > 1e-3  # clips differ
    np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4)


def test_sizes_follow_from_the_shapes(state):
  weights = variables_from_state_dict(state)
  assert weights.model_fields == {
    'compressed': 7,
    'features': (8, 12),
    'selector_features': 10,
    'reasoning_features': 9,
    'projection_features': 6,
  }
  assert (weights.num_joints, weights.channels, weights.num_classes) == (4, 2, 5)


def test_the_prefix_of_data_parallel_changes_nothing(state):
  plain = variables_from_state_dict(state)
  prefixed = variables_from_state_dict({f'module.{n}': v for n, v in state.items()})
  assert prefixed.unused == plain.unused
  jax.tree.map(np.testing.assert_array_equal, prefixed.variables, plain.variables)


def test_unused_tensors_are_named_whatever_their_shapes(state):
  state['bn1.weight'] = np.zeros((3, 3), np.float32)
  weights = variables_from_state_dict(state)
  expected = {
    f'{norm}.{part}'
    for norm in ('input_norm', 'bn1', 'bn2', 'bn3', 'bn4', 'bn_11')
    for part in ('weight', 'bias', 'running_mean', 'running_var')
  }
  assert expected <= set(weights.unused)
  rest = set(weights.unused) - expected
  assert all(name.endswith('.num_batches_tracked') for name in rest)
  assert len(rest) == 6 + 2 + 4


def test_full_size_shapes_are_those_of_our_model():
  torch_model = TorchJMRN(21)
  weights = variables_from_state_dict(
    {name: value.numpy() for name, value in torch_model.state_dict().items()}
  )
  assert model_of(weights) == JMRN(num_classes=21)  # our defaults are JHMDB's sizes
  shapes = jax.eval_shape(
    lambda: model_of(weights).init(
      jax.random.key(0), jnp.zeros((1, 18, 16, 16, 3)), train=False
    )
  )
  found = jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), weights.variables)
  assert found == jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), shapes)


def test_a_dropped_projection_leaves_no_embeddings(state):
  state = {n: v for n, v in state.items() if not n.startswith('projection_head')}
  weights = variables_from_state_dict(state)
  assert weights.model_fields['projection_features'] == 0
  assert not {'projection1', 'projection2'} & weights.variables['params'].keys()


def test_one_error_lists_all_that_is_wrong(state):
  del state['conv5.bias'], state['projection_head.weight']
  state['layer4.weight'] = state['fusion'] = np.zeros(3)
  state['conv2.weight'] = state['conv2.weight'][..., :1]
  state['batch_norms.4.weight'] = np.ones(2)  # there are four joints
  with pytest.raises(WeightsError) as raised:
    variables_from_state_dict(state)
  message = str(raised.value)
  assert 'missing: conv5.bias, projection_head.weight;' in message
  assert 'unknown: layer4.weight, fusion, batch_norms.4.weight;' in message
  assert (
    'of a wrong shape: conv2.weight (8, 8, 3, 1) instead of (8, 8, 3, 3)' in message
  )
  assert 'projection_head2' not in message  # its size is unknown, so it may be right


def test_a_foreign_state_dict_is_refused():
  with pytest.raises(WeightsError, match=r'missing: conv1\.weight, .*; unknown: a\.'):
    variables_from_state_dict({'a': np.zeros(3)})


def test_prefixes_of_some_names_alone_are_refused(state):
  state['module.FC.bias'] = state.pop('FC.bias')
  pattern = 'missing: FC.bias; unknown: module.FC.bias'
  with pytest.raises(WeightsError, match=re.escape(pattern)):
    variables_from_state_dict(state)
