"""Stored maps in chunks of frames: a few frames are read without the whole clip.

A record holds, for each modality, the chunks of a clip one after another, where each
ends, and the shape of all maps. Each chunk is compressed by itself; array_record's own
compression then finds nothing more to gain, and costs next to nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from input_pipeline.poses.sources import STORED

# Chunks of 4 to 32 frames take the same space; a sampled frame costs its whole
# chunk, and below 8 the pipeline's other work takes most of the time (docs/scaling.md).
FRAMES_PER_CHUNK = 8
# The suffixes of a modality's features in a record.
CHUNKS, ENDS, SHAPE = '_chunks', '_ends', '_shape'
_CODEC = 'zstd'
_LEVEL = 1  # Higher levels take longer, and gain a few percent (ours).


class ChunkedMaps:
  """A clip's stored maps uint8 `[t, h, w, c]`, which decompresses what is indexed.

  Args:
    chunks: the compressed chunks, uint8, one after another.
    ends: where each chunk ends in `chunks`.
    shape: (t, h, w, c).
    frames_per_chunk: frames in each chunk, in the last one at most.
    fault: makes the error for a chunk that cannot be read, from a reason.

  Example:
    >>> import numpy as np
    >>> from input_pipeline.storage.frame_chunks import ChunkedMaps, packed
    >>> maps = np.arange(40, dtype=np.uint8).reshape(20, 1, 1, 2)
    >>> read = ChunkedMaps(*packed(maps, frames_per_chunk=8), frames_per_chunk=8)
    >>> read[np.array([3, 19])].ravel().tolist()
    [6, 7, 38, 39]
  """

  dtype = np.dtype(np.uint8)
  ndim = 4

  def __init__(
    self,
    chunks: UInt8[np.ndarray, 'n'],
    ends: Int[np.ndarray, 'p'],
    shape: Int[np.ndarray, '4'],
    frames_per_chunk: int,
    fault: Callable[[str], Exception] = ValueError,
  ):
    self.shape: tuple[int, ...] = tuple(int(side) for side in shape)
    self._chunks = np.ascontiguousarray(chunks).data
    self._starts = [0, *(int(end) for end in ends)]
    self._length = frames_per_chunk
    self._fault = fault
    wanted = -(-self.shape[0] // frames_per_chunk)
    if len(ends) != wanted or self._starts[-1] != len(self._chunks):
      raise fault(
        f'maps of {self.shape[0]} frames have {len(ends)} chunks that end at'
        f' {self._starts[-1]}, but need {wanted} that end at {len(self._chunks)}'
      )

  def __len__(self) -> int:
    return self.shape[0]

  def __getitem__(self, index: Any) -> UInt8[np.ndarray, '...']:
    """The same as indexing the whole array; reads only the chunks of the frames asked.

    Raises:
      IndexError: for a frame that does not exist.
      Exception: `fault`'s, if a chunk cannot be decompressed.
    """
    first, *rest = index if isinstance(index, tuple) else (index,)
    if (
      first is Ellipsis
      or first is None
      or any(isinstance(other, list | np.ndarray) for other in rest)
    ):
      return np.asarray(self)[index]
    frames = np.arange(len(self))[first]
    wanted = np.ravel(frames)
    found = np.empty((len(wanted), *self.shape[1:]), np.uint8)
    numbers = wanted // self._length
    for number in np.unique(numbers):
      here = numbers == number
      found[here] = self._read(int(number))[wanted[here] % self._length]
    found = found.reshape(np.shape(frames) + self.shape[1:])
    return found[(slice(None),) * np.ndim(frames) + tuple(rest)] if rest else found

  def __array__(self, dtype=None, copy=None) -> np.ndarray:
    if copy is False:
      raise ValueError('chunked maps cannot be read without a copy')
    whole = self[np.arange(len(self))]
    return whole if dtype is None else whole.astype(dtype)

  def _read(self, number: int) -> UInt8[np.ndarray, 't h w c']:
    start = number * self._length
    shape = (min(self._length, len(self) - start), *self.shape[1:])
    size = int(np.prod(shape))
    data = self._chunks[self._starts[number] : self._starts[number + 1]]
    try:
      content = _codec().decompress(data, decompressed_size=size)
      return np.frombuffer(content, np.uint8).reshape(shape)
    except (OSError, ValueError, MemoryError, OverflowError) as error:
      raise self._fault(
        f'chunk {number} of its maps cannot be read ({error})'
      ) from error


def packed(
  maps: UInt8[np.ndarray, 't h w c'], frames_per_chunk: int
) -> tuple[UInt8[np.ndarray, 'n'], Int[np.ndarray, 'p'], Int[np.ndarray, '4']]:
  """Compresses maps in chunks; returns the chunks, their ends, and the maps' shape."""
  codec = _codec()
  parts = [
    codec.compress(np.ascontiguousarray(maps[start : start + frames_per_chunk]))
    for start in range(0, len(maps), frames_per_chunk)
  ]
  ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
  chunks = np.frombuffer(b''.join(parts), np.uint8)
  return chunks, ends, np.array(maps.shape, np.int64)


def packed_example(example: Mapping[str, Any], frames_per_chunk: int) -> dict[str, Any]:
  """A clip's features in the form of a record: all maps of frames packed in chunks."""
  features: dict[str, Any] = {}
  for name, value in example.items():
    if name in STORED.values():
      parts = packed(value, frames_per_chunk)
      features |= dict(
        zip((name + CHUNKS, name + ENDS, name + SHAPE), parts, strict=True)
      )
    else:
      features[name] = value
  return features


def unpacked_record(
  record: Mapping[str, Any],
  frames_per_chunk: int,
  fault: Callable[[str], Exception] = ValueError,
) -> dict[str, Any]:
  """The record with its maps under their own names, read chunk by chunk on demand."""
  names = [name for name in STORED.values() if name + CHUNKS in record]
  parts = {name + suffix for name in names for suffix in (CHUNKS, ENDS, SHAPE)}
  features = {name: value for name, value in record.items() if name not in parts}
  for name in names:
    features[name] = ChunkedMaps(
      *(record[name + suffix] for suffix in (CHUNKS, ENDS, SHAPE)),
      frames_per_chunk=frames_per_chunk,
      fault=fault,
    )
  return features


@functools.cache
def _codec():
  """pyarrow's, which tensorflow-datasets needs too; loaded when maps are stored or read."""
  import pyarrow

  return pyarrow.Codec(_CODEC, compression_level=_LEVEL)
