"""The joint-contrastive loss (JMRN Eq. (1) and (2)): each joint's embeddings by class."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

_NEVER = -1e9  # In place of a similarity, which is at most 1 / temperature.


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

  For joint j, anchor i, its positives p and all other rows a, with z the embeddings:

    loss_ji = - Σ_p w_ip log( exp(z_ji · z_jp / τ) / Σ_{a≠i} exp(z_ji · z_ja / τ) )

  An anchor without positives has loss 0. Computed in float32. Under `jax.jit` with rows
  divided over devices, each holds the similarities of its own rows only, [j, b/8, b].

  Args:
    embeddings: of unit norm; the rows are all views of all clips.
    labels: one class a row, or multi-hot rows.
    temperature: τ.
    reduction: 'mean' over anchors and joints (official code; anchors without positives
      count), or 'sum', as Eq. (1) and (2) stand: b·j times as much.
    positives: 'shared_label' takes the rows of the same class, or of multi-hot labels
      those that share any (Sec. 4.1), with w = 1 / number of positives; 'weighted'
      (official code, multi-hot only) takes w from the share of labels in common.
    mask: rows with 0 are neither anchors nor others.

  Raises:
    ValueError: where shapes do not fit, or a setting has no meaning.
  """
  _check(embeddings, labels, mask, temperature, reduction, positives)
  embeddings = embeddings.astype(jnp.float32)
  rows, joints = embeddings.shape[:2]
  is_row = jnp.ones(rows, bool) if mask is None else mask != 0
  is_other = ~jnp.eye(rows, dtype=bool) & is_row[:, None] & is_row[None, :]
  weights = jnp.where(is_other, _positive_weights(labels, positives), 0)
  if positives == 'weighted':
    weights = weights / (weights.sum(axis=1, keepdims=True) + 1e-8)
  else:
    weights = weights / jnp.maximum(weights.sum(axis=1, keepdims=True), 1)

  # Of full precision also where float32 products are by default of less (GPU, TPU).
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


def _positive_weights(labels: jax.Array, positives: str) -> Float[Array, 'b b']:
  """How much each row is a positive of each other, before normalisation."""
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
      f'embeddings are [row, joint, feature], but got {embeddings.shape}'
    )
  rows = embeddings.shape[0]
  if labels.ndim not in (1, 2) or labels.shape[0] != rows:
    raise ValueError(
      f'{rows} rows of embeddings need labels [{rows}], or multi-hot [{rows}, class],'
      f' but got {labels.shape}'
    )
  if mask is not None and mask.shape != (rows,):
    raise ValueError(
      f'{rows} rows of embeddings need a mask [{rows}], but got {mask.shape}'
    )
  if temperature <= 0:
    raise ValueError(f'the temperature is {temperature}, but must be above 0')
  if reduction not in ('mean', 'sum'):
    raise ValueError(f"there is no reduction {reduction!r}; it is 'mean' or 'sum'")
  if positives not in ('shared_label', 'weighted'):
    raise ValueError(
      f"there are no positives {positives!r}; they are 'shared_label' or 'weighted'"
    )
  if positives == 'weighted' and labels.ndim == 1:
    raise ValueError(
      "positives 'weighted' compare multi-hot labels [row, class]; labels of one class a"
      " row take 'shared_label'"
    )
