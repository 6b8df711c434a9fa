"""The pose data set on disk: its features, its TFDS builder, and reading it.

`<data_dir>/<dataset>/<representation>/<version>/` in TFDS layout, records in
array_record; TensorFlow is needed neither to write nor to read it. What is known of the
clips without their frames (names, labels, lengths, in record order) stands in the TFDS
metadata, so that a split is divided or balanced without touching a record.
"""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow_datasets as tfds
from absl import logging
from jaxtyping import Int, UInt8

from input_pipeline.datasets.protocols import (
  PROTOCOLS,
  PathLike,
  PoseDatasetError,
  export_command,
)
from input_pipeline.modalities import STORED
from input_pipeline.skeletons import Skeleton

# Goes up when the features or the metadata change, so that old data is never misread.
VERSION = '1.0.0'
REPRESENTATIONS = ('keypoints', 'heatmaps', 'potion')

# A shard's examples in record order, under keys that no two of them share.
Shard = Callable[[], Iterable[tuple[int, Mapping[str, Any]]]]


@dataclasses.dataclass(frozen=True, eq=False)
class ClipIndex:
  """The clips of a split, in record order.

  Attributes:
    video_ids: names of the `b` clips.
    labels: class indices int32 `[b]`; multi-hot uint8 `[b, k]` where a clip has any
      number of labels.
    num_frames: lengths in frames.
  """

  video_ids: tuple[str, ...]
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k']
  num_frames: Int[np.ndarray, 'b']

  def __len__(self) -> int:
    return len(self.video_ids)


class Records(Protocol):
  """Random access to the clips of a split; indices are those of its ClipIndex."""

  def __len__(self) -> int: ...

  def __getitem__(self, index: int) -> dict[str, Any]: ...


@dataclasses.dataclass(frozen=True, eq=False)
class PoseDataset:
  """A data set on disk, opened for reading.

  Attributes:
    directory: where it lies.
    representation: 'keypoints', 'heatmaps' or 'potion'.
    skeleton: the layout of axis `j` or, of heatmaps, `c`.
    class_names: by label.
    settings: how maps were rendered (`short_side` and `sigma` in cells, `truncate` in
      σ, `part_width`, `background`), of heatmaps which `modalities` there are, and of
      potion how frames were weighted (`channels`, `weights`); None where it is not
      known; empty for keypoints.
    splits: names.
    left_out: (split, video id, reason) of the clips that could not be used.
    multi_label: whether a clip has any number of labels (records then hold `labels`,
      multi-hot), not exactly one (`label`).
  """

  directory: pathlib.Path
  representation: str
  skeleton: Skeleton
  class_names: tuple[str, ...]
  settings: dict[str, Any]
  splits: tuple[str, ...]
  left_out: tuple[tuple[str, str, str], ...]
  multi_label: bool
  _columns: Mapping[str, Mapping[str, list]] = dataclasses.field(repr=False)
  _builder: tfds.core.DatasetBuilder = dataclasses.field(repr=False)

  def clips(self, split: str) -> ClipIndex:
    """Names, labels and lengths of a split's clips, from the metadata alone."""
    self._check_split(split)
    columns = self._columns[split]
    if self.multi_label:
      num_classes = len(self.class_names)
      labels = np.stack([multi_hot(label, num_classes) for label in columns['labels']])
    else:
      labels = np.array(columns['labels'], np.int32)
    return ClipIndex(
      video_ids=tuple(columns['video_ids']),
      labels=labels,
      num_frames=np.array(columns['num_frames'], np.int32),
    )

  @property
  def modalities(self) -> tuple[str, ...]:
    """What heatmaps hold of 'joints', 'parts', 'features'; of others, 'joints'."""
    # Data sets of before there was a choice hold joints.
    return tuple(self.settings.get('modalities', ('joints',)))

  @property
  def num_features(self) -> int:
    """Channels of the stored features; 0 where there are none."""
    return int(self.settings.get('num_features') or 0)

  def records(self, split: str) -> Records:
    """The features of a split's clips as numpy arrays; `video_id` as UTF-8 bytes."""
    self._check_split(split)
    # pyright does not see through TFDS's decorator.
    return self._builder.as_data_source(_stored_name(split))  # pyright: ignore

  def _check_split(self, split: str):
    if split not in self.splits:
      raise PoseDatasetError(
        f'there is no split {split!r} in {self.directory}; it has'
        f' {", ".join(self.splits)}'
      )


def multi_hot(labels: Sequence[int], num_classes: int) -> UInt8[np.ndarray, ' k']:
  """1 for each of the labels, 0 for every other class."""
  hot = np.zeros(num_classes, np.uint8)
  hot[list(labels)] = 1
  return hot


def dataset_dir(data_dir: PathLike, dataset: str, representation: str) -> pathlib.Path:
  """Where a data set lies, whether it is there or not."""
  if representation not in REPRESENTATIONS:
    raise PoseDatasetError(
      f'there is no representation {representation!r}; it is one of'
      f' {", ".join(REPRESENTATIONS)}'
    )
  root = pathlib.Path(data_dir).expanduser()
  return root / dataset / representation / VERSION


def open_dataset(data_dir: PathLike, dataset: str, representation: str) -> PoseDataset:
  """Opens a data set that was exported before.

  Raises:
    PoseDatasetError: where it is not there; says what is, and how to make it.
  """
  directory = dataset_dir(data_dir, dataset, representation)
  if not directory.is_dir():
    raise PoseDatasetError(
      f'there is no data set {dataset!r} as {representation} at {directory}'
      f' ({_what_is_there(directory)}). Make it with\n '
      f' {export_command(dataset, representation, data_dir)}'
    )
  with quiet_tfds():
    builder = tfds.builder_from_directory(directory)
  metadata = builder.info.metadata or {}
  return PoseDataset(
    directory=directory,
    representation=representation,
    skeleton=Skeleton.from_dict(metadata['skeleton']),
    class_names=tuple(metadata['class_names']),
    settings=dict(metadata['settings']),
    splits=tuple(metadata['splits']),
    left_out=tuple((s, v, reason) for s, v, reason in metadata['left_out']),
    # Data sets of before there was a choice have one label a clip.
    multi_label=metadata.get('multi_label', False),
    _columns=metadata['splits'],
    _builder=builder,
  )


class PoseDatasetBuilder(tfds.core.ShardBasedBuilder, skip_registration=True):
  """Writes a data set; `write` is the one method to call.

  Shards are written one after another, straight from their clips. (TFDS's other kind of
  builder collects a whole split first, and needs TensorFlow once it exceeds 1 GB.)
  """

  VERSION = tfds.core.Version(VERSION)
  BUILDER_CONFIGS = [  # noqa: RUF012 (TFDS's own contract)
    tfds.core.BuilderConfig(name=representation) for representation in REPRESENTATIONS
  ]

  def __init__(
    self,
    *,
    dataset: str,
    representation: str,
    skeleton: Skeleton,
    class_names: Sequence[str],
    multi_label: bool = False,
    modalities: Sequence[str] = ('joints',),
    num_features: int = 0,
    data_dir: PathLike,
  ):
    # TFDS names a builder after its class; ours serves every data set.
    self.name = dataset  # pyright: ignore[reportAttributeAccessIssue]
    if representation == 'heatmaps':
      poses = _map_features(skeleton, modalities, num_features)
    else:
      poses = _pose_features(representation, skeleton)
    self._features = _features(poses, class_names, multi_label)
    self._metadata_dict = tfds.core.MetadataDict()
    super().__init__(data_dir=data_dir, config=representation)

  def write(
    self,
    shards: Mapping[str, Sequence[Shard]],
    metadata: Callable[[], Mapping[str, Any]],
  ) -> pathlib.Path:
    """Writes every shard of every split, then what `metadata` gives; says where."""
    self._shards = {_stored_name(split): shards[split] for split in shards}
    self._metadata = metadata
    try:
      with quiet_tfds():
        self.download_and_prepare(file_format='array_record')
    finally:
      # TFDS caches builders for the life of the process; the poses must not stay too.
      del self._shards, self._metadata
    return pathlib.Path(self.data_dir)

  def _info(self) -> tfds.core.DatasetInfo:
    protocol = PROTOCOLS.get(self.name)
    return tfds.core.DatasetInfo(
      builder=self,
      citation=protocol.citation if protocol else None,
      features=self._features,
      metadata=self._metadata_dict,
      disable_shuffling=True,
    )

  def _shard_iterators_per_split(self, dl_manager):
    del dl_manager  # Nothing is downloaded.
    return self._shards

  def _download_and_prepare(self, dl_manager, download_config=None):
    super()._download_and_prepare(dl_manager, download_config)
    self._metadata_dict.update(self._metadata())

  # TFDS prints both of these; the exporter reports for itself.
  def _log_download_bytes(self):
    pass

  def _log_download_done(self):
    pass


@contextlib.contextmanager
def quiet_tfds():
  """Keeps TFDS's notes of its own doings out of the log; warnings still show."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(min(verbosity, logging.WARNING))
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


def _stored_name(split: str) -> str:
  # TFDS keeps 'all' for all splits together; a source without splits has just that.
  return 'all_' if split == 'all' else split


def _map_features(
  skeleton: Skeleton, modalities: Sequence[str], num_features: int
) -> dict[str, Any]:
  channels = {
    'joints': skeleton.num_maps,
    'parts': skeleton.num_part_maps,
    'features': num_features,
  }
  features: dict[str, Any] = {
    STORED[name]: _array((None, None, None, channels[name]), np.uint8)
    for name in modalities
  }
  if 'features' in modalities:
    features['features_scale'] = tfds.features.Scalar(np.float32)
  return features


def _pose_features(representation: str, skeleton: Skeleton) -> dict[str, Any]:
  return {
    'keypoints': {
      'keypoints': _array((None, None, skeleton.num_joints, 3), np.float32)
    },
    # Mean confidences in 0..1, of which half precision keeps 11 bits: finer than the 8
    # of a frame's map.
    'potion': {
      'potion': _array((skeleton.num_maps, None, None, None), np.float16),
      'num_frames': tfds.features.Scalar(np.int32),
    },
  }[representation]


def _features(
  poses: Mapping[str, Any], class_names: Sequence[str], multi_label: bool
) -> tfds.features.FeaturesDict:
  if multi_label:
    labels = {'labels': _array((len(class_names),), np.uint8)}
  else:
    labels = {'label': tfds.features.ClassLabel(names=list(class_names))}
  return tfds.features.FeaturesDict(
    {
      'video_id': tfds.features.Text(),
      'frame_size': tfds.features.Tensor(shape=(2,), dtype=np.int32),
      **labels,
      **poses,
    }
  )


def _array(shape: tuple[int | None, ...], dtype) -> tfds.features.Tensor:
  # array_record compresses by itself: plain bytes are the smallest and the fastest.
  return tfds.features.Tensor(
    shape=shape, dtype=dtype, encoding=tfds.features.Encoding.BYTES
  )


def _what_is_there(directory: pathlib.Path) -> str:
  """Tells what lies near a data set's directory, which itself does not exist."""
  versions = _folders(directory.parent)
  if versions:
    return f'only version {", ".join(versions)}, of another release of this library'
  home = directory.parents[1]
  others = [r for r in REPRESENTATIONS if (home / r / directory.name).is_dir()]
  if others:
    return f'there as {", ".join(others)}'
  datasets = [
    name
    for name in _folders(home.parent)
    if any((home.parent / name / r).is_dir() for r in REPRESENTATIONS)
  ]
  return f'data sets in {home.parent}: {", ".join(datasets) or "none"}'


def _folders(directory: pathlib.Path) -> list[str]:
  if not directory.is_dir():
    return []
  return sorted(
    entry.name
    for entry in directory.iterdir()
    if entry.is_dir() and not entry.name.startswith('.')
  )
