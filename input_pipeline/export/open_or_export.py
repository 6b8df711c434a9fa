"""Opens a pose data set, after exporting it if it does not exist yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Unpack

from input_pipeline.annotations.training_windows import SegmentOptions
from input_pipeline.catalog import open_source
from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import DatasetInUseError, PoseDatasetError
from input_pipeline.export.export import export_dataset
from input_pipeline.export.source_record import (
  AskedSource,
  check_source,
  skeleton_name,
)
from input_pipeline.export.staging import wait_for_writer
from input_pipeline.maps.part_fields import DEFAULT_WIDTH
from input_pipeline.maps.potion import PotionSettings
from input_pipeline.maps.rendering import TRUNCATE
from input_pipeline.readers.options import ReadOptions
from input_pipeline.storage.dataset import (
  PoseDataset,
  dataset_dir,
  is_there,
  open_dataset,
)
from input_pipeline.storage.digests import unverifiable
from input_pipeline.storage.map_settings import AskedMaps, check_same, given_settings
from input_pipeline.storage.paths import data_path, is_remote
from input_pipeline.storage.rendered_maps import DEFAULT_SHORT_SIDE, DEFAULT_SIGMA

_OTHER_DATA = (
  'ask for the stored settings, replace the data set with tools/export_dataset.py'
  ' --overwrite, or use another data_dir'
)


def open_or_export(
  *,
  dataset: str,
  representation: str,
  data_dir: PathLike,
  format: str | None = None,
  poses: PathLike | None = None,
  skeleton: str | None = None,
  options: ReadOptions | None = None,
  annotations: PathLike | None = None,
  segments: SegmentOptions | None = None,
  seed: int = 0,
  is_primary: bool = True,
  wait: Callable[[], object] = lambda: None,
  progress: Callable[[str], object] = print,
  **maps: Unpack[AskedMaps],
) -> PoseDataset:
  """Opens a data set; if it does not exist, the primary process exports it first.

  Of several runs that start at once one exports, and the others wait for it.

  Args:
    dataset, representation, data_dir, progress: as in `export_dataset`.
    format, poses, skeleton, options, annotations, segments, seed: as in `load_source`. If the data
      set exists, it must have been made from the same files with the same options
      (`source_record.check_source`).
    is_primary: whether this is the process that exports.
    wait: a barrier that each process calls exactly once, even if its export fails.
    **maps: as in `export_dataset`, with the defaults of rendered maps. `modalities` must
      be in the data set; an export adds the joints.

  Raises:
    PoseDatasetError: as `export_dataset` and `load_source`; also if the data set
      exists, but was made from other poses, or with other settings or another skeleton.
  """
  rendering = _rendering(maps)
  try:
    asked = AskedSource(format, poses, skeleton, options, annotations, segments)
    place = _Place(data_dir, dataset, representation)
    if is_primary and not _exported(place, asked, seed, rendering, progress):
      existing = open_dataset(*place)
      _check_existing(existing, asked, _local(data_dir), progress)
  finally:
    wait()
  opened = open_dataset(data_dir, dataset, representation)
  _check_settings(opened, maps.get('modalities'), rendering, skeleton)
  return opened


class _Place(NamedTuple):
  """Which data set, where."""

  data_dir: PathLike
  dataset: str
  representation: str


def _exported(
  place: _Place,
  asked: AskedSource,
  seed: int,
  rendering: Mapping[str, Any],
  progress: Callable[[str], object],
) -> bool:
  """Exports the data set, unless it is there or another run exports it meanwhile."""
  target = dataset_dir(*place)
  if is_there(target):
    return False
  _say_size(asked.options, progress)
  fields = dataclasses.fields(asked)
  source = open_source.load_source(
    place.dataset,
    seed=seed,
    data_dir=_local(place.data_dir),
    **{field.name: getattr(asked, field.name) for field in fields},
  )
  while not is_there(target):
    try:
      summary = export_dataset(
        source, **place._asdict(), progress=progress, **rendering
      )
    except DatasetInUseError:
      progress(f'another run is exporting {target}; waiting for it')
      wait_for_writer(target, data_path(place.data_dir))
    except PoseDatasetError:
      if not is_there(target):  # Else another run was faster, between two looks.
        raise
    else:
      progress(str(summary))
      return True
  return False


def _local(data_dir: PathLike) -> PathLike | None:
  """The folder for downloads, which must be local."""
  return None if is_remote(data_dir) else data_path(data_dir)


def _say_size(options: ReadOptions | None, progress: Callable[[str], object]):
  if options is not None and options.frame_size is not None:
    progress(options.frame_size_in_words)


def _rendering(maps: AskedMaps) -> dict[str, Any]:
  """All settings for rendering the maps, with the joints among the modalities."""
  defaults = {
    'short_side': DEFAULT_SHORT_SIDE,
    'sigma': DEFAULT_SIGMA,
    'channels': PotionSettings.channels,
    'weights': PotionSettings.weights,
    'part_width': DEFAULT_WIDTH,
  }
  modalities = tuple(dict.fromkeys(('joints', *(maps.get('modalities') or ()))))
  return {**defaults, **given_settings(maps), 'modalities': modalities}


def _check_existing(
  opened: PoseDataset,
  asked: AskedSource,
  data_dir: PathLike | None,
  progress: Callable[[str], object],
):
  if not opened.verifiable:
    progress(f'note: {unverifiable(opened.directory)}')
  check_source(opened, asked, data_dir, progress)


def _check_settings(
  opened: PoseDataset,
  modalities: Sequence[str] | None,
  rendering: Mapping[str, Any],
  skeleton: str | None,
):
  _check_modalities(opened, modalities or ('joints',))
  _check_rendering(opened, rendering)
  _check_skeleton(opened, skeleton)


def _check_modalities(opened: PoseDataset, asked: Sequence[str]):
  if opened.representation != 'heatmaps':
    return
  missing = [name for name in asked if name not in opened.modalities]
  if missing:
    wanted = ','.join(dict.fromkeys((*opened.modalities, *missing)))
    raise PoseDatasetError(
      f'{opened.directory} holds {", ".join(opened.modalities)}, but not'
      f' {", ".join(missing)}; replace it with tools/export_dataset.py --overwrite'
      f' --modalities={wanted}'
      + (
        ' (features come from tools/extract_poses.py)' if 'features' in missing else ''
      )
      + ', or use another data_dir'
    )


def _check_rendering(opened: PoseDataset, rendering: Mapping[str, Any]):
  """Compares only settings that apply to the data set; extra modalities may exist."""
  asked = {'truncate': TRUNCATE, **rendering}
  asked = {n: asked[n] for n in asked if n in opened.settings and n != 'modalities'}
  check_same(
    f'{opened.directory} is rendered with', asked, opened.settings, _OTHER_DATA
  )


def _check_skeleton(opened: PoseDataset, skeleton: str | None):
  if skeleton and opened.source is None:  # Otherwise, `check_source` compares.
    asked = {'skeleton': skeleton_name(skeleton)}
    stored = {'skeleton': opened.skeleton.name}
    check_same(f'{opened.directory} has', asked, stored, _OTHER_DATA)
