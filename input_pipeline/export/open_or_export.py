"""Opens a pose data set, after exporting it if it does not exist yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from input_pipeline.catalog import open_source
from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.export import export_dataset
from input_pipeline.maps.part_fields import DEFAULT_WIDTH
from input_pipeline.maps.rendering import TRUNCATE
from input_pipeline.readers.options import ReadOptions
from input_pipeline.storage.dataset import (
  PoseDataset,
  dataset_dir,
  is_there,
  open_dataset,
)
from input_pipeline.storage.map_settings import check_same
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
  seed: int = 0,
  short_side: int = DEFAULT_SHORT_SIDE,
  sigma: float = DEFAULT_SIGMA,
  channels: int = 3,
  weights: str = 'exact',
  modalities: Sequence[str] = ('joints',),
  part_width: float = DEFAULT_WIDTH,
  is_primary: bool = True,
  wait: Callable[[], object] = lambda: None,
  progress: Callable[[str], object] = print,
) -> PoseDataset:
  """Opens a data set; if it does not exist, the primary process exports it first.

  Args:
    dataset, representation, data_dir, short_side, sigma, channels, weights,
      part_width, progress: as in `export_dataset`.
    modalities: for heatmaps: those that the data set must have; an export adds the
      joints.
    format, poses, skeleton, options, annotations, seed: as in
      `open_source.load_source`; if the data set exists, no poses are read.
    is_primary: whether this is the process that exports.
    wait: a barrier: returns once every process of the job has called it. Each process
      calls it exactly once, whether or not it exported and whether or not it failed.

  Raises:
    PoseDatasetError: as `export_dataset` and `load_source`; also if the existing data
      set has other rendering settings, or another skeleton, than asked for.
  """
  rendering = {
    'short_side': short_side,
    'sigma': sigma,
    'channels': channels,
    'weights': weights,
    'modalities': tuple(dict.fromkeys(('joints', *modalities))),
    'part_width': part_width,
  }
  try:
    if is_primary and not is_there(dataset_dir(data_dir, dataset, representation)):
      if options is not None and options.frame_size is not None:
        progress(options.frame_size_in_words)
      source = open_source.load_source(
        dataset,
        format=format,
        poses=poses,
        skeleton=skeleton,
        options=options,
        seed=seed,
        # Downloads need a local folder.
        data_dir=None if is_remote(data_dir) else data_path(data_dir),
        annotations=annotations,
      )
      summary = export_dataset(
        source,
        dataset=dataset,
        representation=representation,
        data_dir=data_dir,
        **rendering,
        progress=progress,
      )
      progress(str(summary))
    elif is_primary and options is not None and options.given:
      progress(
        f'data set {dataset!r} exists, so poses are not read, and'
        f' {", ".join(options.given)} not used'
      )
  finally:
    wait()
  opened = open_dataset(data_dir, dataset, representation)
  _check_modalities(opened, modalities)
  _check_rendering(opened, rendering)
  _check_skeleton(opened, skeleton)
  return opened


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
  if skeleton:
    asked, stored = {'skeleton': skeleton}, {'skeleton': opened.skeleton.name}
    check_same(f'{opened.directory} has', asked, stored, _OTHER_DATA)
