"""The whole JMRN: the official sizes, ablations, dropout, and that it learns."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jmrn_jax.model import JMRN

SMALL = functools.partial(
  JMRN,
  num_classes=4,
  compressed=3,
  features=(6, 8),
  selector_features=5,
  reasoning_features=7,
  projection_features=6,
)
SHAPE = (4, 3, 8, 12, 3)


def random_maps(shape=SHAPE, seed=0):
  return jnp.array(np.random.default_rng(seed).uniform(0, 1, shape), jnp.float32)


def shapes_of(model, shape):
  """The shapes of (variables, output, outputs by layer)."""
  maps = jax.ShapeDtypeStruct(shape, jnp.float32)
  output, variables = jax.eval_shape(
    functools.partial(
      model.init_with_output, train=False, capture_intermediates=True, mutable=True
    ),
    jax.random.key(0),
    maps,
  )
  layers = variables.pop('intermediates').items()
  return variables, output, {k: v['__call__'][0] for k, v in layers if k != '__call__'}


def count(tree):
  return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(tree))


@functools.partial(jax.jit, static_argnames=('model', 'train'))
def applied(variables, maps, model, train=False, key=None):
  rngs = None if key is None else {'dropout': key}
  return model.apply(
    variables, maps, train=train, rngs=rngs, mutable=['batch_stats'] if train else []
  )[0]


@pytest.fixture(scope='module')
def variables(random_variables):
  return random_variables(SMALL(), SHAPE)


@pytest.mark.parametrize(
  ('classes', 'compressed', 'width', 'millions'),
  [(21, 128, 86, 8.17), (51, 64, 86, 7.58), (157, 32, 64, 7.33)],
)
def test_parameters_of_the_official_models(classes, compressed, width, millions):
  model = JMRN(num_classes=classes, compressed=compressed)
  params = shapes_of(model, (2, 18, 64, width, 3))[0]['params']
  projection = count([params.pop('projection1'), params.pop('projection2')])
  assert projection == 49_408
  assert round(count(params) / 1e6, 2) == millions


def test_parameters_of_jhmdb_by_hand():
  params = shapes_of(JMRN(num_classes=21), (2, 18, 64, 86, 3))[0]['params']
  assert {name: count(layer) for name, layer in params.items()} == {
    'input_norm': 108,  # scale and bias of 18·3 channels
    'joint_encoder': 1_036_416,  # 9·(3·128 + 128·128 + 128·256 + 256·256) + 768
    'compression': 32_896,  # 256·128 + 128
    'joint_selector': 1_184_530,  # 18·256·256 + 256 + 256·18 + 18
    'reduction': 1_180_160,  # 18·128·512 + 512
    'conv1': 2_359_808,  # 9·512·512 + 512
    'norm1': 1_024,
    'conv2': 2_359_808,
    'norm2': 1_024,
    'classifier': 10_773,  # 512·21 + 21
    'projection1': 32_896,  # 256·128 + 128
    'projection2': 16_512,  # 128·128 + 128
  }


def test_sizes_at_64_by_86():
  _, output, layers = shapes_of(JMRN(num_classes=21), (2, 18, 64, 86, 3))
  assert output.logits.shape == (2, 21)
  assert output.joint_weights.shape == (2, 18)
  assert output.joint_embeddings.shape == (2, 18, 128)
  assert layers['compression'].shape == (2, 18, 16, 22, 128)
  assert layers['reduction'].shape == (2, 16, 22, 512)
  assert layers['conv1'].shape == layers['conv2'].shape == (2, 8, 11, 512)


def test_separate_encoders_have_about_the_parameters_of_the_shared_one():
  model = JMRN(num_classes=21, siamese=False)
  variables, _, layers = shapes_of(model, (2, 18, 64, 86, 3))
  encoders = variables['params']['joint_encoders']
  assert encoders['conv1']['kernel'].shape == (18, 3, 3, 3, 24)
  assert encoders['conv2']['kernel'].shape == (18, 3, 3, 24, 256)
  assert count(encoders) == 1_012_032  # 18·(24·2,332 + 256); the shared 1,036,416.
  assert layers['compression'].shape == (2, 18, 16, 22, 128)


def test_without_a_selector_every_joint_counts_fully(variables):
  plain = applied(variables, random_maps(), SMALL(selector=False))
  assert plain.joint_weights is None
  open_wide = jax.tree.map(lambda x: x, variables)
  open_wide['params']['joint_selector']['weights']['bias'] += 100
  selected = applied(open_wide, random_maps(), SMALL())
  np.testing.assert_array_equal(selected.joint_weights, 1)
  np.testing.assert_allclose(selected.logits, plain.logits, rtol=1e-5)
  shapes = shapes_of(SMALL(selector=False), SHAPE)[0]
  assert 'joint_selector' not in shapes['params']


def test_a_joint_of_weight_zero_has_no_say_in_the_logits(variables):
  closed = jax.tree.map(lambda x: x, variables)
  weights = closed['params']['joint_selector']['weights']
  # So low that the features cannot raise the weight above 0.
  weights['bias'] = weights['bias'] + jnp.array([0.0, -1e4, 0.0])
  weights['kernel'] = jnp.zeros_like(weights['kernel'])
  maps = random_maps()
  outputs = [applied(closed, x, SMALL()) for x in (maps, maps.at[:, 1].multiply(-3))]
  assert (outputs[0].joint_weights[:, 1] == 0).all()
  np.testing.assert_allclose(outputs[0].logits, outputs[1].logits, rtol=1e-5)
  others = applied(closed, maps.at[:, 2].multiply(-3), SMALL())
  assert abs(np.asarray(others.logits - outputs[0].logits)).max() > 1e-3


def test_embeddings_have_unit_norm_and_can_be_left_out(variables):
  embeddings = applied(variables, random_maps(), SMALL()).joint_embeddings
  norms = np.linalg.norm(embeddings, axis=-1)
  np.testing.assert_allclose(norms, 1, rtol=1e-5)
  shapes, output, _ = shapes_of(SMALL(projection_features=0), SHAPE)
  assert output.joint_embeddings is None
  assert not [name for name in shapes['params'] if 'projection' in name]


def losses_of_training(variables, maps, labels, steps):
  """Returns (cross entropy at each step, gradient of the first step)."""
  model, optimizer = SMALL(), optax.sgd(0.1, momentum=0.9)

  @jax.jit
  def step(variables, opt_state):
    def loss_of(params):
      output, changed = model.apply(
        {**variables, 'params': params}, maps, train=True, mutable=['batch_stats']
      )
      loss = optax.softmax_cross_entropy_with_integer_labels(output.logits, labels)
      # A small share of the embeddings, so that their layers get a gradient.
      return loss.mean() + 0.01 * output.joint_embeddings.sum(), (loss.mean(), changed)

    gradient, (loss, changed) = jax.grad(loss_of, has_aux=True)(variables['params'])
    updates, opt_state = optimizer.update(gradient, opt_state)
    params = optax.apply_updates(variables['params'], updates)
    return {**changed, 'params': params}, opt_state, loss, gradient

  opt_state, losses, gradients = optimizer.init(variables['params']), [], []
  for _ in range(steps):
    variables, opt_state, loss, gradient = step(variables, opt_state)
    losses.append(float(loss))
    gradients.append(gradient)
  return losses, gradients[0]


def test_every_parameter_learns_and_four_clips_are_overfitted(variables):
  losses, gradient = losses_of_training(variables, random_maps(), jnp.arange(4), 80)
  for path, leaf in jax.tree_util.tree_leaves_with_path(gradient):
    assert np.isfinite(leaf).all(), path
    # A BatchNorm cancels the bias of the convolution before it.
    if jax.tree_util.keystr(path) not in ("['conv1']['bias']", "['conv2']['bias']"):
      assert abs(np.asarray(leaf)).max() > 1e-7, path
  assert losses[0] > 0.5
  assert losses[-1] < 0.05


def test_an_embedding_of_zero_stays_zero_with_a_finite_gradient(variables):
  zeroed = jax.tree.map(jnp.zeros_like, variables['params']['projection2'])

  @jax.jit
  def total(layer):
    params = {**variables['params'], 'projection2': layer}
    output = SMALL().apply({**variables, 'params': params}, random_maps(), train=False)
    return output.joint_embeddings.sum(), output.joint_embeddings

  gradient, embeddings = jax.grad(total, has_aux=True)(zeroed)
  np.testing.assert_array_equal(embeddings, 0)
  assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))


def test_dropout_drops_whole_channels_in_training_only(variables):
  maps = random_maps((8, *SHAPE[1:]))
  dropping = SMALL(dropout=0.5)

  @jax.jit
  def layers_in_training(key):
    _, captured = dropping.apply(
      variables,
      maps,
      train=True,
      rngs={'dropout': key},
      mutable=['batch_stats', 'intermediates'],
      capture_intermediates=True,
    )
    layers = captured['intermediates'].items()
    return {name: out['__call__'][0] for name, out in layers if name != '__call__'}

  layers, same, other = (layers_in_training(jax.random.key(seed)) for seed in (0, 0, 1))
  np.testing.assert_array_equal(layers['classifier'], same['classifier'])
  assert abs(np.asarray(layers['classifier'] - other['classifier'])).max() > 1e-3
  for norm, dropout in (('norm1', 'Dropout_0'), ('norm2', 'Dropout_1')):
    before, after = np.maximum(layers[norm], 0), np.asarray(layers[dropout])
    kept = (after != 0).any(axis=(1, 2), keepdims=True)
    assert 0.2 < kept.mean() < 0.8
    np.testing.assert_allclose(after, np.where(kept, before / 0.5, 0), rtol=1e-5)

  tested = [applied(variables, maps[:4], m).logits for m in (dropping, SMALL())]
  np.testing.assert_array_equal(*tested)


# Flax's BatchNorm computes float32 statistics from bfloat16 activations by standard
# promotion, which these tests' strict promotion would refuse.
@jax.numpy_dtype_promotion('standard')
def test_bfloat16_keeps_parameters_and_outputs_in_float32(variables):
  model = SMALL(dtype=jnp.bfloat16)
  shapes, output, layers = shapes_of(model, SHAPE)
  assert {leaf.dtype for leaf in jax.tree.leaves(shapes)} == {jnp.dtype('float32')}
  assert {leaf.dtype for leaf in jax.tree.leaves(output)} == {jnp.dtype('float32')}
  in_bfloat16 = {name for name, out in layers.items() if out.dtype == jnp.bfloat16}
  assert in_bfloat16 > {'input_norm', 'compression', 'reduction', 'conv1', 'conv2'}
  assert not {'classifier', 'joint_selector', 'projection2'} & in_bfloat16
  got, wanted = (applied(variables, random_maps(), m) for m in (model, SMALL()))
  np.testing.assert_allclose(got.logits, wanted.logits, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(
  ('model', 'shape', 'message'),
  [
    (SMALL(), (4, 8, 12, 9), r'needs maps \[clip, joint, .* got shape \(4, 8, 12, 9\)'),
    (SMALL(features=(6, 8, 8)), SHAPE, r'needs two features, but got \(6, 8, 8\)'),
  ],
)
def test_misuse(model, shape, message):
  with pytest.raises(ValueError, match=message):
    shapes_of(model, shape)
