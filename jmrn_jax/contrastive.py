"""The joint-contrastive loss (JMRN Eq. (1) and (2)): classes attract, per joint.

With embeddings z, for joint j, anchor i, its positives p and all other rows a:

  loss_ji = - Σ_p w_ip log( exp(z_ji · z_jp / τ) / Σ_{a≠i} exp(z_ji · z_ja / τ) )

An anchor without positives has loss 0.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

_NEVER = -1e9  # Replaces the similarity of excluded pairs.


def joint_contrastive_loss(
  embeddings: Float[Array, 'b j d'],
  labels: Int[Array, 'b'] | Float[Array, 'b k'],
  *,
  temperature: float,
  reduction: str = 'mean',
  positives: str = 'shared_label',
  mask: Float[Array, 'b'] | None = None,
) -> Float[Array, '']:
  """Supervised contrastive loss over the rows of the global batch, for each joint.

  The formula is in the module. Computed in float32. Under `jax.jit` with rows sharded
  over n devices, each device holds only the similarities [j, b/n, b] of its own rows.

  Four rows with one joint. The embeddings of a class are equal, those of different
  classes are orthogonal, so that each anchor's loss is -log(e / (e + 2)):

  >>> import jax.numpy as jnp
  >>> from jmrn_jax import joint_contrastive_loss
  >>> embeddings = jnp.array([[[1.0, 0]], [[1, 0]], [[0, 1]], [[0, 1]]])
  >>> labels = jnp.array([4, 4, 9, 9])
  >>> loss = joint_contrastive_loss(embeddings, labels, temperature=1.0)
  >>> print(f'{loss:.4f}')
  0.5514

  Args:
    embeddings: unit vectors; the rows are all views of all clips.
    labels: one class per row, or multi-hot rows.
    temperature: τ.
    reduction: 'mean' over anchors and joints, where anchors without positives count
      (official code); or 'sum', as in Eq. (1) and (2), which is b·j times as large.
    positives: 'shared_label' takes rows of the same class, or multi-hot rows that share
      any label (Sec. 4.1), with w = 1 / number of positives. 'weighted' (official code,
      multi-hot only) takes w from the share of labels that two rows have in common.
    mask: rows with 0 are excluded as anchors and as other rows, even if they hold NaN.

  Raises:
    ValueError: for shapes that do not match, and for unknown settings.
  """
  _check(embeddings, labels, mask, temperature, reduction, positives)
  embeddings = embeddings.astype(jnp.float32)
  rows, joints = embeddings.shape[:2]
  is_row = jnp.ones(rows, bool) if mask is None else mask != 0
  embeddings, labels = _zeroed(embeddings, is_row), _zeroed(labels, is_row)
  is_other = ~jnp.eye(rows, dtype=bool) & is_row[:, None] & is_row[None, :]
  weights = _positive_weights(labels, positives, is_other)

  # Full float32, since the default precision of products is lower on GPU and TPU.
  products = jnp.einsum(
    'ijd,ajd->jia', embeddings, embeddings, precision=jax.lax.Precision.HIGHEST
  )
  similarities = products / temperature
  others = jnp.where(is_other[None], similarities, _NEVER)
  log_denominators = jax.nn.logsumexp(others, axis=2)
  attraction = jnp.einsum('jia,ia->ji', similarities, weights)
  loss = (log_denominators * weights.sum(axis=1)[None] - attraction).sum()
  if reduction == 'sum':
    return loss
  return loss / (joints * jnp.maximum(is_row.sum(), 1).astype(jnp.float32))


def _zeroed(values: jax.Array, is_row: Bool[Array, 'b']) -> jax.Array:
  """Replaces excluded rows by 0; excluding pairs is not enough, as 0 · NaN is NaN."""
  return jnp.where(is_row.reshape(-1, *[1] * (values.ndim - 1)), values, 0)


def _positive_weights(
  labels: jax.Array, positives: str, is_other: Bool[Array, 'b b']
) -> Float[Array, 'b b']:
  """The weight of each row as a positive of each other row; w in the formula."""
  weights = jnp.where(is_other, _shares(labels, positives), 0)
  total = weights.sum(axis=1, keepdims=True)
  if positives == 'weighted':
    return weights / (total + 1e-8)
  return weights / jnp.maximum(total, 1)


def _shares(labels: jax.Array, positives: str) -> Float[Array, 'b b']:
  """The unnormalised weight of each row as a positive of each row."""
  if labels.ndim == 1:
    return (labels[:, None] == labels[None, :]).astype(jnp.float32)
  labels = labels.astype(jnp.float32)
  shared = labels @ labels.T
  if positives == 'shared_label':
    return (shared > 0).astype(jnp.float32)
  counts = labels.sum(axis=1)
  return shared / (jnp.maximum(counts[:, None], counts[None, :]) + 1e-3)


def _check(embeddings, labels, mask, temperature, reduction, positives):
  if embeddings.ndim != 3:
    raise ValueError(
      f'embeddings must be [row, joint, feature], but got shape {embeddings.shape}'
    )
  rows = embeddings.shape[0]
  if labels.ndim not in (1, 2) or labels.shape[0] != rows:
    raise ValueError(
      f'{rows} rows of embeddings need labels [{rows}], or multi-hot [{rows}, class],'
      f' but got shape {labels.shape}'
    )
  if mask is not None and mask.shape != (rows,):
    raise ValueError(
      f'{rows} rows of embeddings need a mask [{rows}], but got shape {mask.shape}'
    )
  if temperature <= 0:
    raise ValueError(f'the temperature must be above 0, but got {temperature}')
  if reduction not in ('mean', 'sum'):
    raise ValueError(f"there is no reduction {reduction!r}; use 'mean' or 'sum'")
  if positives not in ('shared_label', 'weighted'):
    raise ValueError(
      f"there are no positives {positives!r}; use 'shared_label' or 'weighted'"
    )
  if positives == 'weighted' and labels.ndim == 1:
    raise ValueError(
      "positives 'weighted' need multi-hot labels [row, class], but got one class per"
      " row; use 'shared_label'"
    )
