"""DD-Net and the PyTorch reference give the same results with the same weights."""

import functools

import jax
import numpy as np
import pytest
from torch_ddnet import TorchDDNet, randomised, torch

from ddnet_jax.model import DDNet

CONVOLUTIONS = (
  *(f'{stem}{layer}' for stem in ('distances', 'slow', 'fast') for layer in (1, 2, 3)),
  *(f'block{block}_{layer}' for block in (1, 2, 3) for layer in (1, 2)),
)


def norm_of(module):
  """Parameters and statistics of a BatchNorm, in our layout."""
  norm = module.norm
  return (
    {'norm': {'scale': array(norm.weight), 'bias': array(norm.bias)}},
    {'norm': {'mean': array(norm.running_mean), 'var': array(norm.running_var)}},
  )


def dense_of(module):
  params = {'kernel': array(module.weight).T}
  return params if module.bias is None else {**params, 'bias': array(module.bias)}


def array(tensor):
  return tensor.detach().numpy().copy()


def variables_from(model):
  params, statistics = {'encoder': {}, 'head': {}}, {'encoder': {}, 'head': {}}
  for name, layer in zip(CONVOLUTIONS, model.convolutions, strict=True):
    scale, moments = norm_of(layer.norm)
    kernel = np.transpose(array(layer.conv.weight), (2, 1, 0))
    params['encoder'][name] = {'conv': {'kernel': kernel}, 'normalised': scale}
    statistics['encoder'][name] = {'normalised': moments}
  for number in (1, 2):
    scale, moments = norm_of(model.norms[number - 1])
    params['head'][f'dense{number}'] = dense_of(model.dense[number - 1])
    params['head'][f'normalised{number}'] = scale
    statistics['head'][f'normalised{number}'] = moments
  params['head']['classifier'] = dense_of(model.classifier)
  return {'params': params, 'batch_stats': statistics}


def trajectories(clips=6, people=1, frames=32, joints=15, seed=0):
  """People who wander, with scores of 1."""
  rng = np.random.default_rng(seed)
  steps = rng.normal(0, 0.1, (clips, people, frames, joints, 2))
  positions = rng.normal(0, 1, (clips, people, 1, joints, 2)) + steps.cumsum(axis=2)
  scores = np.ones((clips, people, frames, joints, 1))
  return np.concatenate([positions, scores], axis=-1).astype(np.float32)


@functools.partial(jax.jit, static_argnums=(0, 3))
def applied(model, variables, inputs, train):
  return model.apply(variables, inputs, train=train, mutable=['batch_stats'])


def logits_of(reference, inputs):
  """In float64, so that only our rounding counts; statistics change in training."""
  with torch.no_grad():
    return reference.double()(torch.tensor(inputs[:, 0, ..., :2]).double()).numpy()


def check_logits(logits, wanted):
  """Equal to 2e-5 of the difference between clips, which float32 rounding reaches."""
  spread = np.ptp(wanted, axis=0).max()
  assert spread > 0.1
  np.testing.assert_allclose(logits, wanted, rtol=0, atol=2e-5 * spread)


@pytest.mark.parametrize('train', [False, True])
@pytest.mark.parametrize('form', ['keras', 'port'])
def test_equals_the_reference(form, train):
  inputs = trajectories()
  reference = randomised(TorchDDNet(form)).train(train)
  variables = variables_from(reference)
  wanted = logits_of(reference, inputs)
  model = DDNet(num_classes=21, form=form, channel_dropout=0.0, dropout=0.0)
  output, changed = applied(model, variables, inputs, train)

  check_logits(output.logits, wanted)
  if train:
    check_statistics(changed, variables, variables_from(reference), form)


def check_statistics(changed, before, after, form):
  """The first layer's, and the head's; PyTorch's variance divides by n - 1, ours by n."""
  first = ('encoder', 'distances1', 'normalised', 'norm')
  values = {first: 6 * 128 if form == 'port' else 6 * 32}
  values[('head', 'normalised1', 'norm')] = 6
  keeps = 0.9 if form == 'port' else 0.99
  for path, n in values.items():
    ours, old, theirs = (leaf_at(t, path) for t in (changed, before, after))
    np.testing.assert_allclose(ours['mean'], theirs['mean'], rtol=1e-5, atol=1e-6)
    step = (theirs['var'] - keeps * old['var']) * (n - 1) / n
    np.testing.assert_allclose(ours['var'], keeps * old['var'] + step, rtol=1e-5)


def leaf_at(variables, path):
  leaf = variables['batch_stats']
  for name in path:
    leaf = leaf[name]
  return leaf


@pytest.mark.parametrize(('frames', 'joints', 'width'), [(16, 5, 4), (12, 3, 4)])
def test_equals_the_reference_at_other_sizes(frames, joints, width):
  sizes = {'frames': frames, 'joints': joints, 'width': width}
  reference = randomised(TorchDDNet('port', classes=4, **sizes)).eval()
  inputs = trajectories(frames=frames, joints=joints)
  wanted = logits_of(reference, inputs)
  model = DDNet(num_classes=4, form='port', width=width)
  output, _ = applied(model, variables_from(reference), inputs, False)
  check_logits(output.logits, wanted)
