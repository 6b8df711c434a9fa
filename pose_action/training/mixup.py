"""Mixup: each clip of a batch is mixed with another one, and so is its loss.

Zhang et al., "mixup: Beyond Empirical Risk Minimization" (ICLR 2018), with one share for
the whole batch (our choice).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import ml_collections
from flax import struct
from jaxtyping import Array, Float, Int, Key, Shaped


@struct.dataclass
class Mixing:
  """One batch's draw.

  Attributes:
    share: how much of a mixed row is the row itself, in 0..1.
    partner: the row that each row is mixed with, a permutation of the real rows; a
      padding row is its own partner.
  """

  share: Float[Array, '']
  partner: Int[Array, 'b']

  def input(self, model_input: Any) -> Any:
    """The mixed model input: share · row + (1 - share) · partner, in every leaf.

    Args:
      model_input: floats `[b·v, …]`; a clip's v views are neighbours, and each is mixed
        with the same view of the partner.
    """

    def mixed(leaf: Float[Array, 'bv *n']) -> Float[Array, 'bv *n']:
      share = self.share.astype(leaf.dtype)
      return share * leaf + (1 - share) * self.partners(leaf)

    return jax.tree.map(mixed, model_input)

  def partners(self, rows: Shaped[Array, 'bv *n']) -> jax.Array:
    """The partner's row, for each row."""
    clips = len(self.partner)
    return rows.reshape(clips, -1, *rows.shape[1:])[self.partner].reshape(rows.shape)

  def loss(
    self,
    loss_of: Callable[[jax.Array], Float[Array, 'bv']],
    labels: Shaped[Array, 'bv *k'],
    partner_labels: Shaped[Array, 'bv *k'],
  ) -> Float[Array, 'bv']:
    """The loss against mixed labels: the same mixture of the losses for both labels.

    Cross entropies are linear in their targets. So this is the loss for the soft target
    share · label + (1 - share) · the partner's label, and smoothing and class weights
    apply to each label by itself.

    Args:
      loss_of: labels → the loss of each row.
      partner_labels: `self.partners(labels)`.
    """
    own, other = loss_of(labels), loss_of(partner_labels)
    return self.share * own + (1 - self.share) * other

  def larger_labels(self, labels: Shaped[Array, 'bv *k']) -> jax.Array:
    """The label with the larger share in each mixed row."""
    return jnp.where(self.share >= 0.5, labels, self.partners(labels))


def draw(key: Key[Array, ''], alpha: float, mask: Float[Array, 'b']) -> Mixing:
  """Draws a share from Beta(alpha, alpha), and a partner for each row.

  Args:
    mask: 0 for padding rows, which are mixed with no other row.
  """
  share_key, order_key = jax.random.split(key)
  share = jax.random.beta(share_key, alpha, alpha, dtype=jnp.float32)
  # A tiny alpha can round both Gamma variates of a Beta to 0, and 0 / 0 is NaN.
  share = jnp.clip(jnp.nan_to_num(share, nan=1.0), 0, 1)
  # Real rows first: once in their own order, once shuffled.
  in_order = jnp.argsort(mask <= 0)
  places = jax.random.uniform(order_key, mask.shape)
  shuffled = jnp.argsort(jnp.where(mask > 0, places, 2))
  partner = jnp.zeros_like(in_order).at[in_order].set(shuffled)
  return Mixing(share=share, partner=partner)


def check_mixup(config: ml_collections.ConfigDict):
  """Raises ValueError for an invalid `augment.mixup`, or one with a contrastive loss."""
  alpha, contrastive = config.augment.mixup, config.train.contrastive.weight
  if not (alpha >= 0 and math.isfinite(alpha)):
    raise ValueError(
      f'config.augment.mixup is {alpha}; it is alpha of Beta(alpha, alpha), 0 (off) or'
      ' above, such as 0.4'
    )
  if alpha and contrastive:
    raise ValueError(
      f'config.augment.mixup is {alpha}, but config.train.contrastive.weight is'
      f' {contrastive}: the joint-contrastive loss compares clips by their labels, and a'
      ' mixed clip has two; set one of them to 0'
    )
