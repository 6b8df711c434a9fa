"""Stored maps in chunks of frames: equal to the whole arrays, read only where asked."""

import numpy as np
import pytest

from input_pipeline.storage import frame_chunks
from input_pipeline.storage.frame_chunks import (
  ChunkedMaps,
  packed,
  packed_example,
  unpacked_record,
)


def maps_of(frames, seed=0):
  """Noisy maps, `[frames, 5, 4, 3]`."""
  return np.random.default_rng(seed).integers(0, 256, (frames, 5, 4, 3), np.uint8)


def chunked(maps, length=8, **options):
  return ChunkedMaps(*packed(maps, length), frames_per_chunk=length, **options)


@pytest.mark.parametrize('frames', [1, 7, 8, 9, 16, 61])
@pytest.mark.parametrize('length', [1, 8, 16])
def test_all_frames_are_the_array_s(frames, length):
  maps = maps_of(frames)
  read = chunked(maps, length)
  assert (len(read), read.shape, read.dtype, read.ndim) == (
    frames,
    maps.shape,
    np.uint8,
    4,
  )
  np.testing.assert_array_equal(np.asarray(read), maps)
  np.testing.assert_array_equal([read[i] for i in range(frames)], maps)


@pytest.mark.parametrize(
  'index',
  [
    0,
    -1,
    np.int64(9),
    slice(3, 18, 2),
    slice(5, 5),
    [20, 3, 3, 7],
    np.array([[0, 8, 16], [20, 1, 9]]),
    np.arange(21) % 5 == 0,
    (4, slice(1, 3), 2),
    (slice(None), 0, 1),
    (np.array([2, 19]), Ellipsis, 0),
    (Ellipsis, slice(0, -1)),
    (np.array([2, 19]), np.array([1, 4])),
  ],
)
def test_any_index_is_the_array_s(index):
  maps = maps_of(21)
  found = chunked(maps)[index]
  np.testing.assert_array_equal(found, maps[index])
  assert found.dtype == np.uint8


def test_a_frame_that_does_not_exist():
  with pytest.raises(IndexError):
    chunked(maps_of(9))[np.array([0, 9])]


def test_only_the_chunks_of_the_frames_are_read(monkeypatch):
  read = []
  inner = ChunkedMaps._read
  monkeypatch.setattr(
    ChunkedMaps, '_read', lambda maps, n: (read.append(n), inner(maps, n))[1]
  )
  maps = chunked(maps_of(720))
  maps[np.array([[3, 90], [91, 719]])]
  assert read == [0, 11, 89]  # 719 // 8


def test_a_record_and_back():
  example = {'video_id': 'a', 'maps': maps_of(9), 'parts': maps_of(9, seed=1)}
  stored = packed_example(example, 8)
  assert stored.keys() == {
    'video_id',
    *(f'{name}{suffix}' for name in ('maps', 'parts') for suffix in _SUFFIXES),
  }
  assert stored['maps_ends'].shape == (2,)
  assert stored['maps_shape'].tolist() == [9, 5, 4, 3]
  record = unpacked_record(stored, 8)
  assert record.keys() == example.keys()
  for name in ('maps', 'parts'):
    np.testing.assert_array_equal(record[name], example[name])


_SUFFIXES = (frame_chunks.CHUNKS, frame_chunks.ENDS, frame_chunks.SHAPE)


def test_equal_maps_give_equal_bytes():
  first, second = packed(maps_of(30), 8), packed(maps_of(30), 8)
  for a, b in zip(first, second, strict=True):
    np.testing.assert_array_equal(a, b)


class Damage(Exception):
  pass


def test_a_damaged_chunk_is_named_when_it_is_read():
  chunks, ends, shape = packed(maps_of(30), 8)
  broken = chunks.copy()
  broken[ends[1] : ends[1] + 8] = 0
  read = ChunkedMaps(broken, ends, shape, 8, fault=Damage)
  np.testing.assert_array_equal(read[15], maps_of(30)[15])
  with pytest.raises(Damage, match='chunk 2 of its maps cannot be read'):
    read[16]


@pytest.mark.parametrize('torn', ['chunks', 'ends'])
def test_chunks_that_do_not_fit_their_maps(torn):
  chunks, ends, shape = packed(maps_of(30), 8)
  if torn == 'chunks':
    chunks = chunks[:-1]
  else:
    ends = ends[:-1]
  with pytest.raises(Damage, match=r'maps of 30 frames have \d chunks that end at'):
    ChunkedMaps(chunks, ends, shape, 8, fault=Damage)
