"""Which moments of a clip a model reads: evenly spread, or drawn at random; pure JAX.

Temporal crop, change of tempo and time mask are ours.
"""

from __future__ import annotations

import dataclasses
import math

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, Key

from input_pipeline.augmentation.ranges import check_share, check_shares


@dataclasses.dataclass(frozen=True)
class TimeSettings:
  """Ranges for augmentation in time.

  Attributes:
    crop: (smallest, largest) share of the clip that is read; (1, 1) reads all of it.
    crop_probability: share of the clips that are cropped.
    tempo: largest γ, 1 or more: the part is read at u^γ for u from 0 to 1, where log γ
      is uniform within ±log(tempo), so that slowing down is as likely as speeding up;
      1 is off.
    mask_share: (smallest, largest) share of the part that is missing, in one stretch;
      (0, 0) is off.
    mask_probability: share of the clips with a missing stretch.
  """

  crop: tuple[float, float] = (1.0, 1.0)
  crop_probability: float = 1.0
  tempo: float = 1.0
  mask_share: tuple[float, float] = (0.0, 0.0)
  mask_probability: float = 1.0

  def __post_init__(self):
    check_shares('time.crop', self.crop, above_0=True)
    check_share('time.crop_probability', self.crop_probability)
    if not 1 <= self.tempo < math.inf:
      raise ValueError(
        f'config.augment.time.tempo is {self.tempo}; it is the largest exponent γ, 1 or'
        ' more (1 is off)'
      )
    check_shares('time.mask_share', self.mask_share, above_0=False, below_1=True)
    check_share('time.mask_probability', self.mask_probability)

  @property
  def masks(self) -> bool:
    """Whether frames can be missing."""
    return self.mask_probability > 0 and self.mask_share[1] > 0

  @property
  def moves(self) -> bool:
    """Whether anything in time can change."""
    crops = self.crop_probability > 0 and self.crop[0] < 1
    return crops or self.tempo > 1 or self.masks


@struct.dataclass
class TimeMask:
  """A stretch of the part that is read, in which all joints are missing."""

  start: Float[Array, '']  # 0..1, as a share of what the stretch can move by
  share: Float[Array, '']  # the stretch's length as a share of the part; 0 for none


@struct.dataclass
class TimeMotion:
  """One draw: the part of a clip that is read, and how time passes in it."""

  start: Float[Array, '']  # of the part, 0..1, as a share of what it can move by
  share: Float[Array, '']  # the part's length, above 0 up to 1, as a share of the clip
  tempo: Float[Array, '']  # γ: the part is read at u^γ for u from 0 to 1
  mask: TimeMask | None = None  # read by `hidden_frames` alone


def draw(key: Key[Array, ''], settings: TimeSettings) -> TimeMotion:
  """Draws one view's motion in time."""
  keys = jax.random.split(key, 7)
  crops = jax.random.bernoulli(keys[0], settings.crop_probability)
  shortest, longest = settings.crop
  share = jax.random.uniform(keys[1], minval=shortest, maxval=longest)
  reach = math.log(settings.tempo)
  log_tempo = jax.random.uniform(keys[3], minval=-reach, maxval=reach)
  mask = None
  if settings.masks:
    masked = jax.random.bernoulli(keys[4], settings.mask_probability)
    least, most = settings.mask_share
    mask_share = jax.random.uniform(keys[5], minval=least, maxval=most)
    mask = TimeMask(
      start=jax.random.uniform(keys[6]), share=jnp.where(masked, mask_share, 0)
    )
  return TimeMotion(
    start=jax.random.uniform(keys[2]),
    share=jnp.where(crops, share, 1),
    tempo=jnp.exp(log_tempo),
    mask=mask,
  )


def frame_places(
  num_frames: Int[Array, ''], count: int, motion: TimeMotion | None = None
) -> Float[Array, 't']:
  """The `count` moments to read, in frames from the clip's first, in order.

  Without a motion they are evenly spread from frame 0 to `num_frames` - 1.
  """
  return _places(jnp.linspace(0, 1, count), num_frames, motion)


def _places(
  along: Float[Array, 't'], num_frames: Int[Array, ''], motion: TimeMotion | None
) -> Float[Array, 't']:
  """Moments in frames for moments 0..1 of the part that is read."""
  last = num_frames.astype(jnp.float32) - 1
  if motion is None:
    return along * last
  first, length = _part(last, motion)
  return first + along**motion.tempo * length


def _part(
  last: Float[Array, ''], motion: TimeMotion
) -> tuple[Float[Array, ''], Float[Array, '']]:
  """Start and length of the part that is read, in frames."""
  length = motion.share * last
  return motion.start * (last - length), length


@struct.dataclass
class TakenFrames:
  """The frames that are taken from a clip on the device."""

  index: Int[Array, 't']  # in order
  number: Int[Array, '']  # frames before the padding, which repeats the last


def take_frames(
  num_frames: Int[Array, ''],
  count: int,
  motion: TimeMotion | None = None,
  *,
  keeps_length: bool,
) -> TakenFrames:
  """The frames nearest to the moments that are read, halves to the even frame.

  Args:
    count: T. Without `keeps_length`, T frames are taken; a shorter clip repeats some.
    keeps_length: a clip of fewer than T frames stays as short as it is, and padding
      follows. Without a motion, these are the frames that sampling 'whole' takes.
  """
  if not keeps_length:
    places = frame_places(num_frames, count, motion)
    return TakenFrames(jnp.round(places).astype(jnp.int32), jnp.int32(count))
  number = jnp.minimum(num_frames, count)
  steps = jnp.maximum(number - 1, 1).astype(jnp.float32)
  along = jnp.minimum(jnp.arange(count, dtype=jnp.float32) / steps, 1)
  along = jnp.where(number > 1, along, 0)
  places = _places(along, num_frames, motion)
  return TakenFrames(jnp.round(places).astype(jnp.int32), number)


def hidden_frames(
  frames: Int[Array, 't'], num_frames: Int[Array, ''], motion: TimeMotion
) -> Bool[Array, 't']:
  """Which of these frames the time mask hides; never all that belong to the part.

  Args:
    frames: numbers of frames in the clip, from 0.
  """
  if motion.mask is None:
    return jnp.zeros(frames.shape, bool)
  last = num_frames.astype(jnp.float32) - 1
  first, length = _part(last, motion)
  place = frames.astype(jnp.float32)
  along = (place - first) / jnp.where(length > 0, length, 1)
  begin = motion.mask.start * (1 - motion.mask.share)
  hidden = (along >= begin) & (along < begin + motion.mask.share)
  in_part = (place >= jnp.floor(first)) & (place <= jnp.ceil(first + length))
  return hidden & (in_part & ~hidden).any()
