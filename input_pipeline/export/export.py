"""From a source of clips to the pose data set on disk."""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from input_pipeline.catalog import open_source
from input_pipeline.catalog.protocols import PathLike
from input_pipeline.catalog.source_spec import SourceSpec
from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.beam import (
  BeamSettings,
  check_beam,
  export_on_beam,
)
from input_pipeline.export.shard_plan import (
  Shard,
  plan_shards,
  sampled_bytes_per_clip,
)
from input_pipeline.export.staging import build_place
from input_pipeline.export.summary import ExportSummary, SplitSummary
from input_pipeline.export.write_shard import Recipe, ShardReport, export_shard
from input_pipeline.maps.part_fields import DEFAULT_WIDTH
from input_pipeline.maps.rendering import TRUNCATE
from input_pipeline.poses.sources import ClipSource
from input_pipeline.storage.dataset import (
  PoseDataset,
  dataset_dir,
  is_there,
  open_dataset,
)
from input_pipeline.storage.features import StoredForm
from input_pipeline.storage.files import SplitFiles, write_metadata
from input_pipeline.storage.map_settings import check_same, source_settings
from input_pipeline.storage.paths import data_path, is_remote
from input_pipeline.storage.rendered_maps import DEFAULT_SHORT_SIDE, DEFAULT_SIGMA
from pose_action.host.progress import Progress

_OTHER_DATA = (
  'ask for what is there, replace it with tools/export_dataset.py --overwrite, or use'
  ' another data_dir'
)


def export_dataset(
  source: ClipSource | SourceSpec,
  *,
  dataset: str,
  representation: str,
  data_dir: PathLike,
  short_side: int | None = None,
  sigma: float | None = None,
  channels: int | None = None,
  weights: str | None = None,
  modalities: Sequence[str] | None = None,
  part_width: float | None = None,
  splits: Sequence[str] | None = None,
  strict: bool = False,
  overwrite: bool = False,
  min_shards: int = 1,
  beam: BeamSettings | None = None,
  progress: Callable[[str], object] = print,
) -> ExportSummary:
  """Writes a data set to `<data_dir>/<dataset>/<representation>/<version>/`.

  The data set appears when it is complete, and not before. A clip that cannot be used
  is reported at once, left out, and listed in the summary and in the metadata.

  Args:
    source: the clips; with `beam`, how they are opened, in each worker again.
    dataset: its name, which is also its folder.
    representation: 'keypoints', 'heatmaps' or 'potion'.
    data_dir: where data sets lie: a folder, or a place in a store (`data_path`).
    short_side: of maps: cells on the shorter side of the frame. This and the following
      five are by default those of the source's ready maps; where it has none, the ones
      of `stored_settings.rendering_settings`.
    sigma: of maps: of the Gaussians, in cells.
    channels: potion only: the colours of time.
    weights: potion only: of the frames, see `potion.PotionSettings`.
    modalities: heatmaps only: of 'joints', 'parts', 'features'.
    part_width: of the parts among them, in cells from a limb's axis.
    splits: which of the source's; by default all that name a clip.
    strict: raise at the first clip that cannot be used.
    overwrite: replace the data set where it is already there.
    min_shards: of each split, see `shard_plan`.
    beam: run on Apache Beam: the same files, byte for byte, as in this process.
    progress: takes lines of text, at most about one a second while all goes well.

  Raises:
    PoseDatasetError: where the data set is already there, another process is writing
      it, no clip of a split can be used, the source cannot be had like this, or Beam is
      not installed or loses a worker.
    PoseDataError: with `strict`, the first clip's.
  """
  started = time.monotonic()
  root = data_path(data_dir)
  target = dataset_dir(root, dataset, representation)
  opened = _opened(source, beam)
  _check_names(opened, dataset)
  settings = source_settings(
    opened,
    representation,
    short_side=short_side,
    sigma=sigma,
    channels=channels,
    weights=weights,
    modalities=modalities,
    part_width=part_width,
  )
  form = StoredForm(
    dataset=dataset,
    representation=representation,
    skeleton=opened.skeleton,
    class_names=opened.class_names,
    multi_label=opened.multi_label,
    modalities=tuple(settings.get('modalities', ())),
    num_features=settings.get('num_features', 0),
  )
  chosen = _chosen_splits(opened, splits)
  summaries = {name: SplitSummary(name, len(opened.splits[name])) for name in chosen}

  with build_place(target, root, overwrite=overwrite) as place:
    num_clips = sum(split.num_offered for split in summaries.values())
    progress(f'{dataset} as {representation}: {num_clips} clips')
    recipe = Recipe(form, settings, os.fspath(place.directory), strict)
    shards = _plan(opened, chosen, recipe, min_shards)
    if beam is not None and isinstance(source, SourceSpec):
      reports = export_on_beam(source, shards, recipe, place.notes, beam, progress)
    else:
      reports = _export_here(opened, shards, recipe, progress)
    for shard, report in zip(shards, reports, strict=True):
      summaries[shard.split].add(report)
    _check_no_split_is_empty(list(summaries.values()))
    write_metadata(
      place.directory,
      form,
      {n: SplitFiles(s.shard_lengths, s.num_bytes) for n, s in summaries.items()},
      _metadata(opened, settings, list(summaries.values())),
    )
  return ExportSummary(
    directory=target,
    splits=tuple(summaries.values()),
    seconds=time.monotonic() - started,
  )


def open_or_export(
  *,
  dataset: str,
  representation: str,
  data_dir: PathLike,
  format: str | None = None,
  poses: PathLike | None = None,
  skeleton: str | None = None,
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
  """Opens a data set, which the primary process exports first if it is not there.

  Args:
    dataset, representation, data_dir, short_side, sigma, channels, weights,
      part_width, progress: as in `export_dataset`.
    modalities: of heatmaps, those that must be there; an export adds the joints.
    format, poses, skeleton, annotations, seed: as in `open_source.load_source`.
    is_primary: whether this process is the one that exports.
    wait: returns once every process of the job has called it; each calls it once,
      whether or not there is something to wait for, and whether or not it failed.

  Raises:
    PoseDatasetError: also where the data set there was rendered with other settings,
      or has another skeleton, than asked for.
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
      source = open_source.load_source(
        dataset,
        format=format,
        poses=poses,
        skeleton=skeleton,
        seed=seed,
        # What is downloaded goes to a folder of this host.
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
  finally:
    wait()
  opened = open_dataset(data_dir, dataset, representation)
  _check_modalities(opened, modalities)
  # Which modalities are there beside those asked for makes no difference.
  asked = {'truncate': TRUNCATE, **rendering}
  asked = {n: asked[n] for n in asked if n in opened.settings and n != 'modalities'}
  check_same(
    f'{opened.directory} is rendered with', asked, opened.settings, _OTHER_DATA
  )
  if skeleton:
    asked, there = {'skeleton': skeleton}, {'skeleton': opened.skeleton.name}
    check_same(f'{opened.directory} is of', asked, there, _OTHER_DATA)
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


def _export_here(
  source: ClipSource,
  shards: Sequence[Shard],
  recipe: Recipe,
  progress: Callable[[str], object],
) -> list[ShardReport]:
  """Writes the shards one after another in this process."""
  pace = Progress(sum(len(shard.video_ids) for shard in shards), 'clips', progress)

  def note(split: str, video_id: str, reason: str | None):
    if reason is not None:
      progress(f'{split}: left out {video_id!r}: {reason}')
    pace.add(label=split)

  reports = [
    export_shard(source, shard, recipe, functools.partial(note, shard.split))
    for shard in shards
  ]
  pace.close()
  return reports


def _plan(
  source: ClipSource, splits: Sequence[str], recipe: Recipe, min_shards: int
) -> list[Shard]:
  features = recipe.form.features()
  make_example = functools.partial(recipe.make_example, source)
  shards = []
  for split in splits:
    video_ids = source.splits[split]
    shards += plan_shards(
      split,
      video_ids,
      bytes_per_clip=sampled_bytes_per_clip(video_ids, make_example, features),
      min_shards=min_shards,
    )
  return shards


def _metadata(
  source: ClipSource, settings: Mapping[str, Any], splits: Sequence[SplitSummary]
) -> dict[str, Any]:
  """What is known of the clips without their frames, once all are written."""
  return {
    'skeleton': source.skeleton.to_dict(),
    'class_names': list(source.class_names),
    'settings': settings,
    'multi_label': source.multi_label,
    'splits': {
      split.name: {
        'video_ids': split.video_ids,
        'labels': split.labels,
        'num_frames': split.num_frames,
      }
      for split in splits
    },
    'left_out': [
      [split.name, video_id, reason]
      for split in splits
      for video_id, reason in split.left_out
    ],
  }


def _check_no_split_is_empty(splits: Sequence[SplitSummary]):
  for split in splits:
    if not split.num_clips:
      video_id, reason = split.left_out[0]
      raise PoseDatasetError(
        f'none of the {split.num_offered} clips of split {split.name!r} can be used;'
        f' the first: {video_id!r}: {reason}'
      )


def _opened(source: ClipSource | SourceSpec, beam: BeamSettings | None) -> ClipSource:
  if beam is not None:
    check_beam()
    if not isinstance(source, SourceSpec):
      raise PoseDatasetError(
        f'with beam the source is opened again in each worker, but it is a'
        f' {type(source).__name__}; give a SourceSpec (catalog/source_spec.py)'
      )
  return source.open() if isinstance(source, SourceSpec) else source


def _check_names(source: ClipSource, dataset: str):
  """That TFDS can store these names (it makes file names and label files of them)."""
  if not re.fullmatch(r'[A-Za-z]\w*', dataset):
    raise PoseDatasetError(
      f'{dataset!r} cannot name a data set; use letters, digits and _, a letter first'
    )
  names = [name.strip() for name in source.class_names]
  if not names or len(set(names)) < len(names):
    raise PoseDatasetError(
      f'class names must be given and differ from each other, but are {names}'
    )


def _chosen_splits(source: ClipSource, asked: Sequence[str] | None) -> tuple[str, ...]:
  offered = [split for split in source.splits if source.splits[split]]
  chosen = tuple(dict.fromkeys(asked or offered))
  for split in chosen:
    if not source.splits.get(split):
      raise PoseDatasetError(
        f'the source has no clip in split {split!r}; it has'
        f' {", ".join(f"{s} ({len(ids)})" for s, ids in source.splits.items())}'
      )
    if not re.fullmatch(r'\w*[^\W_]', split):
      raise PoseDatasetError(
        f'{split!r} cannot name a split; use letters, digits and _, not _ at the end'
      )
  if not chosen:
    raise PoseDatasetError('the source has no clips at all')
  return chosen
