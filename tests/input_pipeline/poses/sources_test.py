"""Sources: splits are checked, clips are loaded on demand."""

import dataclasses

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.sources import PoseSource, PotionClip, PotionSource
from input_pipeline.skeletons.registry import SKELETONS, Skeleton
from pose_action.host.extras import MissingExtraError

DUO = Skeleton('duo', ('head', 'neck'), (), background=True)


def source_of(splits) -> PoseSource:
  def load(video_id):
    raise PoseDataError(f'clip {video_id!r} was loaded')

  return PoseSource(SKELETONS['jhmdb'], ('sit', 'stand'), splits, load)


def test_nothing_is_loaded_until_asked_for():
  source = source_of({'train': ('a', 'b'), 'test': ('c',)})
  with pytest.raises(PoseDataError, match="'b' was loaded"):
    source.load('b')


def test_a_clip_twice_in_one_split():
  with pytest.raises(PoseDataError, match="split 'test' names clip 'b' more than once"):
    source_of({'train': ('a',), 'test': ('a', 'b', 'c', 'b', 'c')})


def test_a_clip_in_two_splits():
  splits = {'train1': ('a', 'b'), 'test2': ('b',)}  # Same as in JHMDB's three splits.
  assert source_of(splits).splits == splits


def test_a_clip_twice_in_one_split_of_ready_maps():
  with pytest.raises(
    PoseDataError, match="split 'train' names clip 'a' more than once"
  ):
    PotionSource(DUO, ('run',), {'train': ('a', 'a')}, potion_clip, {})


def potion_clip(video_id='a', maps=None, num_frames=3):
  maps = np.ones((3, 4, 5, 2)) if maps is None else maps
  return PotionClip(video_id, maps, num_frames, DUO, (np.int64(1),))  # pyright: ignore


def spoilt(value):
  maps = np.ones((3, 4, 5, 2))
  maps[1, 2, 4, 0] = value
  return maps


def test_potion_maps_become_float32_and_labels_plain():
  clip = potion_clip()
  assert clip.maps.dtype == np.float32
  assert [type(label) for label in clip.labels] == [int]


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    (
      {'maps': np.ones((2, 4, 5, 2))},
      r"shape \(2, 4, 5, 2\), .*\[3, .*'duo' has 3 maps",
    ),
    ({'maps': np.ones((3, 4, 5))}, r'shape \(3, 4, 5\)'),
    ({'maps': np.ones((3, 0, 5, 2))}, r'shape \(3, 0, 5, 2\)'),
    ({'maps': spoilt(np.nan)}, 'hold nan at map 1, row 2, column 4, channel 0'),
    ({'maps': spoilt(np.inf)}, 'hold inf'),
    ({'maps': spoilt(-0.5)}, r'hold -0\.5'),
    ({'num_frames': 0}, 'has 0 frames'),
  ],
)
def test_potion_maps_that_cannot_be_used(changes, message):
  with pytest.raises(PoseDataError, match=f"clip 'a': .*{message}"):
    potion_clip(**changes)


class Endless(list):
  """A damaged value whose text is very long."""

  def __repr__(self):
    return 'x' * 10**6


@pytest.mark.parametrize(
  ('error', 'message'),
  [
    (IndexError('list index out of range'), 'IndexError: list index out of range'),
    (TypeError('two\nlines'), 'TypeError: two lines'),
    (RecursionError('maximum depth'), 'RecursionError: maximum depth'),
    (MemoryError(), 'needs more memory than there is'),
    (OSError(5, 'Input/output error'), 'Input/output error'),
    (PoseDataError('the header is wrong'), "clip 'a': the header is wrong"),
    (PoseDataError(f'label is {Endless()!r}'), "^clip 'a': label is xxx.* …"),
  ],
)
def test_any_exception_of_a_clip_becomes_its_error(error, message):
  def load(video_id):
    raise error

  source = PoseSource(DUO, ('x',), {'all': ('a',)}, load)
  for opened in (source, dataclasses.replace(source, load=source.load)):
    with pytest.raises(PoseDataError, match=message) as raised:
      opened.load('a')
    text = str(raised.value)
    assert text.count("clip 'a'") == 1
    assert len(text) < 2500
    assert '\n' not in text


def test_a_library_that_is_missing_is_no_fault_of_a_clip():
  def load(video_id):
    raise MissingExtraError('pip install it')

  source = PoseSource(DUO, ('x',), {'all': ('a',)}, load)
  with pytest.raises(MissingExtraError):
    source.load('a')
