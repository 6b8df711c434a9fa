"""All three networks: sizes, people, misuse, precision, and that they learn."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from ddnet_jax import DDNet

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
    hidden=(8,),
  ),
}
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
    low, high = (0.5, 1.5) if path[0].key == 'batch_stats' else (-0.5, 1)
    return rng.uniform(low, high, leaf.shape).astype('f4')

  return jax.tree_util.tree_map_with_path(values, shapes)


@functools.partial(jax.jit, static_argnames=('model', 'train'))
def applied(model, variables, inputs, train=False):
  """Output and statistics, without dropout."""
  still = model.clone(channel_dropout=0.0, dropout=0.0)
  return still.apply(variables, inputs, train=train, mutable=['batch_stats'])


def counts(**fields):
  """Numbers of parameters, and of parameters and statistics, for 15 joints."""
  shapes = jax.eval_shape(
    functools.partial(DDNet(num_classes=21, **fields).init, train=False),
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, 1, 32, 15, 3), jnp.float32),
  )
  params, everything = (
    sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))
    for tree in (shapes['params'], shapes)
  )
  return params, everything


def test_published_numbers_of_parameters():
  assert counts(form='keras') == (1_794_837, 1_800_469)
  assert counts(form='port')[0] == 1_790_565


def test_our_networks_are_no_larger():
  # Four BatchNorms of inputs, four stems of 128·c + 24,576 + 4,096 + scales …
  assert counts(network='streams', hidden=(128,))[0] == 1_901_723
  assert counts(network='joints', hidden=(128,))[0] == 852_592


@every_network
def test_an_absent_person_changes_nothing(name):
  model, variables = SMALL[name], variables_of(name)
  alone = trajectories(people=1)
  absent = np.zeros_like(alone)
  absent[..., :2] = 5  # Even if it has positions.
  both = np.concatenate([alone, absent], axis=1)
  for train in (False, True):
    wanted, wanted_statistics = applied(model, variables, alone, train)
    found, statistics = applied(model, variables, both, train)
    close = functools.partial(np.testing.assert_allclose, atol=1e-5, rtol=1e-5)
    jax.tree.map(close, found, wanted)
    jax.tree.map(close, statistics, wanted_statistics)


@every_network
def test_padding_rows_change_nothing(name):
  model, variables = SMALL[name], variables_of(name)
  clips = trajectories()
  padded = np.concatenate([clips, np.zeros_like(clips)])
  wanted, wanted_statistics = applied(model, variables, clips, True)
  found, statistics = applied(model, variables, padded, True)
  close = functools.partial(np.testing.assert_allclose, atol=1e-5, rtol=1e-5)
  close(found.logits[: len(clips)], wanted.logits)
  jax.tree.map(close, statistics, wanted_statistics)


@every_network
def test_the_order_of_people_does_not_matter(name):
  model, variables = SMALL[name], variables_of(name)
  clips = trajectories(people=3)
  found, _ = applied(model, variables, clips)
  turned, _ = applied(model, variables, clips[:, [2, 0, 1]])
  np.testing.assert_allclose(found.logits, turned.logits, atol=1e-6, rtol=1e-5)
  first, _ = applied(model, variables, clips[:, :1])
  assert np.abs(found.logits - first.logits).max() > 1e-3  # But who is there does.


@every_network
def test_gradients_are_finite_in_a_clip_without_people(name):
  model, variables = SMALL[name], variables_of(name)
  clips = trajectories()
  clips[1] = 0

  def loss(params, clips):
    output, _ = applied(model, {**variables, 'params': params}, clips, True)
    return jnp.square(output.logits).mean()

  for batch in (clips, 0 * clips):
    gradients = jax.jit(jax.grad(loss))(variables['params'], batch)
    assert all(jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(gradients))


@every_network
def test_bfloat16_keeps_parameters_and_outputs_in_float32(name):
  model = SMALL[name].clone(dtype=jnp.bfloat16)
  variables, clips = variables_of(name), trajectories()
  made = jax.eval_shape(
    functools.partial(model.init, train=False), jax.random.key(0), clips
  )
  assert {leaf.dtype for leaf in jax.tree.leaves(made)} == {jnp.dtype('float32')}
  wanted, _ = applied(SMALL[name], variables, clips)
  found, _ = applied(model, variables, clips)
  assert {leaf.dtype for leaf in jax.tree.leaves(found)} == {jnp.dtype('float32')}
  np.testing.assert_allclose(found.logits, wanted.logits, atol=0.1)
  assert np.any(found.logits != wanted.logits)


@every_network
def test_overfits_four_clips(name):
  model, clips = SMALL[name], trajectories(people=1)
  labels = jnp.arange(4)
  variables = jax.jit(functools.partial(model.init, train=False))(
    jax.random.key(0), clips
  )
  optimizer = optax.adam(1e-2)

  def loss(params, statistics):
    output, changed = applied(
      model, {'params': params, 'batch_stats': statistics}, clips, True
    )
    losses = optax.softmax_cross_entropy_with_integer_labels(output.logits, labels)
    return losses.mean(), changed['batch_stats']

  @jax.jit
  def step(carry, _):
    params, statistics, state = carry
    (value, statistics), gradients = jax.value_and_grad(loss, has_aux=True)(
      params, statistics
    )
    updates, state = optimizer.update(gradients, state)
    return (optax.apply_updates(params, updates), statistics, state), value

  params = variables['params']
  start = (params, variables['batch_stats'], optimizer.init(params))
  losses = jax.lax.scan(step, start, length=60)[1]
  assert losses[-1] < 0.1 < 0.5 < losses[0]


def test_only_the_joints_have_weights():
  for name, model in SMALL.items():
    output, _ = applied(model, variables_of(name), trajectories())
    assert (output.joint_weights is not None) == (name == 'joints')


@pytest.mark.parametrize(
  ('fields', 'shape', 'message'),
  [
    ({'network': 'dd'}, (1, 1, 8, 3, 3), "config.model.network is 'dd'; give one of"),
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
