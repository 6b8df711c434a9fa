"""PoTion: a whole video's joint maps, aggregated in colours that encode time.

Each of C channels weights the frames by a triangle over time, so that the first channel
shows where a joint started and the last where it ended (PoTion, Choutas et al., CVPR
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
_EPSILON = 1.0  # ε in N = U / (ε + I), PoTion Sec. 3.3


@dataclasses.dataclass(frozen=True)
class PotionSettings:
  """How a video is aggregated into coloured maps.

  Attributes:
    channels: C, the number of colours; 3 in JMRN Sec. 3.
    weights: 'exact' is PoTion's o(t); 'integer_break' rounds the triangles' corners
      down to whole frames, same as JMRN's official code.
    normalization: 'area' divides a channel by the sum of its weights (JMRN's official
      code), so that values are mean confidences in 0..1; 'max' divides each joint and
      channel by its maximum (PoTion); 'none' keeps the sum over frames.
    variant: PoTion's 'U' (coloured maps), 'I' (sum of U over colours), 'N' (U normalized
      by the time spent at each position), or all three, 'UIN'. JMRN reads 'U'.
  """

  channels: int = 3
  weights: str = 'exact'
  normalization: str = 'area'
  variant: str = 'U'

  def __post_init__(self):
    if self.channels < 2:
      raise ValueError(
        f'config.data.potion.channels is {self.channels}; it is at least 2: one colour'
        ' cannot encode time'
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
    """Number of channels per joint after `finish`."""
    return {
      'U': self.channels,
      'I': 1,
      'N': self.channels,
      'UIN': 2 * self.channels + 1,
    }[self.variant]


def colour_weights(
  num_frames: Int[Array, ''] | int, max_frames: int, settings: PotionSettings
) -> Float[Array, 't c']:
  """Returns the weight of each frame in each channel; `t` is `max_frames`.

  'exact': frame t has position t / (T - 1) · (C - 1), and weight 1 - |distance| in the
  channels less than 1 away (PoTion Sec. 3.2). A single frame belongs to the first channel.
  'integer_break': see `_integer_break`; if T < C, a channel may stay empty.

  Args:
    num_frames: T, at most `max_frames`; may be traced.
    max_frames: number of rows; rows from T on are padding, with weight 0.
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
  """Weights from the official code: triangles over C - 1 windows of whole frames.

  Window i starts at frame floor(i·T / (C - 1)) and includes the first frame in window
  i + 1. (The last window has no successor, so it has one frame less.) In window i,
  channel i falls linearly from 1 to 0, and channel i + 1 rises linearly from 0 to 1. If
  two windows write the same channel, the later window wins.
  """
  start, length = _windows(num_frames, channels)
  since_start = frame - start[None]
  inside = (since_start >= 0) & (since_start < length[None])
  last = jnp.maximum(length - 1, 1).astype(jnp.float32)
  rising = since_start.astype(jnp.float32) / last[None]
  falls = jnp.pad(inside, ((0, 0), (0, 1)))
  falling = jnp.pad(1 - rising, ((0, 0), (0, 1)))
  rising = jnp.pad(jnp.where(inside, rising, 0), ((0, 0), (1, 0)))
  return jnp.where(falls, falling, rising)


def _windows(
  num_frames: Int[Array, ''], channels: int
) -> tuple[Int[Array, 'w'], Int[Array, 'w']]:
  """First frame and number of frames of each window in `_integer_break`."""
  breaks = (jnp.arange(channels) * num_frames) // (channels - 1)
  has_next = (jnp.arange(channels - 1) < channels - 2).astype(breaks.dtype)
  return breaks[:-1], jnp.diff(breaks) + has_next


def weight_sums(
  num_frames: Int[Array, ''] | int, settings: PotionSettings
) -> Float[Array, 'c']:
  """The sum of `colour_weights` over a video's frames, for any number of frames."""
  num_frames = jnp.asarray(num_frames, jnp.int32)
  channel = jnp.arange(settings.channels)
  if settings.weights == 'integer_break':
    # A fall or rise over n frames sums to n / 2; the frame that a rise shares with the
    # next fall counts once.
    length = _windows(num_frames, settings.channels)[1]
    falls = jnp.where(length == 1, 1, length / 2)
    rises = jnp.where(length == 1, 0, length / 2)
    shared = jnp.where(length == 1, 0, 1)[:-1]
    sums = jnp.pad(falls, (0, 1)) + jnp.pad(rises, (1, 0))
    sums -= jnp.pad(shared, 1)
    return jnp.where(num_frames > 0, sums, 0).astype(jnp.float32)
  # Frame t has position t / step. Whole numbers say which frames rise and which fall.
  last, colours = num_frames - 1, settings.channels - 1
  span = jnp.maximum(last, 1)
  middle = jnp.minimum(channel * span // colours, last)
  first = jnp.maximum((channel - 1) * span // colours + 1, 0)
  end = jnp.minimum(-(-(channel + 1) * span // colours) - 1, last)
  step = span.astype(jnp.float32) / colours

  def total(start, stop, slope):
    number = jnp.maximum(stop - start + 1, 0).astype(jnp.float32)
    mean_position = (start + stop).astype(jnp.float32) / (2 * step)
    return number * (1 + slope * (mean_position - channel.astype(jnp.float32)))

  return total(first, middle, slope=1) + total(middle + 1, end, slope=-1)


def aggregate_maps(
  maps: Float[Array, 't h w j'], weights: Float[Array, 't c']
) -> Float[Array, 'j h w c']:
  """Weighted mean of the frames' maps per channel, Σ_t o·h / Σ_t o.

  A channel without weight is 0. The background is treated like any other map.
  """
  # Without 'highest', a GPU would round the maps to 10 bits before multiplying.
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
  """Renders and aggregates (`aggregate_maps`) with one frame in memory at a time.

  Args:
    cells, scores: positions (x, y) in map cells and scores in 0..1, same as in
      `render_joint_maps`.
    weights: from `colour_weights`; a frame with weight 0 adds nothing.
    background: append the map 1 - max over joints, which adds 1 to `j`.
    frame_mask: cells inside the video's frame; outside, joints are 0 and the background
      is 1.
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
  sums: Float[Array, 'c'],
  settings: PotionSettings,
) -> Float[Array, 'j h w d']:
  """Normalizes time-weighted means and selects the variant; see `PotionSettings`.

  I = Σ_c U and N = U / (1 + I) are computed from normalized maps (PoTion Sec. 3.3); 'UIN'
  concatenates U, I and N. `d` is `settings.num_maps_channels`.

  Args:
    sums: from `weight_sums`; only normalization 'none' reads it.
  """
  coloured = mean_maps
  if settings.normalization == 'max':
    coloured = mean_maps / _or_one(mean_maps.max(axis=(1, 2), keepdims=True))
  elif settings.normalization == 'none':
    coloured = mean_maps * sums[None, None, None]
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
  return total / _or_one(weights.sum(axis=0)[None, None, None])


def _or_one(divisor: Float[Array, '*b']) -> Float[Array, '*b']:
  """Replaces 0 by 1 in a divisor whose dividend is 0 as well, so that 0 / 0 gives 0."""
  return jnp.where(divisor > 0, divisor, 1)
