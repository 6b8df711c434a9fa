"""Moves stored maps by a clip's augmentation, in pure JAX.

Maps are resampled, where keypoints move before rendering, so that Gaussians keep their
width and shape there. A flip and shifts by whole cells give the same maps either way.
"""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from einops import rearrange
from jaxtyping import Array, Float

from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import Augmentation
from input_pipeline.augmentation.plane import inverse, transformed
from input_pipeline.augmentation.pose_aware import (
  JointMotion,
  pivot_positions,
  turned_offset,
)
from input_pipeline.skeletons.registry import Skeleton


def flip_maps(
  maps: Float[Array, 't h w c'],
  augmentation: Augmentation,
  flip_permutation: Sequence[int],
) -> Float[Array, 't h w c']:
  """Mirrors maps; the permutation is `Skeleton.map_flip_permutation`."""
  mirrored = maps[:, :, ::-1][..., jnp.array(flip_permutation)]
  return jnp.where(augmentation.flip, mirrored, maps)


def move_maps(
  maps: Float[Array, 't h w c'], augmentation: Augmentation
) -> Float[Array, 't h w c']:
  """Moves mirrored maps as a whole by one linear interpolation.

  Revealed cells are empty (0).
  """
  height, width = maps.shape[1:3]
  if augmentation.linear is not None:
    source = augment.source_cells(augmentation.linear, augmentation, (height, width))
    return _resampled(maps, source)
  size = jnp.array([height, width], jnp.float32)
  # scale_and_translate measures from the map's corner; we measure from the first cell's
  # centre.
  translation = (1 - augmentation.scale) * size / 2 + augmentation.shift[::-1]
  return jax.image.scale_and_translate(
    maps,
    maps.shape,
    spatial_dims=(1, 2),
    scale=jnp.broadcast_to(augmentation.scale, (2,)),
    translation=translation,
    method='linear',
    antialias=False,
  )


def _resampled(
  maps: Float[Array, 't h w c'], source: Float[Array, 'h w 2']
) -> Float[Array, 't h w c']:
  """Reads all maps at positions (x, y); they are 0 outside."""
  height, width = maps.shape[1:3]
  before = jnp.floor(source)
  share = source - before
  column, row = jnp.moveaxis(before.astype(jnp.int32), -1, 0)
  right, down = jnp.moveaxis(share, -1, 0)
  total = jnp.zeros_like(maps)
  for i, row_weight in enumerate((1 - down, down)):
    for k, column_weight in enumerate((1 - right, right)):
      inside = (row + i >= 0) & (row + i < height)
      inside &= (column + k >= 0) & (column + k < width)
      weight = jnp.where(inside, row_weight * column_weight, 0)
      values = maps[:, (row + i).clip(0, height - 1), (column + k).clip(0, width - 1)]
      total += weight[None, :, :, None] * values
  return total


def turned_vectors(
  fields: Float[Array, 't h w c'], augmentation: Augmentation
) -> Float[Array, 't h w c']:
  """Turns mirrored vector fields, (x, y) for each limb in turn, with the whole clip.

  Vectors change their direction as limbs do, and keep their lengths, same as in fields
  rendered from moved keypoints (`part_fields`).
  """
  if augmentation.linear is None:
    return fields
  vectors = rearrange(fields, 't h w (l x) -> t h w l x', x=2)
  bent = transformed(vectors, augmentation.linear)
  before, after = (jnp.square(v).sum(axis=-1, keepdims=True) for v in (vectors, bent))
  bent *= jnp.sqrt(before / jnp.where(after > 0, after, 1))
  return rearrange(bent, 't h w l x -> t h w (l x)')


def move_joint_maps(
  maps: Float[Array, 'j h w c'],
  motion: JointMotion,
  skeleton: Skeleton,
  *,
  rotates: bool,
) -> Float[Array, 'j h w c']:
  """Turns (or scales, shears and turns), then shifts each joint's maps.

  Maps are read once, by linear interpolation.

  Exact for shifts by whole cells. A group turns about the centre of mass of its pivot
  joint's map, summed over channels, or of its own joints' maps if that map is empty.
  (Several people share this point in maps; with keypoints each person has their own.)
  Revealed cells are 0 for joints and 1 for the background, which only moves by the global
  shift.

  Args:
    maps: channels are single frames, or time-weighted means before `potion.finish`. The
      background may be included, as the last map.
    rotates: `settings.turns`; False skips all motion about pivots, whatever is drawn.

  Raises:
    ValueError: if the number of maps is not the skeleton's, with or without background.
  """
  if maps.shape[0] not in (skeleton.num_joints, skeleton.num_maps):
    raise ValueError(
      f'got maps of {maps.shape[0]} joints; skeleton {skeleton.name!r} has'
      f' {skeleton.num_joints}, with its background {skeleton.num_maps}: give maps'
      ' [j, h, w, c] of this skeleton'
    )
  joints, background = maps[: skeleton.num_joints], maps[skeleton.num_joints :]
  if rotates:
    moved = _turn_and_shift(joints, motion, skeleton)
  else:
    moved = _shift(joints, motion.shift)
  # Revealed cells are 0 in `background - 1`, and so 1 in the result.
  background = _shift(background - 1, motion.global_shift[None]) + 1
  return jnp.concatenate([moved, background])


def shift_joints_by_frame(
  maps: Float[Array, 't h w j'], shift: Float[Array, 't j 2']
) -> Float[Array, 't h w j']:
  """Shifts (x, y) each joint's map in each frame by linear interpolation."""
  planes = rearrange(maps, 't h w j -> (t j) h w 1')
  moved = _shift(planes, rearrange(shift, 't j x -> (t j) x'))
  return rearrange(moved, '(t j) h w 1 -> t h w j', j=maps.shape[-1])


def _shift(
  maps: Float[Array, 'j h w c'], shift: Float[Array, 'j 2']
) -> Float[Array, 'j h w c']:
  """Shifts rows, then columns: half the reads of bilinear interpolation."""
  maps = _shift_rows(maps, shift[:, 1])
  return _shift_rows(maps.swapaxes(1, 2), shift[:, 0]).swapaxes(1, 2)


def _shift_rows(
  maps: Float[Array, 'j n i c'], shift: Float[Array, 'j']
) -> Float[Array, 'j n i c']:
  number = maps.shape[1]
  source = jnp.arange(number, dtype=jnp.float32)[None] - shift[:, None]
  before = jnp.floor(source)
  share = (source - before)[:, :, None, None]

  def rows(index):
    inside = ((index >= 0) & (index < number))[:, :, None, None]
    index = jnp.clip(index, 0, number - 1)[:, :, None, None]
    return jnp.where(inside, jnp.take_along_axis(maps, index, axis=1), 0)

  before = before.astype(jnp.int32)
  return (1 - share) * rows(before) + share * rows(before + 1)


def _turn_and_shift(
  maps: Float[Array, 'j h w c'], motion: JointMotion, skeleton: Skeleton
) -> Float[Array, 'j h w c']:
  """Fills every cell with the value at its source position."""
  height, width = maps.shape[1:3]
  rows, columns = jnp.indices((height, width), jnp.float32)
  grid = jnp.stack([columns, rows], axis=-1)[None]
  over_channels = maps.sum(axis=-1)
  pivots = pivot_positions(
    over_channels.sum(axis=(1, 2)),
    (over_channels[..., None] * grid).sum(axis=(1, 2)),
    skeleton,
  )
  unshifted = grid - motion.shift[:, None, None]
  if motion.linear is None:
    angles = jnp.broadcast_to(-motion.angle[:, None, None], unshifted.shape[:-1])
    source = unshifted + turned_offset(unshifted - pivots[:, None, None], angles)
  else:
    change = inverse(motion.linear) - jnp.eye(2)[None]
    offset = unshifted - pivots[:, None, None]
    source = unshifted + transformed(offset, change[:, None, None])

  def read(plane, source):  # [h, w], [h, w, 2]
    return jax.scipy.ndimage.map_coordinates(
      plane, [source[..., 1], source[..., 0]], order=1
    )

  over_channels_read = jax.vmap(read, in_axes=(-1, None), out_axes=-1)
  return jax.vmap(over_channels_read)(maps, source)
