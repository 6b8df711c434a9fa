"""JMRN and the PyTorch reference give the same results with the same weights."""

import jax
import numpy as np
import pytest
from torch_reference import TorchJMRN, randomised, torch

from jmrn_jax.model import JMRN

JOINTS = 18
LAYERS = {
  'compression': 'conv_11',
  'reduction': 'one_one_conv',
  'conv1': 'conv5',
  'conv2': 'conv6',
  'classifier': 'FC',
  'projection1': 'projection_head',
  'projection2': 'projection_head2',
}
ENCODER = {
  'conv1_1': 'conv1',
  'conv1_2': 'conv2',
  'conv2_1': 'conv3',
  'conv2_2': 'conv4',
}
SELECTOR = {
  'reduction': 'joint_attention_block.one_x_one',
  'weights': 'joint_attention_block.linear',
}
BATCH_NORMS = {'norm1': 'bn5', 'norm2': 'bn6'}


def layers_of(state, names):
  """Kernels and biases in our layout: [3, 3, in, out] and [in, out]."""
  layers = {}
  for ours, theirs in names.items():
    kernel = np.moveaxis(state[f'{theirs}.weight'], (0, 1), (-1, -2))
    kernel = kernel[0, 0] if kernel.shape[:2] == (1, 1) else kernel
    layers[ours] = {'kernel': kernel, 'bias': state[f'{theirs}.bias']}
  return layers


def norm_of(state, names):
  """Returns (parameters, statistics) of a BatchNorm, or of several stacked."""

  def stacked(part):
    arrays = np.stack([state[f'{name}.{part}'] for name in names])
    return arrays[0] if len(names) == 1 else arrays

  return (
    {'scale': stacked('weight'), 'bias': stacked('bias')},
    {'mean': stacked('running_mean'), 'var': stacked('running_var')},
  )


def variables_from(model):
  state = {name: value.numpy().copy() for name, value in model.state_dict().items()}
  params = layers_of(state, LAYERS)
  params['joint_encoder'] = layers_of(state, ENCODER)
  params['joint_selector'] = layers_of(state, SELECTOR)
  norms = {ours: [theirs] for ours, theirs in BATCH_NORMS.items()}
  norms['input_norm'] = [f'batch_norms.{joint}' for joint in range(JOINTS)]
  statistics = {}
  for ours, theirs in norms.items():
    params[ours], statistics[ours] = norm_of(state, theirs)
  return {'params': params, 'batch_stats': statistics}


@pytest.mark.parametrize('train', [False, True])
def test_equals_the_reference(train):
  rng = np.random.default_rng(0)
  maps = rng.uniform(0, 1, (2, JOINTS, 16, 24, 3)).astype(np.float32)
  maps[1, 5] = 0  # A joint never seen.
  reference = randomised(TorchJMRN(num_classes=21)).train(train)
  variables = variables_from(reference)
  with torch.no_grad():
    wanted = reference(torch.tensor(np.moveaxis(maps, -1, 1)))
  model = JMRN(num_classes=21)
  output, changed = jax.jit(
    lambda variables, maps: model.apply(
      variables, maps, train=train, mutable=['batch_stats']
    )
  )(variables, maps)

  names = ('logits', 'joint_weights', 'joint_embeddings')
  for name, theirs in zip(names, wanted, strict=True):
    np.testing.assert_allclose(
      getattr(output, name), theirs, atol=1e-4, rtol=1e-4, err_msg=name
    )
    # Clips differ by far more than the tolerance.
    assert np.ptp(theirs.numpy(), axis=0).max() > 0.02, name

  after = variables_from(reference)['batch_stats']
  # PyTorch's running variance divides by n - 1, ours by n: over 2 clips with 16·24
  # pixels, later with 2·3 cells.
  values = {'input_norm': 2 * 16 * 24, 'norm1': 2 * 2 * 3, 'norm2': 2 * 2 * 3}
  for name, n in values.items():
    ours, before = changed['batch_stats'][name], variables['batch_stats'][name]
    np.testing.assert_allclose(ours['mean'], after[name]['mean'], rtol=1e-4, atol=1e-5)
    step = (after[name]['var'] - 0.9 * before['var']) * (n - 1) / n
    biased = 0.9 * before['var'] + step if train else before['var']
    np.testing.assert_allclose(ours['var'], biased, rtol=1e-4, atol=1e-5)
