"""Frames to MP4 and GIF files, through PyAV, one frame in memory at a time."""

from __future__ import annotations

import contextlib
import fractions
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from jaxtyping import UInt8

from pose_action.host import atomic_files
from pose_action.host.video_libraries import pillow, pyav
from pose_action.plots.drawing import SIDE_COLOURS, rgb_of
from pose_action.plots.timelines import COLOURS
from pose_action.video.annotated import TimedFrame

PathLike = str | os.PathLike[str]

# All ours.
_MP4_TICKS = 90_000  # Per second: the rates of films and television are whole in it.
# Without B-frames, a frame's time of decoding is its own, and so the file's length exact.
_MP4_QUALITY = {'crf': '20', 'preset': 'veryfast', 'bf': '0'}
_GIF_TICKS = 100  # Per second, by GIF's definition.
_GIF_RATE = 10.0  # Most frames per second.
_GIF_FRAMES = 300  # Most frames; of longer videos, fewer per second.
_SAMPLED = 16  # Frames from which the colours of a GIF are taken.
_COLOURS = 256


def write_mp4(path: PathLike, frames: Iterable[TimedFrame]):
  """Writes an MP4 file of H.264, which browsers play; atomically.

  Each frame has its own time, so that a variable frame rate stays as it is.

  Raises:
    MissingExtraError: without PyAV.
    ValueError: without a frame.
    OSError: if the file cannot be written.
  """
  remaining = iter(frames)
  first = _first_of(remaining, path)
  height, width = first.picture.shape[:2]
  with _container(path, 'mp4', {'movflags': '+faststart'}) as container:
    stream = container.add_stream('libx264', rate=round(1 / first.lasts) or 1)
    stream.width, stream.height, stream.pix_fmt = width, height, 'yuv420p'
    stream.options = _MP4_QUALITY
    images = (
      (frame, pyav().VideoFrame.from_ndarray(frame.picture, format='rgb24'))
      for frame in itertools.chain([first], remaining)
    )
    _encode(container, stream, images, _MP4_TICKS)


def write_gif(path: PathLike, frames: Callable[[], Iterable[TimedFrame]]):
  """Writes a GIF of at most 10 frames per second and 300 frames, which runs for ever.

  Args:
    frames: gives the frames, and is called twice: for the colours, and for the file.

  Raises:
    MissingExtraError: without PyAV or Pillow.
    ValueError: without a frame.
    OSError: if the file cannot be written.
  """
  sampled, seconds = _sample(frames())
  if not sampled:
    raise ValueError(f'there is no frame to write to {os.fspath(path)}')
  palette = _palette(sampled)
  interval = max(1 / _GIF_RATE, seconds / _GIF_FRAMES)
  height, width = sampled[0].shape[:2]
  with _container(path, 'gif', {'loop': '0'}) as container:
    stream = container.add_stream('gif', rate=round(_GIF_RATE))
    stream.width, stream.height, stream.pix_fmt = width, height, 'pal8'
    images = (
      (frame, _with_palette(frame.picture, palette))
      for frame in thinned(frames(), interval)
    )
    _encode(container, stream, images, _GIF_TICKS)


def thinned(frames: Iterable[TimedFrame], interval: float) -> Iterator[TimedFrame]:
  """Frames that are at least this far apart in seconds; the end stays where it was."""
  kept, end = None, 0.0
  for frame in frames:
    end = frame.seconds + frame.lasts
    # A frame that is due within a thousandth of the interval is due.
    if kept is None or frame.seconds - kept.seconds > 0.999 * interval:
      if kept is not None:
        yield kept
      kept = frame
  if kept is not None:
    yield kept._replace(lasts=end - kept.seconds)


def _first_of(frames: Iterator[TimedFrame], path: PathLike) -> TimedFrame:
  first = next(frames, None)
  if first is None:
    raise ValueError(f'there is no frame to write to {os.fspath(path)}')
  return first


@contextlib.contextmanager
def _container(path: PathLike, form: str, options: dict[str, str]) -> Iterator[Any]:
  """A file that PyAV writes, which takes the place of `path` when the block ends."""
  av = pyav()
  with (
    atomic_files.replacing(path) as unfinished,
    av.open(str(unfinished), 'w', format=form, options=options) as container,
  ):
    yield container


def _encode(
  container: Any,
  stream: Any,
  images: Iterable[tuple[TimedFrame, Any]],
  ticks: int,
):
  """Encodes images with their times, in whole ticks; no two have the same."""
  base = fractions.Fraction(1, ticks)
  stream.codec_context.time_base = base
  last, lasts = -1, {}
  for frame, image in images:
    last = image.pts = max(last + 1, round(frame.seconds * ticks))
    image.time_base = base
    lasts[last] = max(1, round((frame.seconds + frame.lasts) * ticks) - last)
    _mux(container, stream.encode(image), lasts)
  _mux(container, stream.encode(None), lasts)


def _mux(container: Any, packets: Iterable[Any], lasts: dict[int, int]):
  """Writes packets, each with the time for which its frame lasts, by its own time."""
  for packet in packets:
    packet.duration = lasts.pop(packet.pts)
    container.mux(packet)


def _sample(
  frames: Iterable[TimedFrame],
) -> tuple[list[UInt8[np.ndarray, 'h w 3']], float]:
  """Pictures at equal distances, at most 32 in memory, and the duration in seconds."""
  sampled, every, end = [], 1, 0.0
  for index, frame in enumerate(frames):
    end = frame.seconds + frame.lasts
    if index % every == 0:
      sampled.append(frame.picture)
    if len(sampled) > 2 * _SAMPLED:
      sampled, every = sampled[::2], 2 * every
  return sampled[:: -(-len(sampled) // _SAMPLED) or 1], end


def _palette(pictures: list[UInt8[np.ndarray, 'h w 3']]) -> UInt8[np.ndarray, 'n 3']:
  """Colours for a GIF: those that are drawn, exactly, and the commonest of the rest."""
  drawn = {rgb_of(colour) for colour in (*SIDE_COLOURS.values(), *COLOURS)}
  drawn |= {(255, 255, 255), (0, 0, 0)}
  images = pillow().Image
  together = images.fromarray(np.concatenate(pictures))
  found = together.quantize(_COLOURS - len(drawn), method=images.Quantize.MEDIANCUT)
  common = np.asarray(found.getpalette(), np.uint8).reshape(-1, 3)
  return np.concatenate([np.array(sorted(drawn), np.uint8), common])[:_COLOURS]


def _with_palette(
  picture: UInt8[np.ndarray, 'h w 3'], palette: UInt8[np.ndarray, 'n 3']
) -> Any:
  images = pillow().Image
  colours = images.new('P', (1, 1))
  colours.putpalette(palette.ravel().tolist())
  indices = images.fromarray(picture).quantize(
    palette=colours, dither=images.Dither.NONE
  )
  table = np.zeros((_COLOURS, 4), np.uint8)
  table[: len(palette)] = np.insert(palette, 0, 255, axis=1)  # Opacity first.
  return pyav().VideoFrame.from_ndarray((np.asarray(indices), table), format='pal8')
