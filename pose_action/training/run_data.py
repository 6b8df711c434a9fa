"""A run's data: its splits, and the settings that turn clips into a model's input."""

from __future__ import annotations

import dataclasses

import ml_collections
import numpy as np

from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.catalog.holdout import FOLD_RULE, Holdout, hold_out
from input_pipeline.catalog.protocols import asked_figures
from input_pipeline.loading.class_balance import check_balance
from input_pipeline.loading.clip_rows import ClipSettings
from input_pipeline.loading.kept_records import KeptRecords
from input_pipeline.loading.records import Records
from input_pipeline.maps.canvas import MapSettings
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.dataset import PoseDataset
from input_pipeline.trajectories.from_keypoints import TrajectorySettings
from pose_action.training.clip_times import ClipTimes
from pose_action.training.input_settings import (
  ExampleInput,
  augment_settings,
  clip_settings,
  example_input,
  map_settings,
  trajectory_settings,
)


@dataclasses.dataclass(frozen=True)
class Split:
  """Clips from one split of a data set.

  Attributes:
    name: the name in results: the data set's split, or 'validation'.
    records: all examples of the data set's split.
    indices: int `[b]`, the records that belong to this split.
    video_ids, labels: `[b]`, in the order of `indices`; multi-hot labels are `[b, k]`.
    num_frames, frame_rates: `[b]`, lengths, and frames per second or None; None for
      the rates if all are unknown.
    shard_digests: of all files of the data set's split; None if they are not known.
  """

  name: str
  records: Records
  indices: np.ndarray
  video_ids: tuple[str, ...]
  labels: np.ndarray
  num_frames: tuple[int, ...]
  frame_rates: tuple[float | None, ...] | None
  shard_digests: tuple[str, ...] | None = None


@dataclasses.dataclass(frozen=True)
class RunData:
  """A run's splits, and the settings that turn their clips into a model's input."""

  skeleton: Skeleton  # the joint layout that the model reads
  class_names: tuple[str, ...]
  multi_label: bool
  train: Split
  validation: Split | None  # the test split if config.data.validate_on is 'test'
  test: Split | None
  clip_settings: ClipSettings
  map_settings: MapSettings
  augment_settings: AugmentSettings
  example_input: ExampleInput  # the shape of what the model reads for one clip
  read_threads: int
  trajectory_settings: TrajectorySettings | None = None  # None if it reads maps
  asked_figures: tuple[str, ...] = ()  # the protocol's, see `metrics.figures`
  background_class: str = ''  # the class that is no action
  holdout: Holdout | None = None  # how `validation` was held out of the training clips

  @property
  def clip_times(self) -> ClipTimes:
    """The lengths and frame rates of the training clips."""
    return ClipTimes.of_clips(self.train.num_frames, self.train.frame_rates)


def make_run_data(config: ml_collections.ConfigDict, dataset: PoseDataset) -> RunData:
  """Divides an open data set into the config's splits.

  Raises:
    ValueError: for an unknown split, or settings that do not fit the data set's labels,
      modalities or stored maps.
  """
  data = config.data
  _check_split(config, dataset, 'train_split')
  if data.test_split:
    remedy = "; for no test split set it to '' (option test=false)"
    _check_split(config, dataset, 'test_split', remedy)
  trajectories = trajectory_settings(config)
  _check_stored_maps(config, dataset)
  _check_modalities(config, dataset)
  _check_augmentation(config, dataset)
  _check_labels(config, dataset)
  check_balance(data.balance, dataset.multi_label)
  train, validation, holdout = _train_and_validation(config, dataset)
  # Only training reads a record again: evaluations keep their batches.
  train = dataclasses.replace(train, records=KeptRecords(train.records))
  skeleton = dataset.skeleton
  if trajectories is not None or not data.background:
    skeleton = dataclasses.replace(skeleton, background=False)
  return RunData(
    skeleton=skeleton,
    class_names=dataset.class_names,
    multi_label=dataset.multi_label,
    train=train,
    validation=validation,
    test=_split(dataset, data.test_split) if data.test_split else None,
    clip_settings=clip_settings(config, dataset.skeleton),
    map_settings=map_settings(config),
    augment_settings=augment_settings(config),
    example_input=example_input(config, skeleton),
    read_threads=data.read_threads,
    trajectory_settings=trajectories,
    asked_figures=asked_figures(data.dataset),
    background_class=dataset.background_class,
    holdout=holdout,
  )


def _train_and_validation(
  config: ml_collections.ConfigDict, dataset: PoseDataset
) -> tuple[Split, Split | None, Holdout | None]:
  """The training clips with a fold held out, or all and the test split."""
  data = config.data
  if data.validate_on == 'test':
    if not data.test_split:
      raise ValueError(
        "config.data.validate_on is 'test', but config.data.test_split is empty; set a"
        " test split, or validate_on='held_out'"
      )
    return _split(dataset, data.train_split), _split(dataset, data.test_split), None
  if data.validate_on != 'held_out':
    raise ValueError(
      f"config.data.validate_on is {data.validate_on!r}; give 'held_out' or 'test'"
    )
  if not data.validation_folds:
    return _split(dataset, data.train_split), None, None
  holdout = held_out_clips(config, dataset)
  validation = None
  if holdout.mask.any():
    validation = _split(dataset, data.train_split, holdout.mask, name='validation')
  return _split(dataset, data.train_split, ~holdout.mask), validation, holdout


def held_out_clips(config: ml_collections.ConfigDict, dataset: PoseDataset) -> Holdout:
  """Which clips of the training split the config holds out.

  Raises:
    ValueError: same as `hold_out`.
  """
  data = config.data
  clips = dataset.clips(data.train_split)
  return hold_out(
    clips.video_ids,
    clips.labels,
    fold=data.validation_fold,
    folds=data.validation_folds,
    rule=data.fold_rule or FOLD_RULE,
    group_by=data.group_by,
    stored=clips.groups,
    dataset=data.dataset,
  )


def _split(
  dataset: PoseDataset, split: str, chosen: np.ndarray | None = None, name: str = ''
) -> Split:
  """The clips that the mask `chosen` `[b]` selects; by default all."""
  clips = dataset.clips(split)
  rates = clips.frame_rates
  indices = np.arange(len(clips)) if chosen is None else np.flatnonzero(chosen)
  return Split(
    name=name or split,
    records=dataset.records(split),
    indices=indices,
    video_ids=tuple(clips.video_ids[i] for i in indices),
    labels=clips.labels[indices],
    num_frames=tuple(int(clips.num_frames[i]) for i in indices),
    frame_rates=tuple(rates[i] for i in indices) if rates else None,
    shard_digests=dataset.shard_digests(split),
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


def _check_labels(config: ml_collections.ConfigDict, dataset: PoseDataset):
  loss = config.train.loss
  if dataset.multi_label != (loss == 'binary_cross_entropy'):
    labels = 'several labels' if dataset.multi_label else 'one label'
    fitting = 'binary_cross_entropy' if dataset.multi_label else 'cross_entropy'
    raise ValueError(
      f'config.train.loss is {loss!r}, but clips of {config.data.dataset!r} have'
      f' {labels}; set it to {fitting!r}'
    )


def _check_modalities(config: ml_collections.ConfigDict, dataset: PoseDataset):
  """Raises ValueError for modalities that are neither stored nor can be rendered."""
  data = config.data
  wanted = stored_modalities(map_settings(config).modalities)
  if 'features' in wanted and dataset.representation == 'keypoints':
    raise ValueError(
      f'config.data.modalities is {tuple(data.modalities)}, but features cannot be'
      ' rendered from keypoints; extract them with a pose network'
      " (tools/extract_poses.py) and set config.data.representation='heatmaps'"
    )
  if dataset.representation != 'heatmaps':
    return
  if missing := [name for name in wanted if name not in dataset.modalities]:
    raise ValueError(
      f'config.data.modalities is {tuple(data.modalities)}, but {dataset.directory}'
      f' holds {", ".join(dataset.modalities)} and not {", ".join(missing)}'
    )
  if 'features' in wanted and data.num_features != dataset.num_features:
    raise ValueError(
      f'config.data.num_features is {data.num_features}, but the features in'
      f' {dataset.directory} have {dataset.num_features} channels; set it to'
      f' {dataset.num_features}'
    )


def _check_augmentation(config: ml_collections.ConfigDict, dataset: PoseDataset):
  """Raises ValueError for augmentation that the stored form does not allow."""
  augment, representation = augment_settings(config), dataset.representation
  keypoints = "set config.data.representation='keypoints', or"
  if augment.time.moves and not config.data.read_frames:
    raise ValueError(
      'config.augment.time chooses moments on the device, but config.data.read_frames is'
      " 0; set it to the frames to choose from, with config.data.sampling='whole', or"
      ' config.augment.time.crop to (1.0, 1.0), tempo to 1.0 and mask_share to (0.0, 0.0)'
    )
  if representation == 'potion':
    summed = {'time': augment.time.moves, 'joint_noise': augment.joint_noise > 0}
    if on := [name for name, is_on in summed.items() if is_on]:
      raise ValueError(
        f'config.augment.{on[0]} changes single frames, but stored PoTion maps are sums'
        f' over frames; {keypoints} turn it off'
      )
  if representation != 'keypoints' and augment.limbs.moves:
    raise ValueError(
      'config.augment.limbs moves limbs about joints of each frame and person, but stored'
      f' {representation} hold no positions; {keypoints} limbs.turn to 0.0 and'
      ' limbs.stretch to (1.0, 1.0)'
    )
  if representation != 'heatmaps':
    return
  wanted = stored_modalities(map_settings(config).modalities)
  others = [name for name in wanted if name != 'joints']
  by_joint = {
    'pose_aware': augment.pose_aware.moves,
    'joint_noise': augment.joint_noise,
  }
  if others and (on := [name for name, is_on in by_joint.items() if is_on]):
    raise ValueError(
      f'config.augment.{on[0]} moves joints one by one, but stored'
      f' {" and ".join(others)} cannot follow; {keypoints} turn it off (0)'
    )
  if 'features' in wanted and augment.joint_masking.masks:
    raise ValueError(
      'config.augment.joint_masking hides joints, but stored features show all of them;'
      ' set config.augment.joint_masking.share=0.0'
    )


def _check_stored_maps(config: ml_collections.ConfigDict, dataset: PoseDataset):
  """Raises ValueError unless stored maps were rendered with the config's settings."""
  data = config.data
  asked = {'short_side': 'map_short_side', 'sigma': 'map_sigma'}
  if dataset.representation == 'keypoints':
    if data.random_crop or data.stretch:
      raise ValueError(
        'config.data.random_crop and config.data.stretch are for stored maps, but'
        " config.data.representation is 'keypoints'; set both to False"
      )
    return
  if data.crop != 'frame':
    raise ValueError(
      f'config.data.crop is {data.crop!r}, but stored maps show the whole frame;'
      " set config.data.representation='keypoints' or config.data.crop='frame'"
    )
  if dataset.representation == 'potion':
    if data.encoding != 'potion':
      raise ValueError(
        f'config.data.encoding is {data.encoding!r}, but the data set holds PoTion'
        " maps; set it to 'potion', or set another config.data.representation"
      )
    asked |= {'channels': 'potion.channels', 'weights': 'potion.weights'}
  elif 'parts' in stored_modalities(data.modalities):
    asked |= {'part_width': 'part_width'}
  wanted = {name: _field(data, field) for name, field in asked.items()}
  stored = {name: dataset.settings.get(name) for name in asked}
  differing = [n for n in asked if stored[n] is not None and stored[n] != wanted[n]]
  if differing:
    raise ValueError(
      f'the maps at {dataset.directory} were rendered with '
      + ', '.join(
        f'{n} {stored[n]}, but config.data.{asked[n]} is {wanted[n]}' for n in differing
      )
      + '. Export them again (tools/export_dataset.py --overwrite '
      + ' '.join(f'--{n}={wanted[n]}' for n in differing)
      + "), or set config.data.representation='keypoints', which renders with the"
      " config's settings"
    )


def _field(section: ml_collections.ConfigDict, name: str):
  for part in name.split('.'):
    section = section[part]
  return section
