"""Opens and reads pose data sets on disk.

A data set is at `<data_dir>/<dataset>/<representation>/<version>/`, in TFDS layout with
records in array_record; TensorFlow is needed neither to write nor to read it.
`<data_dir>` may be in an object store (`paths.data_path`). The TFDS metadata hold each
clip's name, label and length in record order, so that a split can be divided or balanced
without reading records.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from etils import epath
from jaxtyping import Int, UInt8

from input_pipeline.catalog.protocols import PathLike, export_command
from input_pipeline.errors import PoseDatasetError
from input_pipeline.loading.records import Records
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.checked_records import CheckedRecords
from input_pipeline.storage.digests import (
  METADATA_FILE,
  check_files,
  damage,
  read_digests,
)
from input_pipeline.storage.files import (
  INFO_FILE,
  VERSION,
  quiet_tfds,
  shard_paths,
  stored_name,
)
from input_pipeline.storage.labels import multi_hot
from input_pipeline.storage.metadata import sound_metadata
from input_pipeline.storage.paths import (
  cache_of,
  copy_missing,
  data_path,
  is_read_in_place,
  is_remote,
)

REPRESENTATIONS = ('keypoints', 'heatmaps', 'potion')


@dataclasses.dataclass(frozen=True, eq=False)
class ClipIndex:
  """A split's clips, in record order.

  Attributes:
    video_ids: names of the `b` clips.
    labels: class indices int32 `[b]`; if the data set is multi-label, multi-hot uint8
      `[b, k]`.
    num_frames: the clips' lengths in frames.
    groups: each clip's group, if the data set has groups (`sources.PoseSource`).
    frame_rates: each clip's frames per second, None if unknown; None if all are unknown.
  """

  video_ids: tuple[str, ...]
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k']
  num_frames: Int[np.ndarray, 'b']
  groups: tuple[str, ...] | None = None
  frame_rates: tuple[float | None, ...] | None = None

  def __len__(self) -> int:
    return len(self.video_ids)


@dataclasses.dataclass(frozen=True, eq=False)
class PoseDataset:
  """A data set on disk, opened for reading.

  Attributes:
    directory: the data set's directory.
    representation: 'keypoints', 'heatmaps' or 'potion'.
    skeleton: the joints on axis `j` or, for heatmaps, `c`.
    class_names: names by label.
    settings: how maps were rendered (`short_side` and `sigma` in cells, `truncate` in
      σ, `part_width`, `background`), for heatmaps the stored `modalities`, and for
      potion how frames were weighted (`channels`, `weights`). Unknown settings are None;
      keypoints have no settings.
    splits: names of the splits.
    left_out: (split, video id, reason) for each clip that could not be used.
    multi_label: whether clips have any number of labels (records hold multi-hot
      `labels`) instead of exactly one (records hold `label`).
    verifiable: whether damage to the files can be detected; False for a data set made
      before there were digests.
    source: the files that the data set was made from, see `export/source_record.py`; None
      if unknown.
    background_class: the class that is no action; '' if there is none.
    frames_per_chunk: frames in each chunk of stored heatmaps (`frame_chunks`); 0 if a
      record holds whole maps, as in data sets from older releases.
  """

  directory: epath.Path
  representation: str
  skeleton: Skeleton
  class_names: tuple[str, ...]
  settings: dict[str, Any]
  splits: tuple[str, ...]
  left_out: tuple[tuple[str, str, str], ...]
  multi_label: bool
  _columns: Mapping[str, Mapping[str, list]] = dataclasses.field(repr=False)
  _builder: tfds.core.DatasetBuilder = dataclasses.field(repr=False)
  verifiable: bool = False
  source: Mapping[str, Any] | None = None
  frames_per_chunk: int = 0
  background_class: str = ''

  def clips(self, split: str) -> ClipIndex:
    """A split's clips; reads only the metadata."""
    self._check_split(split)
    columns = self._columns[split]
    groups = columns.get('groups')  # Missing without groups, and in older exports.
    rates = columns.get('frame_rates')  # Missing if unknown, and in older exports.
    if self.multi_label:
      num_classes = len(self.class_names)
      labels = np.stack([multi_hot(label, num_classes) for label in columns['labels']])
    else:
      labels = np.array(columns['labels'], np.int32)
    return ClipIndex(
      video_ids=tuple(columns['video_ids']),
      labels=labels,
      num_frames=np.array(columns['num_frames'], np.int32),
      groups=None if groups is None else tuple(groups),
      frame_rates=None if rates is None else tuple(rates),
    )

  @property
  def modalities(self) -> tuple[str, ...]:
    """Which of 'joints', 'parts', 'features' heatmaps hold; ('joints',) otherwise."""
    # Data sets from older releases without this setting hold joints.
    return tuple(self.settings.get('modalities', ('joints',)))

  @property
  def num_features(self) -> int:
    """Number of channels of the stored features; 0 if there are none."""
    return int(self.settings.get('num_features') or 0)

  def records(self, split: str) -> Records:
    """A split's records: features as numpy arrays, `video_id` as UTF-8 bytes.

    Heatmaps in chunks are `frame_chunks.ChunkedMaps`, indexed like arrays.

    If array_record cannot read the object store, the split is first copied to this host,
    once (`paths.cache_of`).
    """
    self._check_split(split)
    builder = self._builder
    if not is_read_in_place(self.directory):
      builder = self._copied(split)
    with _naming_damage(self.directory):
      # pyright does not see through TFDS's decorator.
      records = builder.as_data_source(stored_name(split))  # pyright: ignore
    lengths = builder.info.splits[stored_name(split)].shard_lengths
    return CheckedRecords(records, self._shards(split), lengths, self.frames_per_chunk)

  def shard_digests(self, split: str) -> tuple[str, ...] | None:
    """SHA-256 of each of a split's files, as stored when they were written.

    Returns None for a data set made before there were digests. Reads no record.
    """
    self._check_split(split)
    digests = read_digests(self.directory)
    if digests is None:
      return None
    return tuple(digests[shard.name].sha256 for shard in self._shards(split))

  def _shards(self, split: str) -> list[epath.Path]:
    number = len(self._builder.info.splits[stored_name(split)].shard_lengths)
    return shard_paths(self.directory, self.directory.parts[-3], split, number)

  def _copied(self, split: str) -> tfds.core.DatasetBuilder:
    """The data set in this host's cache, with all of one split's files."""
    folder = cache_of(self.directory)
    copy_missing(self._shards(split), folder)
    metadata = [f for f in self.directory.iterdir() if 'array_record' not in f.name]
    copy_missing(metadata, folder)
    with quiet_tfds():
      return tfds.builder_from_directory(folder)

  def _check_split(self, split: str):
    if split not in self.splits:
      raise PoseDatasetError(
        f'there is no split {split!r} in {self.directory}; its splits are'
        f' {", ".join(self.splits)}'
      )


def dataset_dir(data_dir: PathLike, dataset: str, representation: str) -> epath.Path:
  """A data set's directory, whether or not it exists.

  Raises:
    PoseDatasetError: on an unknown representation, or as `data_path`.
  """
  if representation not in REPRESENTATIONS:
    raise PoseDatasetError(
      f'there is no representation {representation!r}; it is one of'
      f' {", ".join(REPRESENTATIONS)}'
    )
  return data_path(data_dir) / dataset / representation / VERSION


def is_there(directory: epath.Path) -> bool:
  """Whether the directory holds a complete data set.

  Raises:
    PoseDatasetError: if the package that reads the object store is not installed.
  """
  try:
    return (directory / INFO_FILE).exists()
  except ImportError as error:
    raise PoseDatasetError(f'{directory} cannot be read: {error}') from error


def open_dataset(data_dir: PathLike, dataset: str, representation: str) -> PoseDataset:
  """Opens an exported data set.

  Raises:
    PoseDatasetError: if the data set does not exist; says what exists there, and how to
      make the data set.
  """
  directory = dataset_dir(data_dir, dataset, representation)
  if not is_there(directory):
    raise PoseDatasetError(
      f'there is no data set {dataset!r} as {representation} at {directory}'
      f' ({_what_is_there(directory)}). Export the data set with\n '
      f' {export_command(dataset, representation, data_dir)}'
    )
  verifiable = check_files(directory)
  with _naming_damage(directory):
    return _opened(directory, representation, verifiable)


@contextlib.contextmanager
def _naming_damage(directory: epath.Path) -> Iterator[None]:
  """Names the data set in errors about content that this library did not write."""
  try:
    yield
  except (PoseDatasetError, ImportError):
    raise
  except Exception as error:  # TFDS and its libraries raise many types.
    reason = ' '.join(str(error).split())[:200]
    raise damage(
      directory / INFO_FILE, f'TFDS cannot use it ({type(error).__name__}: {reason})'
    ) from error


def _opened(
  directory: epath.Path, representation: str, verifiable: bool
) -> PoseDataset:
  metadata = sound_metadata(directory)
  with quiet_tfds():
    builder = tfds.builder_from_directory(directory)
  for split, columns in metadata['splits'].items():
    _check_count(directory, builder, split, columns)
  return PoseDataset(
    directory=directory,
    verifiable=verifiable,
    representation=representation,
    skeleton=Skeleton.from_dict(metadata['skeleton']),
    class_names=tuple(metadata['class_names']),
    settings=dict(metadata['settings']),
    splits=tuple(metadata['splits']),
    left_out=tuple((s, v, reason) for s, v, reason in metadata['left_out']),
    # Data sets from older releases without this entry have one label per clip.
    multi_label=metadata.get('multi_label', False),
    source=metadata.get('source'),  # Missing in data sets from older releases.
    background_class=_background_class(metadata),
    frames_per_chunk=metadata.get('frames_per_chunk', 0),  # Likewise.
    _columns=metadata['splits'],
    _builder=builder,
  )


def _background_class(metadata: Mapping[str, Any]) -> str:
  """Data sets from older releases name it among what they were made of."""
  if 'background_class' in metadata:
    return metadata['background_class']
  made = (metadata.get('source') or {}).get('segment_options', {})
  name = made.get('background', '')
  return name if name in metadata['class_names'] else ''


def _check_count(
  directory: epath.Path,
  builder: tfds.core.DatasetBuilder,
  split: str,
  columns: Mapping[str, list],
):
  """Checks that the metadata name as many clips as there are records."""
  splits = builder.info.splits
  known = stored_name(split) in splits  # TFDS's `get` would raise.
  stored = splits[stored_name(split)] if known else None
  if stored is None or stored.num_examples != len(columns['video_ids']):
    records = 'no' if stored is None else stored.num_examples
    raise damage(
      directory / METADATA_FILE,
      f'it names {len(columns["video_ids"])} clips in split {split!r}, but'
      f' {INFO_FILE} has {records} records',
    )
  shards = shard_paths(directory, directory.parts[-3], split, len(stored.shard_lengths))
  lost = [] if is_remote(directory) else [s for s in shards if not s.exists()]
  if lost:
    raise damage(lost[0], 'the file is missing')


def _what_is_there(directory: epath.Path) -> str:
  """Describes what exists at or near the directory of a data set that does not exist."""
  if directory.is_dir():
    return 'only an unfinished export'
  versions = _folders(directory.parent)
  if versions:
    return f'only version {", ".join(versions)}, from another release of this library'
  home = directory.parents[1]
  others = [r for r in REPRESENTATIONS if (home / r / directory.name).is_dir()]
  if others:
    return f'only as {", ".join(others)}'
  datasets = [
    name
    for name in _folders(home.parent)
    if any((home.parent / name / r).is_dir() for r in REPRESENTATIONS)
  ]
  return f'data sets in {home.parent}: {", ".join(datasets) or "none"}'


def _folders(directory: epath.Path) -> list[str]:
  if not directory.is_dir():
    return []
  return sorted(
    entry.name
    for entry in directory.iterdir()
    if entry.is_dir() and not entry.name.startswith('.')
  )
