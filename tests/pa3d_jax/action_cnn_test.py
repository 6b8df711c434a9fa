"""The action CNN compared with Table 1 and with convolutions written as loops."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from model_lib import winograd
from pa3d_jax.action_cnn import ActionCNN

SMALL = functools.partial(ActionCNN, num_classes=3, features=(4, 5))
MAPS_SHAPE = (3, 6, 9, 2)  # One side even, one odd.


def random_maps(shape=MAPS_SHAPE, seed=0):
  return jnp.array(np.random.default_rng(seed).standard_normal(shape), jnp.float32)


@pytest.fixture(scope='module')
def variables(random_variables):
  return random_variables(SMALL(), MAPS_SHAPE)


@functools.partial(jax.jit, static_argnames=('model', 'train', 'mutable'))
def applied(variables, maps, model, train=False, dropout_key=None, mutable=()):
  """Returns (logits, the updated collections among those in `mutable`)."""
  return model.apply(
    variables,
    maps,
    train=train,
    rngs=None if dropout_key is None else {'dropout': dropout_key},
    mutable=list(mutable),
    capture_intermediates='intermediates' in mutable,
  )


def convolved_by_loops(maps, kernel, stride):
  """A 3×3 convolution with one cell of padding on every side."""
  clips, height, width, _ = maps.shape
  padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)))
  rows, columns = (height - 1) // stride + 1, (width - 1) // stride + 1
  out = np.zeros((clips, rows, columns, kernel.shape[-1]))
  for row in range(rows):
    for column in range(columns):
      for i in range(3):
        for k in range(3):
          cell = padded[:, row * stride + i, column * stride + k]
          out[:, row, column] += cell @ kernel[i, k]
  return out


def network_by_loops(variables, maps, order='norm_relu'):
  variables = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), variables)
  params, statistics = variables['params'], variables['batch_stats']
  x = np.asarray(maps, np.float64)
  for name, stride in (('1_1', 2), ('1_2', 1), ('2_1', 2), ('2_2', 1)):
    x = convolved_by_loops(x, params[f'conv{name}']['kernel'], stride)
    mean, var = (statistics[f'norm{name}'][part] for part in ('mean', 'var'))
    scale, bias = (params[f'norm{name}'][part] for part in ('scale', 'bias'))
    x = np.maximum(x, 0) if order == 'relu_norm' else x
    x = (x - mean) / np.sqrt(var + 1e-5) * scale + bias
    x = np.maximum(x, 0) if order == 'norm_relu' else x
  pooled = x.mean(axis=(1, 2))
  return pooled @ params['classifier']['kernel'] + params['classifier']['bias']


def shapes_of(model, maps_shape):
  """The shapes of (parameters and statistics, outputs by layer)."""
  maps = jax.ShapeDtypeStruct(maps_shape, jnp.float32)
  variables = jax.eval_shape(
    functools.partial(model.init, train=False), jax.random.key(0), maps
  )
  _, captured = jax.eval_shape(
    functools.partial(
      model.apply, train=False, capture_intermediates=True, mutable=['intermediates']
    ),
    variables,
    maps,
  )
  layers = captured['intermediates'].items()
  return variables, {k: v['__call__'][0] for k, v in layers if k != '__call__'}


def count(tree):
  return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(tree))


def test_equals_loops(variables):
  maps = random_maps()
  logits, _ = applied(variables, maps, SMALL())
  expected = network_by_loops(variables, maps)
  np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
  assert np.ptp(expected) > 0.1


def test_the_order_of_norm_and_relu(variables):
  maps = random_maps()
  logits = applied(variables, maps, SMALL(order='relu_norm'))[0]
  wanted = network_by_loops(variables, maps, 'relu_norm')
  np.testing.assert_allclose(logits, wanted, rtol=1e-4, atol=1e-4)
  other = network_by_loops(variables, maps)
  assert not np.allclose(wanted, other, rtol=1e-2)


def test_an_unknown_order_is_refused():
  with pytest.raises(ValueError, match="no order 'relu'; use 'norm_relu' or 'relu_n"):
    shapes_of(SMALL(order='relu'), MAPS_SHAPE)


def test_the_grid_of_stride_2_is_that_of_padding_1(random_variables):
  # An impulse at row and column 2 of an even map is the centre of output (1, 1)'s
  # window, and no other output reads it. With 'SAME', which pads by (0, 1), it would be
  # in a corner of four windows.
  model = ActionCNN(num_classes=1, features=(1,))
  maps = jnp.zeros((1, 6, 8, 1)).at[0, 2, 2, 0].set(1)
  variables = random_variables(model, maps.shape)
  kernel = np.asarray(variables['params']['conv1_1']['kernel'])[..., 0, 0]
  _, captured = applied(variables, maps, model, mutable=('intermediates',))
  output = np.asarray(captured['intermediates']['conv1_1']['__call__'][0])[0, ..., 0]
  expected = np.zeros((3, 4))
  expected[1, 1] = kernel[1, 1]
  np.testing.assert_allclose(output, expected, atol=1e-6)


def test_layers_are_those_of_table_1():
  variables, layers = shapes_of(ActionCNN(num_classes=21), (2, 64, 86, 152))
  sizes = {name: out.shape for name, out in layers.items() if name.startswith('conv')}
  assert sizes == {
    'conv1_1': (2, 32, 43, 128),
    'conv1_2': (2, 32, 43, 128),
    'conv2_1': (2, 16, 22, 256),
    'conv2_2': (2, 16, 22, 256),
    'conv3_1': (2, 8, 11, 512),
    'conv3_2': (2, 8, 11, 512),
  }
  assert layers['Dropout_0'].shape == (2, 512)  # "FC-512: average pool, dropout".
  assert layers['classifier'].shape == (2, 21)
  kernels = [variables['params'][name]['kernel'].shape for name in sizes]
  assert {kernel[:2] for kernel in kernels} == {(3, 3)}


def test_further_convolutions_keep_the_size_of_the_map():
  _, layers = shapes_of(ActionCNN(num_classes=2, convolutions=3), (1, 64, 86, 54))
  sizes = {name: out.shape for name, out in layers.items() if name.endswith('_3')}
  assert sizes == {
    'conv1_3': (1, 32, 43, 128),
    'norm1_3': (1, 32, 43, 128),
    'conv2_3': (1, 16, 22, 256),
    'norm2_3': (1, 16, 22, 256),
    'conv3_3': (1, 8, 11, 512),
    'norm3_3': (1, 8, 11, 512),
  }


def test_the_number_of_parameters_by_hand():
  variables, _ = shapes_of(ActionCNN(num_classes=21), (1, 64, 86, 152))
  by_layer = {name: count(layer) for name, layer in variables['params'].items()}
  assert by_layer == {
    'conv1_1': 175_104,  # 9·152·128; no bias, since BatchNorm has one
    'norm1_1': 256,  # scale and bias of 128 channels
    'conv1_2': 147_456,  # 9·128·128
    'norm1_2': 256,
    'conv2_1': 294_912,  # 9·128·256
    'norm2_1': 512,
    'conv2_2': 589_824,  # 9·256·256
    'norm2_2': 512,
    'conv3_1': 1_179_648,  # 9·256·512
    'norm3_1': 1_024,
    'conv3_2': 2_359_296,  # 9·512·512
    'norm3_2': 1_024,
    'classifier': 10_773,  # 512·21 + 21
  }
  assert sum(by_layer.values()) == 4_760_597
  assert count(variables['batch_stats']) == 3_584  # Means and variances, 1,792 each.


def test_training_moves_the_statistics_a_tenth_of_the_way_and_testing_does_not(
  variables,
):
  maps = random_maps()
  changing = ('batch_stats', 'intermediates')
  _, changed = applied(
    variables, maps, SMALL(dropout=0.0), train=True, mutable=changing
  )
  first = np.asarray(changed['intermediates']['conv1_1']['__call__'][0])
  before = variables['batch_stats']['norm1_1']
  after = changed['batch_stats']['norm1_1']
  for name, of_batch in (
    ('mean', first.mean((0, 1, 2))),
    ('var', first.var((0, 1, 2))),
  ):
    expected = 0.9 * np.asarray(before[name]) + 0.1 * of_batch
    np.testing.assert_allclose(after[name], expected, rtol=1e-5)
    assert not np.allclose(after[name], before[name])
  _, kept = applied(variables, maps, SMALL(), mutable=('batch_stats',))
  jax.tree.map(
    np.testing.assert_array_equal, kept['batch_stats'], variables['batch_stats']
  )


def test_training_normalises_by_the_batch_and_testing_by_the_statistics(variables):
  maps = random_maps()
  train = functools.partial(
    applied, model=SMALL(dropout=0.0), train=True, mutable=('batch_stats',)
  )
  alone, _ = applied(variables, maps[:1], SMALL())
  together, _ = applied(variables, maps, SMALL())
  np.testing.assert_allclose(alone, together[:1], atol=1e-5)
  assert not np.allclose(train(variables, maps)[0], together, atol=1e-3)
  others = maps.at[1:].multiply(2)
  changed = train(variables, others)[0][0] - train(variables, maps)[0][0]
  assert abs(np.asarray(changed)).max() > 1e-3


def test_dropout_zeroes_pooled_features_in_training_only(variables):
  maps = random_maps((64, 6, 9, 2))
  mutable = ('batch_stats', 'intermediates')
  model = SMALL(dropout=0.25)
  features = {}
  for seed in (0, 1):
    _, captured = applied(
      variables,
      maps,
      model,
      train=True,
      dropout_key=jax.random.key(seed),
      mutable=mutable,
    )
    features[seed] = np.asarray(captured['intermediates']['Dropout_0']['__call__'][0])
  _, captured = applied(
    variables, maps, SMALL(dropout=0.0), train=True, mutable=mutable
  )
  whole = np.asarray(captured['intermediates']['Dropout_0']['__call__'][0])
  dropped = (features[0] == 0) & (whole > 0)
  assert 0.17 < dropped.sum() / (whole > 0).sum() < 0.33
  np.testing.assert_allclose(  # Kept features are scaled up, so the mean is unchanged.
    features[0][~dropped], whole[~dropped] / 0.75, rtol=1e-5
  )
  assert (features[0] != features[1]).any()
  # Testing needs no key and is deterministic.
  tested = [
    applied(variables, maps[:3], SMALL(dropout=rate))[0] for rate in (0.25, 0.9)
  ]
  np.testing.assert_array_equal(*tested)


# Flax's BatchNorm computes float32 statistics from bfloat16 activations by standard
# promotion, which these tests' strict promotion would refuse.
@jax.numpy_dtype_promotion('standard')
def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(variables):
  model = SMALL(dtype=jnp.bfloat16)
  shapes, layers = shapes_of(model, MAPS_SHAPE)
  assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype('float32')}
  for name, out in layers.items():
    is_in_bfloat16 = name.startswith(('conv', 'norm'))
    assert out.dtype == (jnp.bfloat16 if is_in_bfloat16 else jnp.float32), name
  maps = random_maps()
  logits, changed = applied(
    variables,
    maps,
    SMALL(dtype=jnp.bfloat16, dropout=0.0),
    train=True,
    mutable=('batch_stats',),
  )
  assert logits.dtype == jnp.float32
  kept = {leaf.dtype for leaf in jax.tree.leaves(changed)}
  assert kept == {jnp.dtype('float32')}
  tested, _ = applied(variables, maps, model)
  expected = network_by_loops(variables, maps)
  np.testing.assert_allclose(tested, expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize('channels', [1, 7])
def test_takes_any_number_of_channels(channels):
  variables, layers = shapes_of(SMALL(), (2, 5, 5, channels))
  assert variables['params']['conv1_1']['kernel'].shape == (3, 3, channels, 4)
  assert layers['classifier'].shape == (2, 3)


def test_winograd_s_convolutions_change_no_number(variables, monkeypatch):
  """Logits, statistics and gradients in training, in float64."""
  monkeypatch.setattr(winograd, '_ROWS', 1)
  monkeypatch.setattr(winograd, '_TRAINED_CHANNELS', 1)
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    exact = jax.tree.map(lambda leaf: leaf.astype(jnp.float64), variables)
    maps = jnp.asarray(random_maps(), jnp.float64)

    def numbers(algorithm):
      model = SMALL(dropout=0.0, dtype=jnp.float64, convolution_algorithm=algorithm)

      def read_out(params):
        logits, changed = model.apply(
          {**exact, 'params': params}, maps, train=True, mutable=['batch_stats']
        )
        return jnp.sin(logits).sum(), (logits, changed)

      return jax.jit(jax.grad(read_out, has_aux=True))(exact['params'])

    pairs = zip(
      *(jax.tree.leaves(numbers(algorithm)) for algorithm in ('winograd', 'direct')),
      strict=True,
    )
    for found, expected in pairs:
      np.testing.assert_allclose(found, expected, atol=1e-12)
