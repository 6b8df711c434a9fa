"""Folding Θ into conv1_1 changes neither parameters, outputs, gradients nor statistics."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pa3d_jax.folded_filter import folded_kernel
from pa3d_jax.model import PA3D

RNG = np.random.default_rng(0)
SMALL = {'num_classes': 3, 'features': (4,), 'dropout': 0.0}
FRAMES, JOINTS, DIFFERENCE = 4, 3, 3


def pair(**fields):
  """The same model with and without folding."""
  return [PA3D(**SMALL, filter_folding=f, **fields) for f in ('auto', 'plain')]


def frames(count=FRAMES, channels=JOINTS):
  """Maps in float64, on odd and even numbers of rows and columns."""
  return RNG.uniform(size=(3, count, 7, 10, channels))


def computed(model, variables, maps, *, train):
  """Logits, changed statistics, and gradients of a loss, in float64."""
  weights = jnp.asarray(np.random.default_rng(2).normal(size=(3, SMALL['num_classes'])))

  @jax.jit
  def run(variables, maps):
    def loss_of(params):
      output, changed = model.apply(
        {**variables, 'params': params}, maps, train=train, mutable=['batch_stats']
      )
      return (weights * output.logits).sum(), (output, changed)

    (_, found), gradients = jax.value_and_grad(loss_of, has_aux=True)(
      variables['params']
    )
    return found, gradients

  return run(variables, maps)


def in_float64(random_variables, model, shapes):
  variables = random_variables(model.clone(dtype=jnp.dtype('float32')), shapes)
  return jax.tree.map(lambda leaf: leaf.astype(jnp.float64), variables)


def leaves(tree):
  return jax.tree.leaves_with_path(tree)


@pytest.mark.parametrize(
  ('fields', 'train'),
  [
    ({'outputs': 4, 'branches': ('global',)}, True),
    ({'outputs': 8, 'branches': ('global', 'dilated')}, True),
    ({'outputs': 6, 'branches': ('dilated', 'local')}, False),
    ({'outputs': 8, 'input_norm': 'batch_norm'}, True),
  ],
  ids=str,
)
def test_every_number_is_that_of_the_plain_form(fields, train, random_variables):
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    folded, plain = pair(**fields, dtype=jnp.dtype('float64'))
    maps = frames()
    variables = in_float64(random_variables, plain, maps.shape)
    found, expected = (
      computed(model, variables, maps, train=train) for model in (folded, plain)
    )
    pairs = list(zip(leaves(found), leaves(expected), strict=True))
    assert len(pairs) > 10
    for (path, value), (_, wanted) in pairs:
      assert value.dtype == np.float64
      scale = max(float(abs(wanted).max()), 1e-3)
      np.testing.assert_allclose(
        value / scale, wanted / scale, atol=1e-12, err_msg=path
      )


def test_modalities_fold_each_by_itself(random_variables):
  """With 3 outputs, the difference has few enough frames to fold (3), joints have not (4)."""
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    folded, plain = pair(outputs=3, dtype=jnp.dtype('float64'))
    maps = {
      'joints': frames(),
      'joints_diff': frames(DIFFERENCE),
      'parts': frames(4, 2),
    }
    shapes = {name: array.shape for name, array in maps.items()}
    variables = in_float64(random_variables, plain, shapes)
    found, expected = (
      computed(model, variables, maps, train=True) for model in (folded, plain)
    )
    jax.tree.map(
      functools.partial(np.testing.assert_allclose, rtol=1e-9, atol=1e-11),
      found,
      expected,
    )


def first_convolution(model, shape, random_variables):
  """The number of channels that the first convolution of the compiled model reads."""
  maps = jnp.zeros(shape)
  variables = random_variables(model, shape)
  program = jax.make_jaxpr(
    lambda maps: model.apply(variables, maps, train=False).logits
  )(maps)
  convolutions = [e for e in program.eqns if e.primitive.name == 'conv_general_dilated']
  return convolutions[0].invars[0].aval.shape[-1]


@pytest.mark.parametrize(
  ('fields', 'read'),
  [
    ({'outputs': 8}, 4 * JOINTS),  # T = 4 frames of 3 joints
    ({'outputs': 4}, 4 * JOINTS),
    ({'outputs': 3}, 3 * JOINTS),  # T > N: fewer channels after Θ
    ({'outputs': 8, 'nonlinearity': 'relu'}, 8 * JOINTS),
    ({'outputs': 8, 'filter_folding': 'plain'}, 8 * JOINTS),
  ],
  ids=str,
)
def test_conv1_1_reads_frames_only_where_this_is_exact_and_smaller(
  fields, read, random_variables
):
  model = PA3D(**SMALL, **fields)
  assert first_convolution(model, (1, 4, 8, 8, JOINTS), random_variables) == read


def test_parameters_and_their_first_values_are_those_of_the_plain_form():
  maps = jnp.asarray(frames(), jnp.float32)
  made = [model.init(jax.random.key(3), maps, train=False) for model in pair(outputs=8)]
  jax.tree.map(np.testing.assert_array_equal, *made)


def test_motion_maps_for_pictures_are_still_given(random_variables):
  maps = jnp.asarray(frames(), jnp.float32)
  models = pair(outputs=8)
  variables = random_variables(models[0], maps.shape)
  outputs: list[Any] = [m.apply(variables, maps, train=False) for m in models]
  folded, plain = outputs
  np.testing.assert_array_equal(folded.motion_maps, plain.motion_maps)
  assert folded.motion_maps.shape == (3, 7, 10, JOINTS, 8)


def test_the_folded_kernel_by_hand():
  """One joint, two outputs over three frames: Σ_n Θ[n, t] W[n]."""
  theta = jnp.array([[1.0, 2.0, 3.0], [0.0, 10.0, -1.0]])
  kernel = jnp.array([5.0, 7.0]).reshape(1, 1, 2, 1)
  # t = 0: 1·5 + 0·7; t = 1: 2·5 + 10·7; t = 2: 3·5 - 1·7.
  np.testing.assert_array_equal(folded_kernel(kernel, theta).ravel(), [5, 80, 8])


def test_an_unknown_folding_is_refused():
  with pytest.raises(ValueError, match="no filter folding 'always'; use 'auto' or 'pl"):
    jax.eval_shape(
      functools.partial(PA3D(**SMALL, filter_folding='always').init, train=False),
      jax.random.key(0),
      jax.ShapeDtypeStruct((1, 4, 8, 8, 2), jnp.float32),
    )
