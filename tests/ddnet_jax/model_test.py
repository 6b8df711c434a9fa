"""All three networks: sizes, people, misuse, precision, and that they learn."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ddnet_jax import DDNet
from pose_action.runtime import sharding

SMALL = {
  'ddnet': DDNet(num_classes=4, width=4, hidden=(8, 8)),
  'port': DDNet(num_classes=4, width=4, hidden=(8, 8), form='port'),
  'streams': DDNet(num_classes=4, network='streams', width=4, hidden=(8,)),
  'joints': DDNet(
    num_classes=4,
    network='joints',
    joint_features=(4, 6),
    joint_vector=2,
    selector_features=4,
    reasoning_features=(6, 8),
    hidden=(8,),
  ),
}
SMALL['streams+joints'] = SMALL['joints'].clone(network='streams+joints', width=4)
every_network = pytest.mark.parametrize('name', SMALL)


def trajectories(clips=4, people=2, frames=8, joints=3, seed=0):
  rng = np.random.default_rng(seed)
  positions = rng.normal(0, 1, (clips, people, frames, joints, 2))
  scores = rng.uniform(0.1, 1, (clips, people, frames, joints, 1))
  return np.concatenate([positions, scores], axis=-1).astype(np.float32)


@functools.cache
def variables_of(name):
  """Random values, far from the initial ones, whose symmetry would hide mistakes."""
  shapes = jax.eval_shape(
    functools.partial(SMALL[name].init, train=False),
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, 2, 8, 3, 3), jnp.float32),
  )
  rng = np.random.default_rng(1)

  def values(path, leaf):
    if path[-1].key == 'kernel':
      fan_in = math.prod(leaf.shape[:-1])
      return (rng.standard_normal(leaf.shape) * (2 / fan_in) ** 0.5).astype('f4')
    low, high = (-0.5, 0.5) if path[-1].key in ('bias', 'mean') else (0.5, 1.5)
    return rng.uniform(low, high, leaf.shape).astype('f4')

  return jax.tree_util.tree_map_with_path(values, shapes)


# All tests pass the same shapes, so that each network is compiled twice.
@functools.partial(jax.jit, static_argnums=0)
def evaluated(model, variables, inputs):
  return model.apply(variables, inputs, train=False)


@functools.partial(jax.jit, static_argnums=0)
def trained(model, variables, inputs):
  """Losses for the classes 0 to 3, without dropout: value, logits, statistics, gradient."""
  still = model.clone(channel_dropout=0.0, dropout=0.0)

  def loss(params):
    output, changed = still.apply(
      {**variables, 'params': params}, inputs, train=True, mutable=['batch_stats']
    )
    losses = optax.softmax_cross_entropy_with_integer_labels(
      output.logits, jnp.arange(4)
    )
    return losses.mean(), (output.logits, changed)

  (value, (logits, changed)), gradient = jax.value_and_grad(loss, has_aux=True)(
    variables['params']
  )
  return value, logits, changed, gradient


def assert_close(found, wanted):
  close = functools.partial(np.testing.assert_allclose, atol=1e-4, rtol=1e-4)
  jax.tree.map(close, found, wanted)


def shapes_of(**fields):
  """Shapes of the variables for JHMDB: 15 joints, 21 classes."""
  return jax.eval_shape(
    functools.partial(DDNet(num_classes=21, **fields).init, train=False),
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, 1, 32, 15, 3), jnp.float32),
  )


def count(tree):
  return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


def test_published_numbers_of_parameters():
  keras, port = shapes_of(form='keras'), shapes_of(form='port')
  assert (count(keras['params']), count(keras)) == (1_794_837, 1_800_469)
  assert count(port['params']) == 1_790_565


def test_parameters_of_the_streams_by_hand():
  params = shapes_of(network='streams', hidden=(128,))['params']
  inputs = 105 + 3 * 30  # of the four streams
  # Each stem: 128·c, 3·128·64 and 64·64, with scales and biases of BatchNorm.
  stems = 2 * inputs + 128 * inputs + 4 * (24_576 + 4_096 + 2 * (128 + 64 + 64))
  # 3·(256·128 + 128·128 + 128·256 + 256·256 + 256·512 + 512·512), and BatchNorms.
  stages = 1_622_016 + 2 * 2 * (128 + 256 + 512)
  assert count(params['encoder']) == stems + stages
  assert count(params['head']) == 1024 * 128 + 256 + 128 * 21 + 21
  assert count(params) == 1_901_723


def test_parameters_of_the_joints_by_hand():
  params = shapes_of(network='joints', hidden=(128,))['params']
  assert {name: count(layer) for name, layer in params['encoder'].items()} == {
    'input': 42,  # scale and bias of 2 + 2 + 2 + 15 features
    'vectors': 240,  # 15·16
    'stem': 2_496,  # (21 + 16)·64 + 128
    'stage1_1': 12_416,  # 3·64·64 + 128
    'stage1_2': 12_416,
    'stage2_1': 18_624,  # 3·64·96 + 192
    'stage2_2': 27_840,  # 3·96·96 + 192
    'joint_selector': 12_417,  # 192·64 + 64 + 64 + 1
    'reasoning1': 369_152,  # 15·96·256 + 512
    'reasoning2': 295_680,  # 3·256·384 + 768
  }
  assert count(params) == 852_592


def test_branches_are_the_two_networks_with_heads_of_their_own():
  inputs, variables = trajectories(), variables_of('streams+joints')
  found = evaluated(SMALL['streams+joints'], variables, inputs)
  alone = []
  for network in ('streams', 'joints'):
    own = {
      group: {name: tree[f'{network}_{name}'] for name in ('encoder', 'head')}
      for group, tree in variables.items()
    }
    alone.append(evaluated(SMALL[network], own, inputs))
  np.testing.assert_allclose(found.branch_logits, [one.logits for one in alone], 1e-5)
  mean = (alone[0].logits + alone[1].logits) / 2
  np.testing.assert_allclose(found.logits, mean, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(found.joint_weights, alone[1].joint_weights, rtol=1e-6)
  assert all(one.branch_logits is None for one in alone)


@every_network
def test_an_absent_person_changes_nothing(name):
  model, variables = SMALL[name], variables_of(name)
  clips = trajectories()
  # The same person twice has the maximum, mean and variance of that person alone.
  twice = np.concatenate([clips[:, :1], clips[:, :1]], axis=1)
  alone = twice.copy()
  alone[:, 1, ..., :2] += 5  # An absent person's positions are not read.
  alone[:, 1, ..., 2] = 0
  assert_close(evaluated(model, variables, alone), evaluated(model, variables, twice))
  _, logits, changed, _ = trained(model, variables, alone)
  _, wanted, wanted_statistics, _ = trained(model, variables, twice)
  assert_close((logits, changed), (wanted, wanted_statistics))


@every_network
def test_padding_rows_change_nothing(name):
  model, variables = SMALL[name], variables_of(name)
  clips = trajectories(seed=1)  # Another draw may differ by more, by rounding.
  clips[2:] = clips[:2]
  padded = clips.copy()
  padded[2:] = 0
  _, logits, changed, _ = trained(model, variables, padded)
  _, wanted, wanted_statistics, _ = trained(model, variables, clips)
  assert_close((logits[:2], changed), (wanted[:2], wanted_statistics))


@every_network
def test_the_order_of_people_does_not_matter(name):
  model, variables = SMALL[name], variables_of(name)
  clips = trajectories()
  found = evaluated(model, variables, clips)
  assert_close(evaluated(model, variables, clips[:, ::-1]), found)
  clips[:, 1, ..., 2] = 0
  first = evaluated(model, variables, clips)
  assert np.abs(found.logits - first.logits).max() > 0.01  # But who is there does.


@every_network
def test_gradients_are_finite_without_people_and_reach_every_parameter(name):
  model, variables = SMALL[name], variables_of(name)
  clips = trajectories()
  for path, leaf in jax.tree_util.tree_leaves_with_path(
    trained(model, variables, clips)[3]
  ):
    assert np.abs(leaf).max() > 0, path
  clips[1] = 0
  for batch in (clips, 0 * clips):
    for leaf in jax.tree.leaves(trained(model, variables, batch)):
      assert np.isfinite(leaf).all()


@every_network
def test_overfits_four_clips(name):
  model, variables = SMALL[name], variables_of(name)
  clips, optimizer = trajectories(), optax.sgd(0.02, momentum=0.9)
  state, losses = optimizer.init(variables['params']), []
  for _ in range(100):
    value, _, changed, gradient = trained(model, variables, clips)
    updates, state = optimizer.update(gradient, state)
    params = optax.apply_updates(variables['params'], updates)
    variables = {**changed, 'params': params}
    losses.append(float(value))
  # With a rate of 0.05 rounding decides whether two clips become one for good.
  assert min(losses[-50:]) < 0.1 < 0.5 < losses[0]


# Flax's BatchNorm computes float32 statistics from bfloat16 activations by standard
# promotion, which these tests' strict promotion would refuse.
@every_network
@jax.numpy_dtype_promotion('standard')
def test_bfloat16_keeps_parameters_and_outputs_in_float32(name):
  model = SMALL[name].clone(dtype=jnp.bfloat16)
  variables, clips = variables_of(name), trajectories()
  made = jax.eval_shape(
    functools.partial(model.init, train=False), jax.random.key(0), clips
  )
  assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {jnp.dtype('float32')}
  found = evaluated(model, variables, clips)
  assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype('float32')}
  wanted = evaluated(SMALL[name], variables, clips)
  spread = np.ptp(wanted.logits)
  np.testing.assert_allclose(found.logits, wanted.logits, atol=0.03 * spread)
  assert np.any(found.logits != wanted.logits)


def test_eight_devices_give_the_same_as_one():
  """Also if the real rows are unevenly spread over the devices."""
  variables = variables_of('joints')
  clips = np.concatenate([trajectories(), np.zeros((4, 2, 8, 3, 3), 'f4')])
  model = SMALL['joints'].clone(channel_dropout=0.0, dropout=0.0)
  apply = jax.jit(
    lambda variables, clips: model.apply(
      variables, clips, train=True, mutable=['batch_stats']
    )
  )
  wanted = apply(variables, clips)
  mesh = sharding.make_mesh(jax.devices()[:8])
  found = apply(
    jax.device_put(variables, sharding.replicated(mesh)),
    jax.device_put(clips, sharding.over_rows(mesh)),
  )
  assert_close(found, wanted)


def test_only_the_joints_have_weights():
  for name, model in SMALL.items():
    output = evaluated(model, variables_of(name), trajectories())
    assert (output.joint_weights is not None) == ('joints' in name)


@pytest.mark.parametrize(
  ('fields', 'shape', 'message'),
  [
    ({'network': 'dd'}, (1, 1, 8, 3, 3), "config.model.network is 'dd'; give one of"),
    ({'network': 'joints+joints'}, (1, 1, 8, 3, 3), 'several different ones joined by'),
    ({'form': 'torch'}, (1, 1, 8, 3, 3), "config.model.form is 'torch'; give one of"),
    (
      {'network': 'streams', 'streams': ('bones',)},
      (1, 1, 8, 3, 3),
      r"config.model.streams is \('bones',\); give one or several",
    ),
    ({'network': 'streams', 'streams': ()}, (1, 1, 8, 3, 3), 'config.model.streams is'),
    (
      {'network': 'joints', 'joint_features': (4,)},
      (1, 1, 8, 3, 3),
      'config.model.joint_features gives the channels of two stages',
    ),
    ({}, (1, 1, 6, 3, 3), 'config.data.num_frames is 6, but .* at least 8'),
    ({}, (1, 1, 9, 3, 3), 'config.data.num_frames is 9, but .* an even number'),
    ({}, (1, 8, 3, 3), r'DD-Net needs trajectories .* got shape \(1, 8, 3, 3\)'),
    ({}, (1, 1, 8, 3, 2), 'DD-Net needs trajectories'),
  ],
)
def test_misuse_is_refused(fields, shape, message):
  model = DDNet(num_classes=2, **fields)
  with pytest.raises(ValueError, match=message):
    jax.eval_shape(
      functools.partial(model.init, train=False),
      jax.random.key(0),
      jax.ShapeDtypeStruct(shape, jnp.float32),
    )
