"""The encoders mapped over joints and clips: results, cost, and sharding."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax.convolution import Conv3x3
from jmrn_jax.joint_encoder import (
  JointEncoder,
  ShallowJointEncoder,
  over_joints_and_clips,
  shallow_width,
)
from pose_action.runtime import sharding

CLIPS, JOINTS, HEIGHT, WIDTH, CHANNELS = 8, 3, 12, 10, 2
SHAPE = (CLIPS, JOINTS, HEIGHT, WIDTH, CHANNELS)
FEATURES = (5, 6)
LAYERS = (('conv1_1', 2), ('conv1_2', 1), ('conv2_1', 2), ('conv2_2', 1))


def shared_encoder(**fields):
  mapped = over_joints_and_clips(JointEncoder, joints=JOINTS, shared=True)
  return mapped(FEATURES, **fields)


def separate_encoders(**fields):
  mapped = over_joints_and_clips(ShallowJointEncoder, joints=JOINTS, shared=False)
  return mapped(FEATURES, **fields)


def random_maps(shape=SHAPE):
  return jnp.array(np.random.default_rng(0).standard_normal(shape), jnp.float32)


def random_variables_of(random_variables, encoder):
  return random_variables(_Named(encoder), SHAPE)['params']


class _Named:
  """Wraps an encoder so that `init` takes `train` by name, as models do."""

  def __init__(self, encoder):
    self.encoder = encoder

  def init(self, key, maps, *, train):
    return self.encoder.init(key, maps, train)


def folded(params, maps):
  """The shared encoder with the clip and joint axes folded into one by hand."""
  x = maps.reshape(-1, *maps.shape[2:])
  for name, stride in LAYERS:
    layer = Conv3x3(params[name]['bias'].size, stride)
    x = jax.nn.relu(layer.apply({'params': params[name]}, x))
  return x.reshape(*maps.shape[:2], *x.shape[1:])


def mapped(params, maps):
  return shared_encoder().apply({'params': params}, maps, False)


def value_and_gradient(encode):
  def loss(params, maps):
    features = encode(params, maps)
    return (features**2).sum(), features

  return jax.jit(jax.value_and_grad(loss, has_aux=True))


def test_the_shared_encoder_equals_a_hand_folded_batch(random_variables):
  params = random_variables_of(random_variables, shared_encoder())
  maps = random_maps()
  got, wanted = (value_and_gradient(f)(params, maps) for f in (mapped, folded))
  assert got[0][1].shape == (CLIPS, JOINTS, 3, 3, 6)
  jax.tree.map(
    lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-3), got, wanted
  )


def test_the_shared_encoder_costs_a_hand_folded_batch():
  encoder = over_joints_and_clips(JointEncoder, joints=JOINTS, shared=True)((32, 64))
  maps = jax.ShapeDtypeStruct((2, JOINTS, 64, 86, 3), jnp.float32)
  params = jax.eval_shape(
    lambda key, x: encoder.init(key, x, False)['params'], jax.random.key(0), maps
  )
  costs = [
    value_and_gradient(f).lower(params, maps).compile().cost_analysis()['flops']
    for f in (lambda p, x: encoder.apply({'params': p}, x, False), folded)
  ]
  np.testing.assert_allclose(costs[0], costs[1], rtol=0.02)


@pytest.mark.parametrize('encoder', [shared_encoder(dropout=0.25), separate_encoders()])
def test_each_of_eight_devices_encodes_its_own_clips(random_variables, encoder):
  """Joints mapped outside clips would have each device gather and encode them all."""
  params = random_variables_of(random_variables, encoder)

  def loss(params, maps, key):
    features = encoder.apply({'params': params}, maps, True, rngs={'dropout': key})
    return (features**2).mean()

  mesh = sharding.make_mesh()
  whole, over_rows = sharding.replicated(mesh), sharding.over_rows(mesh)
  step = jax.jit(jax.value_and_grad(loss), in_shardings=(whole, over_rows, whole))
  program = step.lower(params, random_maps(), jax.random.key(0)).compile().as_text()
  # Devices exchange only the sums of gradients.
  assert 'all-reduce' in program
  assert not re.search(r'all-gather|all-to-all|collective-permute', program)


def group_counts(function, *args):
  """The group counts of all convolutions in a function's program, before compiling."""
  text = jax.jit(function).lower(*args).as_text()
  counts = re.findall(r'(?:feature|batch)_group_count = (\d+)', text)
  assert len(counts) == 2 * text.count('stablehlo.convolution')
  return [int(count) for count in counts]


@pytest.mark.parametrize(
  ('encoder', 'convolutions'), [(shared_encoder, 12), (separate_encoders, 0)]
)
def test_no_convolution_is_grouped(random_variables, encoder, convolutions):
  """Neither forward nor in gradients: grouped ones are 26 to 60 times slower on CPU."""
  encoder = encoder()
  params = random_variables_of(random_variables, encoder)
  counts = group_counts(
    jax.grad(lambda p, x: (encoder.apply({'params': p}, x, False) ** 2).sum(), (0, 1)),
    params,
    random_maps(),
  )
  # Forward, gradient of the maps, gradient of the kernel.
  assert counts == [1] * 2 * convolutions


def test_a_vmapped_direct_convolution_would_be_grouped():
  params = {'kernel': jnp.ones((3, 3, 3, 2, 4)), 'bias': jnp.ones((3, 4))}
  counts = group_counts(
    jax.vmap(lambda p, x: Conv3x3(4).apply({'params': p}, x), in_axes=(0, 1)),
    params,
    random_maps(),
  )
  assert JOINTS in counts


def test_separate_encoders_are_each_joints_own(random_variables):
  params = random_variables_of(random_variables, separate_encoders())
  assert params['conv1']['kernel'].shape == (JOINTS, 3, 3, CHANNELS, 5)
  maps = random_maps()
  got = jax.jit(lambda p, x: separate_encoders().apply({'params': p}, x, False))(
    params, maps
  )
  for joint in range(JOINTS):
    x = maps[:, joint]
    for name, features in (('conv1', 5), ('conv2', 6)):
      own = {key: array[joint] for key, array in params[name].items()}
      x = jax.nn.relu(Conv3x3(features, 2).apply({'params': own}, x))
    np.testing.assert_allclose(got[:, joint], x, rtol=1e-4, atol=1e-5)


def test_separate_encoders_start_apart():
  encoder = separate_encoders()
  kernels = jax.jit(
    lambda key: encoder.init(key, random_maps(), False)['params']['conv1']['kernel']
  )(jax.random.key(0))
  assert abs(np.asarray(kernels[0] - kernels[1])).max() > 0.1


@pytest.mark.parametrize(
  ('joints', 'features', 'width'),
  [
    # Shared: 1,036,416. Per joint, of 18: 57,578 = 24·(9·3 + 1 + 9·256) + 256 + 1,354.
    (18, (128, 256), 24),
    (15, (128, 256), 29),
    (18, (2, 3), 1),  # Too small to match.
  ],
)
def test_the_width_of_separate_encoders(joints, features, width):
  assert shallow_width(joints, 3, features) == width


def test_dropout_drops_whole_channels_of_each_joint_in_training_only(random_variables):
  encoder = shared_encoder(dropout=0.5)
  params = random_variables_of(random_variables, encoder)
  # All features are above 0, so that a 0 means dropped.
  params['conv2_2']['bias'] += 100

  @jax.jit
  def train(key):
    return encoder.apply({'params': params}, random_maps(), True, rngs={'dropout': key})

  dropped = np.asarray(train(jax.random.key(0)) == 0)
  assert (dropped == dropped[:, :, :1, :1]).all()
  draws = dropped[:, :, 0, 0]
  assert 0.3 < draws.mean() < 0.7
  assert not (draws == draws[:1]).all()
  assert not (draws == draws[:, :1]).all()
  assert (draws != np.asarray(train(jax.random.key(1)) == 0)[:, :, 0, 0]).any()
  tested = jax.jit(lambda x: encoder.apply({'params': params}, x, False))(random_maps())
  assert (tested > 0).all()
