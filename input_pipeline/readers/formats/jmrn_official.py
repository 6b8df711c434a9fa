"""PoTion maps from JMRN's official release, with their metadata.

  FOLDER/<any>_<split>.pkl        a dict of lists with one entry per video:
    video_name                      the video's name
    labels                          its class; or multi-hot `[k]`, also as the first
                                    column of `[k, n]`
    frames                          its frame numbers
    class_name                      its class name (optional)
    class_labels                    all class names by index (optional)
  FOLDER/**/<video_name>.npy      float64 `[c, j, h, w]`, or
  FOLDER/**/<split>/<place>.npy   the same, named after the video's place in the lists

A map is the sum over frames of 8-bit confidences times the frames' weights, with 64
cells on the shorter side. The 19 maps are COCO's 17 joints, the background and the neck.
"""

from __future__ import annotations

import pathlib
from collections.abc import Mapping
from typing import Any

import einops
import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.sources import PotionClip, PotionSource
from input_pipeline.readers.files import safe_pickle
from input_pipeline.skeletons.registry import Skeleton

_SHORT_SIDE = 64
_NUM_COLOURS = 3
_WEIGHTS = 'integer_break'
_NUM_MAPS = 19
# A larger label is no class index, and would make as many class names (our choice).
_MOST_CLASSES = 1 << 16
# The background is our last map, and the release's last but one.
_MAP_ORDER = (*range(17), 18, 17)

_LISTS = (list, tuple, np.ndarray)
_INTEGERS = (int, np.integer)
_Table = dict[str, Any]  # The content of a metadata file.


def read(folder: pathlib.Path, skeleton: Skeleton) -> PotionSource:
  """Opens an official release; a fault in a video is raised when the video is loaded.

  Source: JMRN's official code.

  Raises:
    PoseDataError: if the metadata are malformed or contradict each other.
  """
  tables = _read_tables(folder)
  labels = [label for table in tables.values() for label in table['labels']]
  return PotionSource(
    skeleton=skeleton,
    class_names=_class_names(tables),
    splits={split: _video_ids(table) for split, table in tables.items()},
    load=_Release(folder, skeleton, tables).load,
    settings={
      'short_side': _SHORT_SIDE,
      'sigma': None,  # The maps are an estimator's output, not Gaussians.
      'truncate': None,
      'channels': _NUM_COLOURS,
      'weights': _WEIGHTS,
    },
    multi_label=any(isinstance(label, _LISTS) for label in labels),
  )


class _Release:
  """Loads videos from a release's metadata and files."""

  def __init__(
    self, folder: pathlib.Path, skeleton: Skeleton, tables: Mapping[str, _Table]
  ):
    self._folder = folder
    self._skeleton = skeleton
    self._tables = tables
    self._places: dict[str, list[tuple[str, int]]] = {}
    for split, table in tables.items():
      for place, video_id in enumerate(_video_ids(table)):
        self._places.setdefault(video_id, []).append((split, place))
    self._files: dict[str, list[pathlib.Path]] = {}
    for file in sorted(folder.rglob('*.npy')):
      self._files.setdefault(file.stem, []).append(file)

  def load(self, video_id: str) -> PotionClip:
    """A video's maps as means over time, 0..1, the background last."""
    if video_id not in self._places:
      raise PoseDataError(f'clip {video_id!r} is not in the metadata of {self._folder}')
    known = {
      (
        _labels(video_id, self._tables[split]['labels'][place]),
        _num_frames(video_id, self._tables[split]['frames'][place]),
      )
      for split, place in self._places[video_id]
    }
    if len(known) > 1:
      splits = ', '.join(split for split, _ in self._places[video_id])
      raise PoseDataError(
        f'clip {video_id!r}: the metadata of splits {splits} differ in its labels or'
        ' frames, but must agree'
      )
    labels, num_frames = known.pop()
    sums = _read_sums(video_id, self._file(video_id))
    means = sums * _scales(num_frames)[:, None, None, None]
    maps = einops.rearrange(means[:, list(_MAP_ORDER)], 'c j h w -> j h w c')
    return PotionClip(video_id, maps, num_frames, self._skeleton, labels)

  def _file(self, video_id: str) -> pathlib.Path:
    """The only file named after the video, or else after its place in a split."""
    files = self._files.get(video_id) or [
      file
      for split, place in self._places[video_id]
      for file in self._files.get(str(place), [])
      if file.parent.name == split
    ]
    if len(files) == 1:
      return files[0]
    if files:
      raise PoseDataError(
        f'clip {video_id!r} has {len(files)} files, {", ".join(map(str, files))}; keep'
        ' one'
      )
    split, place = self._places[video_id][0]
    raise PoseDataError(
      f'clip {video_id!r} has no file {video_id}.npy (nor {split}/{place}.npy) anywhere'
      f' in {self._folder}'
    )


def _read_tables(folder: pathlib.Path) -> dict[str, _Table]:
  """The metadata by split; a file's name ends with its split."""
  tables: dict[str, _Table] = {}
  for path in sorted(folder.glob('*_*.pkl')):
    split = path.stem.rpartition('_')[2]
    if split in tables:
      raise PoseDataError(
        f'{folder} holds a second metadata file for split {split!r}, {path.name}; keep'
        ' the files of one data set'
      )
    tables[split] = _read_table(path)
  if not tables:
    raise PoseDataError(
      f'{folder} holds no metadata NAME_SPLIT.pkl, such as hmdb51_train1.pkl'
    )
  return tables


def _read_table(path: pathlib.Path) -> _Table:
  table = safe_pickle.load(path)
  if not isinstance(table, dict):
    raise PoseDataError(f'{path} holds a {type(table).__name__}, but needs a dict')
  for key in ('video_name', 'labels', 'frames'):
    if not isinstance(table.get(key), _LISTS):
      raise PoseDataError(
        f'{path} has no list {key!r}; it has {", ".join(map(str, table)) or "nothing"}'
      )
  for key in ('class_name', 'class_labels'):
    if not isinstance(table.get(key, ()), _LISTS):
      raise PoseDataError(
        f'{path} has {key!r} as a {type(table[key]).__name__}, but needs a list'
      )
  parallel = [k for k in ('video_name', 'labels', 'frames', 'class_name') if k in table]
  for name, label in zip(table['video_name'], table['labels'], strict=False):
    if isinstance(label, _INTEGERS) and not 0 <= label < _MOST_CLASSES:
      raise PoseDataError(
        f'{path}: the label of {name!r} is {label}, but a class index is in'
        f' 0..{_MOST_CLASSES - 1}'
      )
  lengths = {key: len(table[key]) for key in parallel}
  if len(set(lengths.values())) > 1:
    raise PoseDataError(
      f'{path} has lists of different lengths: {lengths}; each needs one entry per video'
    )
  return table


def _video_ids(table: _Table) -> tuple[str, ...]:
  return tuple(str(name) for name in table['video_name'])


def _class_names(tables: Mapping[str, _Table]) -> tuple[str, ...]:
  """Names by class index; 'class_3' if the metadata do not name class 3.

  Raises:
    PoseDataError: if a class has two names.
  """
  names: dict[int, str] = {}
  count = 0
  for table in tables.values():
    labels = table['labels']
    if 'class_labels' in table:
      named = list(enumerate(table['class_labels']))
    else:
      named = list(zip(labels, table.get('class_name', ()), strict=False))
    for label, name in named:
      if not isinstance(label, _INTEGERS):
        continue
      known = names.setdefault(int(label), str(name))
      if known != str(name):
        raise PoseDataError(
          f'class {label} is named {known!r} and {str(name)!r} in the metadata; give it'
          ' one name'
        )
    sizes = [_num_classes(label) for label in labels]
    count = max(count, *sizes, *(label + 1 for label in names), 0)
  return tuple(names.get(label, f'class_{label}') for label in range(count))


def _num_classes(label: Any) -> int:
  """The least number of classes, if a video has this label."""
  if isinstance(label, _LISTS):
    return len(label)
  return int(label) + 1 if isinstance(label, _INTEGERS) else 0


def _num_frames(video_id: str, frames: Any) -> int:
  if not isinstance(frames, _LISTS):
    raise PoseDataError(
      f"clip {video_id!r}: 'frames' is {frames!r}, but must list frame numbers"
    )
  return len(frames)


def _labels(video_id: str, label: Any) -> tuple[int, ...]:
  if isinstance(label, _INTEGERS):
    return (int(label),)
  hot = np.asarray(label)
  hot = hot[:, 0] if hot.ndim == 2 else hot
  if hot.ndim != 1 or not np.isin(hot, (0, 1)).all():
    raise PoseDataError(
      f'clip {video_id!r}: label is {label!r}, but must be a class index, or a 0 or 1'
      ' for each class'
    )
  return tuple(int(index) for index in np.flatnonzero(hot))


def _read_sums(video_id: str, path: pathlib.Path) -> np.ndarray:
  """Reads a file's array `[c, j, h, w]`; checks shape and type before reading."""
  try:
    sums = np.lib.format.open_memmap(path, mode='r')
  # A broken file can raise almost any exception.
  except Exception as error:
    raise PoseDataError(
      f'clip {video_id!r}: {path} is not a readable .npy file: {error}'
    ) from error
  fits = sums.ndim == 4 and sums.shape[:2] == (_NUM_COLOURS, _NUM_MAPS)
  if not fits or min(sums.shape[2:]) != _SHORT_SIDE or sums.dtype.kind != 'f':
    raise PoseDataError(
      f'clip {video_id!r}: {path} holds {sums.dtype} {sums.shape}, but needs floats'
      f' ({_NUM_COLOURS}, {_NUM_MAPS}, height, width) with {_SHORT_SIDE} cells on the'
      ' shorter side'
    )
  return np.asarray(sums)


def _scales(num_frames: int) -> np.ndarray:
  """Factors that turn sums into means in 0..1, `[c]`; 0 for a channel without weight."""
  # Imports jax, which reading metadata does not need.
  from input_pipeline.maps import potion

  settings = potion.PotionSettings(_NUM_COLOURS, _WEIGHTS)
  # Rounded up, as each different number of frames is compiled anew.
  max_frames = 1 << num_frames.bit_length()
  weights = np.asarray(potion.colour_weights(num_frames, max_frames, settings))
  totals = weights.astype(np.float64).sum(axis=0)
  return np.where(totals > 0, 1 / (255 * np.where(totals > 0, totals, 1)), 0)
