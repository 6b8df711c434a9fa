"""The data of a run: its splits, and the settings that turn clips into maps."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np

from input_pipeline.augment import AugmentSettings
from input_pipeline.clip_maps import MapSettings
from input_pipeline.datasets.holdout import validation_mask
from input_pipeline.datasets.pose_dataset import PoseDataset
from input_pipeline.loader import ClipSettings, Records
from input_pipeline.skeletons import Skeleton


@dataclasses.dataclass(frozen=True)
class Split:
  """Some clips of one split of a data set.

  Attributes:
    name: as shown in results: the data set's split, or 'validation'.
    records: the examples of the whole split.
    indices: int `[b]`, those that belong.
    video_ids, labels: of those, `[b]`.
  """

  name: str
  records: Records
  indices: np.ndarray
  video_ids: tuple[str, ...]
  labels: np.ndarray


@dataclasses.dataclass(frozen=True)
class RunData:
  """Everything about data that a run needs; `validation` and `test` may be absent."""

  skeleton: Skeleton
  class_names: tuple[str, ...]
  train: Split
  validation: Split | None
  test: Split | None
  clip_settings: ClipSettings
  map_settings: MapSettings
  augment_settings: AugmentSettings
  read_threads: int

  @property
  def example_maps(self) -> jax.ShapeDtypeStruct:
    """The shape of one clip's maps, `[1, t, h, w, c]`."""
    return jax.ShapeDtypeStruct(
      (
        1,
        self.clip_settings.num_frames,
        *self.map_settings.size,
        self.skeleton.num_maps,
      ),
      jnp.float32,
    )


def make_run_data(config: ml_collections.ConfigDict, dataset: PoseDataset) -> RunData:
  """Divides an open data set as the config says.

  Raises:
    ValueError: for a split that the data set does not have, or settings that differ
      from those its maps were rendered with.
  """
  data = config.data
  _check_split(config, dataset, 'train_split')
  if data.test_split:
    remedy = "; set it to '' (or the option test=false) to go without"
    _check_split(config, dataset, 'test_split', remedy)
  if dataset.representation == 'heatmaps':
    _check_rendering(data, dataset)
  training_clips = dataset.clips(data.train_split)
  held_out = np.zeros(len(training_clips), bool)
  if data.validation_folds:
    held_out = validation_mask(
      training_clips.video_ids,
      training_clips.labels,
      fold=data.validation_fold,
      folds=data.validation_folds,
    )
  return RunData(
    skeleton=dataset.skeleton,
    class_names=dataset.class_names,
    train=_split(dataset, data.train_split, ~held_out),
    validation=(
      _split(dataset, data.train_split, held_out, name='validation')
      if held_out.any()
      else None
    ),
    test=_split(dataset, data.test_split) if data.test_split else None,
    clip_settings=ClipSettings(
      num_frames=data.num_frames,
      rule=data.sampling,
      max_persons=data.max_persons,
      canvas=tuple(data.map_size),
      background=dataset.skeleton.background,
    ),
    map_settings=MapSettings(
      size=tuple(data.map_size),
      short_side=data.map_short_side,
      sigma=data.map_sigma,
      crop=data.crop,
    ),
    augment_settings=AugmentSettings(
      flip_probability=config.augment.flip_probability,
      scale=tuple(config.augment.scale),
      shift=config.augment.shift,
    ),
    read_threads=data.read_threads,
  )


def _split(
  dataset: PoseDataset, split: str, chosen: np.ndarray | None = None, name: str = ''
) -> Split:
  """The clips of a split that `chosen` `[b]` marks; all without it."""
  clips = dataset.clips(split)
  indices = np.arange(len(clips)) if chosen is None else np.flatnonzero(chosen)
  return Split(
    name=name or split,
    records=dataset.records(split),
    indices=indices,
    video_ids=tuple(clips.video_ids[i] for i in indices),
    labels=clips.labels[indices],
  )


def _check_split(
  config: ml_collections.ConfigDict, dataset: PoseDataset, field: str, remedy: str = ''
):
  name = config.data[field]
  if name not in dataset.splits:
    raise ValueError(
      f'config.data.{field} is {name!r}, but {config.data.dataset!r} has the splits'
      f' {sorted(dataset.splits)}{remedy}'
    )


def _check_rendering(data: ml_collections.ConfigDict, dataset: PoseDataset):
  """Stored maps must be those that the config asks for."""
  if data.crop != 'frame':
    raise ValueError(
      f'config.data.crop is {data.crop!r}, but stored heatmaps show the whole frame;'
      " set config.data.representation='keypoints' or config.data.crop='frame'"
    )
  for field, setting in (('map_short_side', 'short_side'), ('map_sigma', 'sigma')):
    if data[field] != dataset.settings[setting]:
      raise ValueError(
        f'config.data.{field} is {data[field]}, but the maps at {dataset.directory}'
        f' were rendered with {dataset.settings[setting]}. Export them anew'
        f' (tools/export_dataset.py --overwrite --{setting}={data[field]}), or take'
        " config.data.representation='keypoints', which renders as the config says"
      )
