"""Gradient accumulation: a training batch in several parts, one after another, in one step.

Part i of k holds clips i, i + k, i + 2·k, … of the batch, with all their views. Rows that
are divided over devices stay where they are, and the parts are the same on any number of
devices. The update is the one for the whole batch:

    gradient = Σ_i (real rows of part i / real rows of the batch) · gradient of part i's mean loss

What compares rows with each other sees one part: BatchNorm's statistics and the
joint-contrastive loss. BatchNorm's running averages are updated by each part in turn.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jax.sharding import Mesh
from jaxtyping import Array, Float, Key

from pose_action.training.losses import Labels

_FIELD = 'config.train.micro_batches'


@struct.dataclass
class Rows:
  """What the loss reads: the rows of a batch, or of a part of it.

  Attributes:
    inputs: the model input `[b·v, …]`; a clip's v views are neighbours.
    labels, mask: one per row.
    partner_labels: with mixup, the labels of the rows that these are mixed with.
  """

  inputs: Any
  labels: Labels
  mask: Float[Array, 'bv']
  partner_labels: Any = None


@struct.dataclass
class Found:
  """What a forward pass leaves besides the gradient.

  Attributes:
    losses: classification loss per row.
    contrastive: of a part, its share of the batch's contrastive loss.
    collections: the model's changed variables.
  """

  losses: Float[Array, 'bv']
  contrastive: Float[Array, '']
  logits: Float[Array, 'bv k']
  collections: Any


# (parameters, collections, rows, key, share) → ((loss, found), gradient). The share is
# that of the batch's real rows that are in this part; None for the whole batch.
GradientOf = Callable[..., tuple[tuple[jax.Array, Found], Any]]


def gradient_of_batch(
  gradient_of: GradientOf,
  params: Any,
  collections: Any,
  rows: Rows,
  key: Key[Array, ''],
  *,
  parts: int,
  views: int,
  in_loop: bool = True,
) -> tuple[Found, Any]:
  """The gradient of a batch's loss, from all rows at once or part by part.

  Each part has a key of its own.

  Args:
    in_loop: see `are_in_loop`; the values are the same.
  """
  if parts == 1:
    (_, found), gradient = gradient_of(params, collections, rows, key, None)
    return found, gradient
  divided = jax.tree.map(lambda leaf: _divided(leaf, parts, views), rows)
  real = divided.mask.sum(axis=1)
  shares = real / jnp.maximum(real.sum(), 1)

  def add_part(carry, part):
    collections, gradient = carry
    (_, found), of_part = gradient_of(params, collections, *part)
    carry = found.collections, optax.tree.add(gradient, of_part)
    return carry, dataclasses.replace(found, collections=None)

  (collections, gradient), of_parts = jax.lax.scan(
    add_part,
    (collections, optax.tree.zeros_like(params)),
    (divided, jax.random.split(key, parts), shares),
    unroll=1 if in_loop else parts,
  )
  found = Found(
    losses=_joined(of_parts.losses, views),
    contrastive=of_parts.contrastive.sum(),
    logits=_joined(of_parts.logits, views),
    collections=collections,
  )
  return found, gradient


def are_in_loop(mesh: Mesh) -> bool:
  """Whether the parts are a loop in the compiled program.

  XLA:CPU computes the gradients of convolutions in loops 20 times as slowly. There the
  parts stand one after another in the program, which then needs as much memory as without
  parts.
  """
  return mesh.devices.flat[0].platform != 'cpu'


def check_micro_batches(parts: int, batch_size: int, devices: int):
  """Raises ValueError unless every device's clips divide evenly into the parts."""
  if parts < 1:
    raise ValueError(
      f'{_FIELD} is {parts}; give a number of parts, 1 for the whole batch'
    )
  if batch_size % (devices * parts):
    raise ValueError(
      f'{_FIELD} is {parts}, but each of {devices} devices has'
      f' {batch_size // devices} clips of config.train.batch_size {batch_size}, which do'
      ' not divide evenly into that many parts; give a divisor of'
      f' {batch_size // devices}'
    )


def _divided(leaf: jax.Array, parts: int, views: int) -> jax.Array:
  """Rows `[b·v, …]` as `[parts, b·v / parts, …]`."""
  clips = leaf.reshape(-1, parts, views, *leaf.shape[1:])
  return clips.swapaxes(0, 1).reshape(parts, -1, *leaf.shape[1:])


def _joined(leaf: jax.Array, views: int) -> jax.Array:
  """The inverse of `_divided`."""
  clips = leaf.reshape(len(leaf), -1, views, *leaf.shape[2:])
  return clips.swapaxes(0, 1).reshape(-1, *leaf.shape[2:])
