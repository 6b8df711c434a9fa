"""Sources, which readers return: named clips, loaded one at a time.

A PoseSource yields poses. A PotionSource yields PoTion maps made by another program. A
HeatmapSource yields a pose network's maps per frame. Poses cannot be recovered from maps.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from input_pipeline.errors import PoseDataError, as_pose_data_error, shortened
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.notes import Note
from input_pipeline.skeletons.registry import Skeleton

# Field name in a record for each stored modality.
STORED = {'joints': 'maps', 'parts': 'parts', 'features': 'features'}


# Longest clip name in messages, and at all (our choices).
_LONGEST_NAME = 200
_MOST_CHARACTERS = 1000
_TOO_FAST = 1000  # Frames per second that no file of poses has (our choice).
_Clip = TypeVar('_Clip')


@dataclasses.dataclass(frozen=True)
class ClipLoader(Generic[_Clip]):
  """Loads clips; any exception becomes a PoseDataError that names the clip.

  Each source wraps its `load` in a loader, so that one damaged clip, whatever it raises,
  can be left out.
  """

  load: Callable[[str], _Clip]

  def __call__(self, video_id: str) -> _Clip:
    name = f'clip {shortened(repr(video_id), _LONGEST_NAME)}'
    with as_pose_data_error(f'{name} cannot be read', prefix=name):
      return self.load(video_id)


def _guard(source: Any):
  if not isinstance(source.load, ClipLoader):
    object.__setattr__(source, 'load', ClipLoader(source.load))  # It is frozen.


@dataclasses.dataclass(frozen=True)
class Origin:
  """The files and options from which a source was read.

  Attributes:
    poses: absolute paths of the files or folders.
    format: the reader's name.
    skeleton: name of the joint layout in the files, before any mapping.
    options: `ReadOptions` that differ from their defaults, by name.
    annotations: absolute path of the official annotations, if they were read.
    segments: absolute path of the segment file, if videos were cut into windows.
    segment_options: how they were cut, by name; see `SegmentOptions`.
  """

  poses: tuple[str, ...]
  format: str
  skeleton: str
  options: Mapping[str, Any]
  annotations: str | None = None
  segments: str | None = None
  segment_options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class PoseSource:
  """The clips of one data set in a foreign format, not yet loaded.

  Clips are loaded on demand, so that a broken clip does not prevent loading the others.

  Attributes:
    skeleton: the joint layout of every clip.
    class_names: class names by label index.
    splits: video ids by split name; split names are the source's own.
    load: returns the clip with a given video id; wrapped in a ClipLoader.
    multi_label: whether a clip may have any number of labels instead of exactly one.
    notes: what was doubtful in files that concern several clips.
    groups: group of clips that must stay on one side when clips are held out, by video
      id; a clip without an entry is a group of its own. Empty if unknown.
    origin: the files that were read; None if unknown, or if the clips are generated.
    background_class: the class that is no action; '' if there is none.

  Raises:
    PoseDataError: if a split names a clip twice.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  load: Callable[[str], PoseClip]
  multi_label: bool = False
  notes: tuple[Note, ...] = ()
  groups: Mapping[str, str] = dataclasses.field(default_factory=dict)
  origin: Origin | None = None
  background_class: str = ''

  def __post_init__(self):
    _guard(self)
    _check_splits(self.splits)


@dataclasses.dataclass(frozen=True, eq=False)
class PotionClip:
  """The PoTion maps of one video, checked on construction.

  Attributes:
    video_id: unique within its split.
    maps: float32 `[j, h, w, c]`, with `j` in skeleton order and the background, if any,
      last. Each channel is a time-weighted mean of confidences, in 0..1.
    num_frames: number of frames in the video.
    skeleton: the layout of axis `j`.
    labels: class indices; exactly one in a single-label data set.

  Raises:
    PoseDataError: on a wrong shape, no frames, or a negative or non-finite value.
  """

  video_id: str
  maps: np.ndarray
  num_frames: int
  skeleton: Skeleton
  labels: tuple[int, ...] = ()

  def __post_init__(self):
    set_field = object.__setattr__  # The dataclass is frozen for everyone else.
    set_field(self, 'maps', np.asarray(self.maps, np.float32))
    set_field(self, 'labels', tuple(int(label) for label in self.labels))
    shape, layout = self.maps.shape, self.skeleton
    if len(shape) != 4 or shape[0] != layout.num_maps or 0 in shape:
      raise self._error(
        f'maps have shape {shape}, but need [{layout.num_maps}, height, width,'
        f' channels] (skeleton {layout.name!r} has {layout.num_maps} maps)'
      )
    if self.num_frames < 1:
      raise self._error(f'has {self.num_frames} frames, but needs at least one')
    valid = np.isfinite(self.maps) & (self.maps >= 0)
    if not valid.all():
      joint, row, column, channel = np.argwhere(~valid)[0]
      raise self._error(
        f'maps hold {self.maps[joint, row, column, channel]} at map {joint}, row {row},'
        f' column {column}, channel {channel}, but must be finite and not below 0'
      )

  def _error(self, message: str) -> PoseDataError:
    return PoseDataError(f'clip {self.video_id!r}: {message}')


@dataclasses.dataclass(frozen=True)
class PotionSource:
  """The PoTion maps of one data set in a foreign format, not yet loaded.

  Attributes:
    skeleton, class_names, splits, multi_label, groups, origin: same as in PoseSource.
    load: returns the clip with a given video id.
    settings: how the maps were made: `short_side` and `sigma` in cells, `truncate` in
      σ, `channels` and `weights` same as in `potion.PotionSettings`; None if unknown.

  Raises:
    PoseDataError: if a split names a clip twice.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  load: Callable[[str], PotionClip]
  settings: Mapping[str, Any]
  multi_label: bool = False
  groups: Mapping[str, str] = dataclasses.field(default_factory=dict)
  origin: Origin | None = None

  def __post_init__(self):
    _guard(self)
    _check_splits(self.splits)


@dataclasses.dataclass(frozen=True, eq=False)
class HeatmapClip:
  """The maps of one clip in a data set's storage form, read on demand.

  Attributes:
    video_id: unique within its split.
    read: returns the uint8 maps `[t, h, w, c]` for a modality ('joints', 'parts' or
      'features'), encoded by `quantization`. The result is not cached.
    num_frames: t.
    frame_size: (height, width) of the frames in pixels.
    skeleton: the layout of axis `c`: its maps for joints, (x, y) per limb for parts.
    features_scale: the feature value that code 255 represents; None without features.
    labels: class indices; exactly one in a single-label data set.
    frame_rate: frames per second; None if unknown.
    keypoints: returns the positions that were picked from the maps, float32 `[t, j, 3]`
      (x and y in pixels, score); None if unknown.
    footage: the video frames in which the maps were found; None if unknown.
  """

  video_id: str
  read: Callable[[str], UInt8[np.ndarray, 't h w c']]
  num_frames: int
  frame_size: tuple[int, int]
  skeleton: Skeleton
  features_scale: float | None = None
  labels: tuple[int, ...] = ()
  frame_rate: float | None = None
  keypoints: Callable[[], Float[np.ndarray, 't j 3']] | None = None
  footage: Footage | None = None

  def maps(self, modality: str) -> UInt8[np.ndarray, 't h w c']:
    """Reads and checks the maps for a modality.

    Raises:
      PoseDataError: on a wrong dtype, number of frames or number of channels.
    """
    name = f'clip {shortened(repr(self.video_id), _LONGEST_NAME)}'
    with as_pose_data_error(f'{name}: {modality} cannot be read', prefix=name):
      maps = self.read(modality)
    channels = {
      'joints': self.skeleton.num_maps,
      'parts': 2 * len(self.skeleton.limbs),
    }.get(modality, maps.shape[-1])
    fits = maps.ndim == 4 and maps.shape[::3] == (self.num_frames, channels)
    if maps.dtype != np.uint8 or not fits or 0 in maps.shape:
      raise PoseDataError(
        f'clip {self.video_id!r}: {modality} are {maps.dtype} of shape {maps.shape}, but'
        f' need uint8 [{self.num_frames}, height, width, {channels}] (skeleton'
        f' {self.skeleton.name!r})'
      )
    return maps


@dataclasses.dataclass(frozen=True)
class HeatmapSource:
  """The clips of one data set as maps from a pose network, not yet loaded.

  Attributes:
    skeleton, class_names, splits, multi_label, groups, origin: same as in PoseSource.
    load: returns the clip with a given video id.
    modalities: those of 'joints', 'parts' and 'features' that every clip has.
    num_features: channels of 'features'; 0 without features.
    settings: how the maps were made: `short_side` in cells, and any other known setting.
    notes: same as in PoseSource.

  Raises:
    ValueError: for an unknown modality, or none.
  """

  skeleton: Skeleton
  class_names: tuple[str, ...]
  splits: Mapping[str, tuple[str, ...]]
  load: Callable[[str], HeatmapClip]
  modalities: tuple[str, ...]
  settings: Mapping[str, Any]
  num_features: int = 0
  multi_label: bool = False
  notes: tuple[Note, ...] = ()
  groups: Mapping[str, str] = dataclasses.field(default_factory=dict)
  origin: Origin | None = None

  def __post_init__(self):
    _guard(self)
    unknown = set(self.modalities) - set(STORED)
    if unknown or not self.modalities:
      raise ValueError(
        f'modalities are {self.modalities}; name at least one of {", ".join(STORED)}'
      )


ClipSource = PoseSource | PotionSource | HeatmapSource


def with_notes(source: ClipSource, notes: tuple[Note, ...]) -> ClipSource:
  """The source with further notes, placed first; ready PoTion maps have none."""
  if not notes or isinstance(source, PotionSource):
    return source
  return dataclasses.replace(source, notes=(*notes, *source.notes))


def with_frame_rate(source: ClipSource, frame_rate: float | None) -> ClipSource:
  """The source, whose clips of unknown frame rate have this one; none if it is None.

  Ready PoTion maps have no frames any more, and stay as they are.
  """
  if frame_rate is None or isinstance(source, PotionSource):
    return source
  load = functools.partial(_rated, source.load, frame_rate)
  return dataclasses.replace(source, load=load)


def _rated(load: Callable[[str], Any], frame_rate: float, video_id: str) -> Any:
  clip = load(video_id)
  if clip.frame_rate is not None:
    return clip
  return dataclasses.replace(clip, frame_rate=frame_rate)


def known_rate(value: Any) -> float | None:
  """Frames per second as a file states them; None for what is no rate, such as 0.

  Containers without a rate state 0, or the ticks of their clock, 1000 and more.
  """
  try:
    rate = float(value)
  except (TypeError, ValueError):
    return None
  return rate if 0 < rate < _TOO_FAST else None


def source_notes(source: ClipSource) -> tuple[Note, ...]:
  """What was doubtful in a source's files; PoTion maps have no notes."""
  return () if isinstance(source, PotionSource) else source.notes


def _check_splits(splits: Mapping[str, tuple[str, ...]]):
  for split, video_ids in splits.items():
    longest = max(video_ids, key=len, default='')
    if len(longest) > _MOST_CHARACTERS:
      raise PoseDataError(
        f'split {split!r} names a clip with {len(longest):,} characters, at most'
        f' {_MOST_CHARACTERS:,} are allowed: {shortened(repr(longest), _LONGEST_NAME)}'
      )
    if len(set(video_ids)) < len(video_ids):
      seen: set[str] = set()
      twice = next(v for v in video_ids if v in seen or seen.add(v))
      raise PoseDataError(f'split {split!r} names clip {twice!r} more than once')
