"""PoTion: the joint maps of a whole video, added up in colours that tell the time.

Each of C channels weighs the frames by a triangle over time, so that the first channel
shows where a joint began and the last where it ended (PoTion, Choutas et al., CVPR
2018, Sec. 3; JMRN Sec. 3). Pure JAX: `cells` or `maps` → time-weighted mean → `finish`.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from input_pipeline.maps.rendering import append_background, render_joint_maps

WEIGHTS = ('exact', 'integer_break')
NORMALIZATIONS = ('area', 'max', 'none')
VARIANTS = ('U', 'I', 'N', 'UIN')
_EPSILON = 1.0  # of N = U / (ε + I), in PoTion Sec. 3.3


@dataclasses.dataclass(frozen=True)
class PotionSettings:
  """How a video becomes coloured maps.

  Attributes:
    channels: C, the colours of time; JMRN Sec. 3 has 3.
    weights: 'exact' is PoTion's o(t); 'integer_break' rounds the triangles' corners
      down to frames, as the official code of JMRN does.
    normalization: 'area' divides a channel by the sum of its weights (official code of
      JMRN), so that values are mean confidences in 0..1; 'max' divides each joint and
      channel by its largest value (PoTion); 'none' leaves the sum over frames.
    variant: PoTion's 'U' (coloured), 'I' (its sum over colours), 'N' (U without the
      time spent in a place), or all three, 'UIN'. JMRN reads 'U'.
  """

  channels: int = 3
  weights: str = 'exact'
  normalization: str = 'area'
  variant: str = 'U'

  def __post_init__(self):
    if self.channels < 2:
      raise ValueError(
        f'config.data.potion.channels is {self.channels}; it is at least 2: one colour'
        ' cannot tell the time'
      )
    for field, allowed in (
      ('weights', WEIGHTS),
      ('normalization', NORMALIZATIONS),
      ('variant', VARIANTS),
    ):
      value = getattr(self, field)
      if value not in allowed:
        raise ValueError(
          f'config.data.potion.{field} is {value!r}; it is one of {allowed}'
        )

  @property
  def num_maps_channels(self) -> int:
    """Channels of a joint's map after `finish`."""
    return {
      'U': self.channels,
      'I': 1,
      'N': self.channels,
      'UIN': 2 * self.channels + 1,
    }[self.variant]


def colour_weights(
  num_frames: Int[Array, ''] | int, max_frames: int, settings: PotionSettings
) -> Float[Array, 't c']:
  """The weight of each frame in each channel; `t` is `max_frames`.

  'exact': frame t stands at t / (T - 1) · (C - 1), and weighs 1 - |distance| in the
  channels less than 1 away (PoTion Sec. 3.2). A single frame is the first channel's.
  'integer_break': see `_integer_break`; with T < C a channel may stay empty.

  Args:
    num_frames: T, at most `max_frames`; may be traced.
    max_frames: rows from T on are padding, and 0.
  """
  frame = jnp.arange(max_frames)[:, None]
  num_frames = jnp.asarray(num_frames)
  if settings.weights == 'integer_break':
    weights = _integer_break(frame, num_frames, settings.channels)
  else:
    scaled = (frame * (settings.channels - 1)).astype(jnp.float32)
    position = scaled / jnp.maximum(num_frames - 1, 1).astype(jnp.float32)
    channel = jnp.arange(settings.channels, dtype=jnp.float32)[None, :]
    weights = jnp.maximum(0, 1 - jnp.abs(position - channel))
  return jnp.where(frame < num_frames, weights, 0)


def _integer_break(
  frame: Int[Array, 't 1'], num_frames: Int[Array, ''], channels: int
) -> Float[Array, 't c']:
  """The official code's triangles, over C - 1 windows of whole frames.

  Window i starts at frame floor(i·T / (C - 1)) and takes in the first of window i + 1
  (the last window has no next one, and ends a step short of weight 1). In window i
  channel i falls from 1 to 0 and channel i + 1 rises from 0 to 1, both linearly. Where
  two windows write the same channel, the later one stands.
  """
  breaks = (jnp.arange(channels) * num_frames) // (channels - 1)
  has_next = (jnp.arange(channels - 1) < channels - 2).astype(breaks.dtype)
  length = jnp.diff(breaks) + has_next
  since_start = frame - breaks[None, :-1]
  inside = (since_start >= 0) & (since_start < length[None])
  last = jnp.maximum(length - 1, 1).astype(jnp.float32)
  rising = since_start.astype(jnp.float32) / last[None]
  falls = jnp.pad(inside, ((0, 0), (0, 1)))
  falling = jnp.pad(1 - rising, ((0, 0), (0, 1)))
  rising = jnp.pad(jnp.where(inside, rising, 0), ((0, 0), (1, 0)))
  return jnp.where(falls, falling, rising)


def aggregate_maps(
  maps: Float[Array, 't h w j'], weights: Float[Array, 't c']
) -> Float[Array, 'j h w c']:
  """The mean of the frames' maps in each channel, Σ_t o·h / Σ_t o.

  A channel of no weight is 0. The background is a map like the others.
  """
  # Highest, as a GPU would else round the maps to 10 bits before it multiplies.
  total = jnp.einsum('thwj,tc->jhwc', maps, weights, precision='highest')
  return _mean(total, weights)


def aggregate_keypoints(
  cells: Float[Array, 't m j 2'],
  scores: Float[Array, 't m j'],
  weights: Float[Array, 't c'],
  *,
  map_size: tuple[int, int],
  sigma: float,
  background: bool,
  frame_mask: Bool[Array, 'h w'] | None = None,
) -> Float[Array, 'j h w c']:
  """`aggregate_maps` of the frames' rendered maps, one frame in memory at a time.

  Args:
    cells: positions (x, y) in map cells, scores 0..1, as `render_joint_maps` takes.
    weights: from `colour_weights`; a frame of weight 0 adds nothing.
    background: append the map 1 - max over joints, so that `j` is one more.
    frame_mask: cells of the video's frame; outside them joints are 0, and the
      background is 1.
  """

  def add_frame(total, frame):
    frame_cells, frame_scores, frame_weights = frame
    maps = render_joint_maps(frame_cells, frame_scores, map_size=map_size, sigma=sigma)
    if frame_mask is not None:
      maps = jnp.where(frame_mask[..., None], maps, 0)
    if background:
      maps = append_background(maps)
    return total + frame_weights[:, None, None, None] * maps[None], None

  num_maps = scores.shape[-1] + int(background)
  empty = jnp.zeros((weights.shape[1], *map_size, num_maps))
  total, _ = jax.lax.scan(add_frame, empty, (cells, scores, weights))
  return _mean(jnp.transpose(total, (3, 1, 2, 0)), weights)


def finish(
  mean_maps: Float[Array, 'j h w c'],
  weights: Float[Array, 't c'],
  settings: PotionSettings,
) -> Float[Array, 'j h w d']:
  """Normalizes time-weighted means and takes the variant; see `PotionSettings`.

  I = Σ_c U and N = U / (1 + I) are of the normalized maps (PoTion Sec. 3.3); 'UIN'
  lays U, I and N side by side. `d` is `settings.num_maps_channels`.
  """
  coloured = mean_maps
  if settings.normalization == 'max':
    coloured = mean_maps / _or_one(mean_maps.max(axis=(1, 2), keepdims=True))
  elif settings.normalization == 'none':
    coloured = mean_maps * _weight_sums(weights)
  if settings.variant == 'U':
    return coloured
  intensity = coloured.sum(axis=-1, keepdims=True)
  normalized = coloured / (_EPSILON + intensity)
  return {
    'I': intensity,
    'N': normalized,
    'UIN': jnp.concatenate([coloured, intensity, normalized], axis=-1),
  }[settings.variant]


def _mean(
  total: Float[Array, 'j h w c'], weights: Float[Array, 't c']
) -> Float[Array, 'j h w c']:
  return total / _or_one(_weight_sums(weights))


def _weight_sums(weights: Float[Array, 't c']) -> Float[Array, '1 1 1 c']:
  return weights.sum(axis=0)[None, None, None, :]


def _or_one(divisor: Float[Array, '*b']) -> Float[Array, '*b']:
  """Where a divisor is 0, what it divides is 0 as well, and stays so."""
  return jnp.where(divisor > 0, divisor, 1)
