"""The joint-contrastive loss: Eq. (1) and (2) as loops, and sharding over 8 devices."""

import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jmrn_jax import contrastive
from pose_action.runtime import sharding

CLASSES = np.array([0, 1, 0, 2, 1, 0])  # Row 3 has no positive.
MULTI_HOT = np.array(
  [[1, 1, 0, 0], [0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [1, 1, 1, 0], [0, 0, 0, 0]],
  np.float32,
)
# Distinct sizes identify the axes of arrays in the 8-device program.
ROWS, JOINTS, FEATURES = 40, 7, 11


_SETTINGS = ('temperature', 'reduction', 'positives')
joint_contrastive_loss = jax.jit(
  contrastive.joint_contrastive_loss, static_argnames=_SETTINGS
)
value_and_gradient = jax.jit(
  jax.value_and_grad(contrastive.joint_contrastive_loss), static_argnames=_SETTINGS
)


def unit_rows(rows=6, joints=3, features=5, seed=0):
  z = np.random.default_rng(seed).standard_normal((rows, joints, features))
  return (z / np.linalg.norm(z, axis=-1, keepdims=True)).astype(np.float32)


def positive_weight(a, b, positives):
  """The weight w_ip before division by its sum over p."""
  if np.ndim(a) == 0:
    return float(a == b)
  shared = sum(1 for x, y in zip(a, b, strict=True) if x and y)
  if positives == 'shared_label':
    return float(shared > 0)
  return shared / (max(np.sum(a), np.sum(b)) + 1e-3)


def loss_by_loops(z, labels, temperature, positives='shared_label', mask=None):
  """The sum over anchors and joints."""
  z = z.astype(np.float64)
  rows = [i for i in range(len(z)) if mask is None or mask[i]]
  total = 0.0
  for j in range(z.shape[1]):
    for i in rows:
      others = [a for a in rows if a != i]
      denominator = sum(math.exp(z[i, j] @ z[a, j] / temperature) for a in others)
      weights = [positive_weight(labels[i], labels[p], positives) for p in others]
      if not sum(weights):
        continue
      for p, weight in zip(others, weights, strict=True):
        log_p = math.log(math.exp(z[i, j] @ z[p, j] / temperature) / denominator)
        total -= weight / sum(weights) * log_p
  return total


def test_two_pairs_by_hand():
  # Each anchor has similarity 1 to its positive and 0 to two others: -log(e / (e + 2)).
  z = jnp.array([[[1.0, 0]], [[1, 0]], [[0, 1]], [[0, 1]]])
  labels = jnp.array([4, 4, 9, 9])
  loss = functools.partial(joint_contrastive_loss, z, labels, temperature=1.0)
  np.testing.assert_allclose(loss(), 0.5514447, rtol=1e-6)
  np.testing.assert_allclose(loss(reduction='sum'), 4 * 0.5514447, rtol=1e-6)


@pytest.mark.parametrize(
  ('labels', 'positives', 'mask'),
  [
    (CLASSES, 'shared_label', None),
    (CLASSES, 'shared_label', np.array([1, 1, 1, 1, 0, 1], np.float32)),
    (MULTI_HOT, 'shared_label', None),
    (MULTI_HOT, 'weighted', None),
    (MULTI_HOT, 'weighted', np.array([1, 0, 1, 1, 1, 1], np.float32)),
  ],
)
def test_equals_loops(labels, positives, mask):
  z = unit_rows()
  wanted = loss_by_loops(z, labels, 0.3, positives, mask)
  loss = functools.partial(
    joint_contrastive_loss,
    jnp.array(z),
    jnp.array(labels),
    temperature=0.3,
    positives=positives,
    mask=None if mask is None else jnp.array(mask),
  )
  np.testing.assert_allclose(loss(reduction='sum'), wanted, rtol=1e-5)
  # The mean is over joints and all anchors, including those without positives.
  anchors = 6 if mask is None else 5
  np.testing.assert_allclose(loss(), wanted / (3 * anchors), rtol=1e-5)


def test_the_two_forms_of_positives_differ():
  z, labels = jnp.array(unit_rows()), jnp.array(MULTI_HOT)
  losses = [
    joint_contrastive_loss(z, labels, temperature=0.3, positives=positives)
    for positives in ('shared_label', 'weighted')
  ]
  assert abs(losses[0] - losses[1]) > 1e-3


def test_rows_that_are_masked_change_nothing_and_get_no_gradient():
  z, mask = unit_rows(), np.array([1, 1, 0, 1, 1, 1], np.float32)

  def gradient_of(z):
    labels = jnp.array(CLASSES)
    return value_and_gradient(z, labels, temperature=0.3, mask=jnp.array(mask))[1]

  gradient = gradient_of(jnp.array(z))
  np.testing.assert_array_equal(gradient[2], 0)
  assert (abs(np.asarray(gradient)).max(axis=(1, 2)) > 0).tolist() == mask.tolist()
  z[2] = unit_rows(seed=1)[2]
  np.testing.assert_array_equal(gradient_of(jnp.array(z)), gradient)


@pytest.mark.parametrize('poison', [np.nan, np.inf])
@pytest.mark.parametrize(
  ('labels', 'positives'),
  [(CLASSES, 'shared_label'), (MULTI_HOT, 'shared_label'), (MULTI_HOT, 'weighted')],
)
def test_nan_in_a_masked_row_reaches_neither_loss_nor_gradient(
  labels, positives, poison
):
  z, mask = unit_rows(), np.array([1, 1, 0, 1, 1, 1], np.float32)

  def of_rows(z, labels):
    return value_and_gradient(
      jnp.array(z),
      jnp.array(labels),
      temperature=0.3,
      positives=positives,
      mask=jnp.array(mask),
    )

  value, gradient = of_rows(z, labels)
  z[2] = poison
  labels = labels.copy()
  if labels.ndim == 2:
    labels[2] = poison
  poisoned_value, poisoned_gradient = of_rows(z, labels)
  assert np.isfinite(poisoned_value) and poisoned_value == value
  np.testing.assert_array_equal(poisoned_gradient, gradient)
  np.testing.assert_array_equal(poisoned_gradient[2], 0)


@pytest.mark.parametrize(
  ('labels', 'mask'),
  [
    ([0, 1, 2], None),
    ([0, 0, 0], [0, 1, 0]),
    ([0, 0, 0], [0, 0, 0]),
    ([[0, 0]] * 3, None),
  ],
)
def test_no_positives_at_all_give_zero_and_no_gradient(labels, mask):
  value, gradient = value_and_gradient(
    jnp.array(unit_rows(3)),
    jnp.array(labels),
    temperature=0.1,
    mask=None if mask is None else jnp.array(mask, jnp.float32),
  )
  assert value == 0
  np.testing.assert_array_equal(gradient, 0)


def test_a_temperature_near_zero_does_not_overflow():
  z = unit_rows(joints=1)
  value, gradient = value_and_gradient(
    jnp.array(z), jnp.array(CLASSES), temperature=1e-3
  )
  # exp(1000) overflows even float64; in that limit only the largest similarity counts.
  similarities = (z[:, 0] @ z[:, 0].T).astype(np.float64) / 1e-3
  np.fill_diagonal(similarities, -np.inf)
  same = (CLASSES[:, None] == CLASSES) & ~np.eye(6, dtype=bool)
  gaps = similarities.max(axis=1, keepdims=True) - similarities
  losses = [gaps[i][same[i]].mean() for i in range(6) if same[i].any()]
  np.testing.assert_allclose(value, sum(losses) / 6, rtol=1e-3)
  assert np.isfinite(gradient).all()


def test_bfloat16_embeddings_are_compared_in_float32():
  z = jnp.array(unit_rows()).astype(jnp.bfloat16)
  loss = functools.partial(joint_contrastive_loss, temperature=0.1)
  got = loss(z, jnp.array(CLASSES))
  assert got.dtype == jnp.float32
  np.testing.assert_array_equal(got, loss(z.astype(jnp.float32), jnp.array(CLASSES)))


def compiled_step(num_devices):
  """Value and gradient with rows sharded over devices.

  A layer computes the embeddings, so that they are an intermediate result, as in a
  model, and not an input.
  """
  mesh = sharding.make_mesh(jax.devices()[:num_devices])
  over_rows = sharding.over_rows(mesh)

  def loss(kernel, features, labels):
    z = jnp.einsum('bjc,cd->bjd', features, kernel)
    z = z / jnp.linalg.norm(z, axis=-1, keepdims=True)
    return joint_contrastive_loss(z, labels, temperature=0.1)

  step = jax.jit(
    jax.value_and_grad(loss, argnums=(0, 1)),
    in_shardings=(sharding.replicated(mesh), over_rows, over_rows),
  )
  rng = np.random.default_rng(0)
  inputs = (
    rng.standard_normal((13, FEATURES)).astype(np.float32),
    rng.standard_normal((ROWS, JOINTS, 13)).astype(np.float32),
    rng.integers(0, 4, ROWS).astype(np.int32),
  )
  return step.lower(*inputs).compile(), inputs


def array_shapes(program):
  """The shapes of all arrays in the compiled program for one device."""
  found = re.findall(r'\b(?:pred|[a-z]+\d+)\[([\d,]+)\]', program.as_text())
  return {tuple(int(side) for side in shape.split(',')) for shape in found}


def test_one_device_equals_eight_each_with_its_own_rows_of_similarities():
  one, inputs = compiled_step(1)
  eight, _ = compiled_step(8)
  wanted, got = one(*inputs), eight(*inputs)
  np.testing.assert_allclose(got[0], wanted[0], rtol=1e-5)
  for a, b in zip(got[1], wanted[1], strict=True):
    assert abs(np.asarray(b)).max() > 1e-3
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)

  # [j, b, b] has j·b·b elements, in any order of axes, folded or not.
  whole = JOINTS * ROWS * ROWS
  assert max(map(math.prod, array_shapes(one))) >= whole
  assert max(map(math.prod, array_shapes(eight))) < whole / 2
  assert (JOINTS, ROWS // 8, ROWS) in array_shapes(eight)


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    (
      {'embeddings': jnp.ones((6, 5))},
      r'must be \[row, joint, feature\], but got shape \(6, 5\)',
    ),
    ({'labels': jnp.zeros(3, jnp.int32)}, r'need labels \[6\], .* got shape \(3,\)'),
    ({'labels': jnp.int32(0)}, r'need labels \[6\], .* but got shape \(\)'),
    (
      {'mask': jnp.ones((6, 1))},
      r'6 rows .* need a mask \[6\], but got shape \(6, 1\)',
    ),
    ({'temperature': 0.0}, 'temperature must be above 0, but got 0.0'),
    ({'reduction': 'none'}, "no reduction 'none'; use 'mean' or 'sum'"),
    ({'positives': 'all'}, "no positives 'all'; use 'shared_label' or 'weighted'"),
    (
      {'positives': 'weighted'},
      "'weighted' need multi-hot labels .* one class per row",
    ),
  ],
)
def test_misuse(changes, message):
  arguments = {
    'embeddings': jnp.array(unit_rows()),
    'labels': jnp.array(CLASSES),
    'temperature': 0.1,
  }
  with pytest.raises(ValueError, match=message):
    joint_contrastive_loss(**{**arguments, **changes})
