"""The encoder on windows gives the dense network's numbers, all of them."""

import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax import empty_map_windows
from jmrn_jax.convolution import direct_convolution
from jmrn_jax.model import JMRN
from model_lib import winograd
from pose_action.runtime import sharding

FLOAT64 = jnp.dtype('float64')
CLIPS, JOINTS = 4, 3
PLAN = ((16, 1.5, 0.4), (8, 1.0, 0.1))
# Room for few windows: most maps move up, and whole maps are computed again.
TIGHT = ((16, 0.5, 0.0), (8, 0.25, 0.0))
FIELDS = {
  'num_classes': 3,
  'compressed': 3,
  'features': (4, 5),
  'selector_features': 4,
  'reasoning_features': 5,
  'projection_features': 4,
  'windows': PLAN,
  'encoder': 'windows',
}


def motions(height, width, seed=0):
  """Maps with supports at every border and corner, one empty and one full."""
  rng = np.random.default_rng(seed)
  maps = np.zeros((CLIPS, JOINTS, height, width, 3))
  rows = (0, 0, height - 7, height - 5, 9, 0, 10, height - 8, 2, 3)
  columns = (0, width - 6, 0, width - 7, 11, 8, 0, 5, width - 3, 1)
  places = zip(rows, columns, strict=True)
  for number, (clip, joint) in enumerate(np.ndindex(CLIPS, JOINTS)):
    if number == 3:
      maps[clip, joint] = rng.uniform(size=(height, width, 3))
    elif number != 7:
      row, column = next(places)
      part = maps[clip, joint, row : row + 7 + number % 3, column : column + 6]
      part[...] = rng.uniform(size=part.shape)
  return maps


@functools.cache
def variables(seed=1):
  """Float64 variables, far from their first values."""
  shapes = jax.eval_shape(
    functools.partial(JMRN(**FIELDS).init, train=False),
    jax.random.key(0),
    jax.ShapeDtypeStruct((1, JOINTS, 24, 24, 3), jnp.float32),
  )
  rng = np.random.default_rng(seed)
  return {
    'params': jax.tree.map(
      lambda leaf: (
        rng.normal(size=leaf.shape) * (2 / max(leaf.size // leaf.shape[-1], 2)) ** 0.5
      ),
      shapes['params'],
    ),
    'batch_stats': jax.tree.map(
      lambda leaf: rng.uniform(0.5, 1.5, leaf.shape), shapes['batch_stats']
    ),
  }


def computed(model, maps, *, train):
  """Outputs, changed statistics, and the gradients of a loss that reads them all."""

  @jax.jit
  def run(variables, maps):
    def loss_of(params):
      output, changed = model.apply(
        {**variables, 'params': params}, maps, train=train, mutable=['batch_stats']
      )
      loss = jnp.square(output.logits).sum() + output.joint_weights.sum()
      return loss + jnp.cos(9 * output.joint_embeddings).sum(), (output, changed)

    gradient_of = jax.value_and_grad(loss_of, has_aux=True)
    (_, found), gradients = gradient_of(variables['params'])
    return found, gradients

  return run(variables(), maps)


def assert_same(found, expected):
  pairs = zip(
    jax.tree.leaves_with_path(found), jax.tree.leaves_with_path(expected), strict=True
  )
  for (path, value), (_, wanted) in pairs:
    assert value.dtype == np.float64, path
    # A bias before a BatchNorm has no gradient: the floor is for rounding, 1e-13.
    scale = max(float(abs(wanted).max()), 0.1)
    np.testing.assert_allclose(
      value / scale, wanted / scale, atol=1e-11, err_msg=jax.tree_util.keystr(path)
    )


@pytest.mark.parametrize(
  'size', [(64, 86), (33, 34), (35, 36), (8, 9), (3, 5), (1, 2), (4, 24)]
)
def test_an_empty_map_s_distinct_lines_are_enough(size):
  """Put in their places they are the dense network's response, at every layer."""
  rng = np.random.default_rng(0)
  shapes = [(3, 3, 3, 4), (3, 3, 4, 4), (3, 3, 4, 5), (3, 3, 5, 5), (5, 3)]
  kernels = [rng.normal(size=shape) / shape[-2] for shape in shapes]
  biases = [rng.normal(size=(1, 1, 1, kernel.shape[-1])) for kernel in kernels]
  empty = rng.normal(size=(JOINTS, 3))
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    tables = empty_map_windows.empty_responses(
      empty, size, kernels, [bias.ravel() for bias in biases]
    )
    x = jnp.broadcast_to(empty[:, None, None], (JOINTS, *size, 3))
    for number, (kernel, bias) in enumerate(zip(kernels, biases, strict=True)):
      if kernel.ndim == 2:
        wanted = x @ kernel + bias
      else:
        wanted = direct_convolution(x, kernel, (2, 1, 2, 1)[number]) + bias
      rows, columns = (empty_map_windows.distinct_lines(s)[number].places for s in size)
      for lines in (rows, columns):
        assert len(np.unique(lines)) <= 7  # At most 3 per border.
      found = tables[number][:, rows][:, :, columns]
      np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
      x = jax.nn.relu(wanted)


@pytest.mark.parametrize(
  ('height', 'width', 'train', 'devices', 'plan'),
  [
    (24, 33, True, 1, PLAN),
    pytest.param(29, 26, True, 2, PLAN, marks=pytest.mark.long),
    pytest.param(34, 27, True, 1, TIGHT, marks=pytest.mark.long),
    pytest.param(23, 28, False, 1, PLAN, marks=pytest.mark.long),
  ],
)
def test_every_number_is_the_dense_network_s(height, width, train, devices, plan):
  """At sides with every remainder by 4: outputs, gradients, statistics."""
  mesh = sharding.make_mesh(jax.devices()[:devices])
  fields = FIELDS | {'windows': plan, 'dtype': FLOAT64}
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    maps = jnp.asarray(motions(height, width))
    on_windows = computed(JMRN(**fields, mesh=mesh), maps, train=train)
    dense = computed(JMRN(**(fields | {'encoder': 'dense'})), maps, train=train)
    assert_same(on_windows, dense)


@pytest.mark.parametrize('plan', [PLAN, pytest.param(TIGHT, marks=pytest.mark.long)])
def test_windows_may_be_convolved_by_winograd(plan, monkeypatch):
  """The same numbers again; the reasoning's second convolution is Winograd's too."""
  monkeypatch.setattr(winograd, '_ROWS', 1)
  monkeypatch.setattr(winograd, '_TRAINED_CHANNELS', 1)
  fields = FIELDS | {'windows': plan, 'dtype': FLOAT64}
  with jax.enable_x64(True), jax.numpy_dtype_promotion('standard'):
    maps = jnp.asarray(motions(25, 26))
    model = JMRN(**fields, convolution_algorithm='winograd')
    by_winograd = computed(model, maps, train=True)
    dense = computed(JMRN(**(fields | {'encoder': 'dense'})), maps, train=True)
    assert_same(by_winograd, dense)


def test_the_maps_have_gradients_too():
  """As saliency needs them; where a map is empty, a window knows of no gradient."""
  maps = jnp.asarray(motions(24, 24), jnp.float32)
  found, wanted = (
    jax.jit(jax.grad(functools.partial(read_out, model)))(maps)
    for model in (JMRN(**FIELDS), JMRN(**(FIELDS | {'encoder': 'dense'})))
  )
  moving = np.asarray(maps != 0)
  scale = abs(wanted).max()
  assert scale > 1e-2
  np.testing.assert_allclose(found[moving] / scale, wanted[moving] / scale, atol=1e-4)


def read_out(model, maps):
  """A number that depends on every joint's features."""
  return jnp.cos(9 * apply(model, maps).joint_embeddings).sum()


def apply(model, maps):
  """The model's output with the variables in float32."""
  own = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), variables())
  return model.apply(own, maps, train=False)


@pytest.mark.parametrize('clips', [1, 3])
def test_only_full_maps_and_only_empty_maps(clips):
  full = motions(20, 21)[1:2, :1].repeat(JOINTS, 1).repeat(clips, 0)
  for maps in (full, np.zeros_like(full)):
    maps = jnp.asarray(maps, jnp.float32)
    found, wanted = (
      jax.jit(functools.partial(apply, JMRN(**(FIELDS | {'encoder': encoder}))))(maps)
      for encoder in ('windows', 'dense')
    )
    np.testing.assert_allclose(found.logits, wanted.logits, rtol=1e-4)
    np.testing.assert_allclose(
      found.joint_embeddings, wanted.joint_embeddings, atol=1e-5
    )


@pytest.mark.parametrize(
  ('fields', 'train', 'uses'),
  [
    ({}, True, True),
    ({'encoder': 'auto'}, True, True),  # Tests run on a CPU.
    ({'encoder': 'dense'}, True, False),
    ({'windows': ()}, True, False),
    ({'siamese': False}, True, False),
    ({'dropout': 0.25}, True, False),  # Dropout makes the empty map's cells random.
    ({'dropout': 0.25}, False, True),
  ],
  ids=str,
)
def test_windows_are_used_where_they_are_exact(fields, train, uses):
  model = JMRN(**(FIELDS | fields))
  maps = jax.ShapeDtypeStruct((CLIPS, JOINTS, 24, 24, 3), jnp.float32)
  key = jax.random.key(0)
  shapes = jax.eval_shape(functools.partial(model.init, train=False), key, maps)

  def run(variables, maps):
    rngs = {'dropout': key}
    return model.apply(variables, maps, train=train, mutable=['batch_stats'], rngs=rngs)

  assert ('while' in str(jax.make_jaxpr(run)(shapes, maps))) == uses


def test_an_unknown_encoder_is_refused():
  model = JMRN(num_classes=3, encoder='sparse')
  with pytest.raises(ValueError, match="no encoder 'sparse'; use one of auto, dense"):
    model.init(jax.random.key(0), jnp.zeros((1, 3, 24, 24, 3)), train=False)


def test_each_of_eight_devices_has_its_own_windows():
  """Devices exchange sums and what follows the encoder, but no maps and no features."""
  mesh = sharding.make_mesh()
  model = JMRN(**FIELDS, mesh=mesh)
  whole, over_rows = sharding.replicated(mesh), sharding.over_rows(mesh)

  def loss(variables, maps):
    output, _ = model.apply(variables, maps, train=True, mutable=['batch_stats'])
    return jnp.square(output.logits).sum()

  shapes = jax.tree.map(
    lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.float32), variables()
  )
  maps = jax.ShapeDtypeStruct((16, JOINTS, 24, 24, 3), jnp.float32)
  step = jax.jit(jax.grad(loss), in_shardings=(whole, over_rows))
  program = step.lower(shapes, maps).compile().as_text()
  assert 'all-reduce' in program
  assert not re.search(r'all-gather|all-to-all|collective-permute', program)
