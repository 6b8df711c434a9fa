"""Exports a source of clips to a pose data set on disk.

Example:
  >>> import pose_action
  >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
  ...                                 frame_size=(240, 320))
  >>> summary = pose_action.export_dataset(
  ...   source, dataset='mine', representation='keypoints', data_dir='data',
  ...   progress=lambda line: None)
  >>> [(split.name, split.num_clips) for split in summary.splits]
  [('all', 2)]
"""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from etils import epath

from input_pipeline.catalog.protocols import PathLike
from input_pipeline.catalog.source_spec import SourceSpec
from input_pipeline.errors import PoseDatasetError, shortened
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
from input_pipeline.export.source_record import source_record
from input_pipeline.export.staging import BuildPlace, build_place
from input_pipeline.export.summary import ExportSummary, SplitSummary
from input_pipeline.export.write_shard import Recipe, ShardReport, export_shard
from input_pipeline.poses.reasons import FewLines
from input_pipeline.poses.sources import ClipSource, PoseSource, source_notes
from input_pipeline.storage.dataset import dataset_dir
from input_pipeline.storage.features import StoredForm
from input_pipeline.storage.files import SplitFiles, write_metadata
from input_pipeline.storage.frame_chunks import FRAMES_PER_CHUNK
from input_pipeline.storage.map_settings import AskedMaps, source_settings
from input_pipeline.storage.paths import data_path, is_remote
from pose_action.host.progress import Progress
from pose_action.host.threads import usable_cores

_LONGEST_SPLIT = 100  # Characters; a file's name may have 255.
_MOST_THREADS = 16  # By default; each holds a clip's maps, up to 100 MB (our choice).


def export_dataset(
  source: ClipSource | SourceSpec,
  *,
  dataset: str,
  representation: str,
  data_dir: PathLike,
  splits: Sequence[str] | None = None,
  strict: bool = False,
  overwrite: bool = False,
  min_shards: int = 1,
  beam: BeamSettings | None = None,
  frames_per_chunk: int = FRAMES_PER_CHUNK,
  workers: int | None = None,
  progress: Callable[[str], object] = print,
  **maps: Unpack[AskedMaps],
) -> ExportSummary:
  """Writes a data set to `<data_dir>/<dataset>/<representation>/<version>/`.

  It appears when it is complete. A clip that cannot be used is reported at once, left out,
  and listed in the summary and in the metadata.

  Args:
    source: the clips; with `beam`, a spec with which each worker opens them again.
    dataset: the data set's name, also the name of its folder.
    representation: 'keypoints', 'heatmaps' or 'potion'.
    data_dir: the folder for data sets, or a place in an object store (`paths.data_path`).
    splits: which of the source's splits; by default, all that name a clip.
    strict: whether to raise at the first clip that cannot be used.
    overwrite: whether to replace an existing data set.
    min_shards: least number of shards per split, see `shard_plan`.
    beam: where to run on Apache Beam (same files, byte for byte); None: this process.
    frames_per_chunk: for heatmaps, see `frame_chunks`; 0 stores each clip whole.
    workers: threads that make maps (same files); by default one per core, at most 16.
    progress: receives lines of text, at most about one per second unless clips fail.
    **maps: how to make maps, such as `short_side`; see `map_settings.AskedMaps`.

  Raises:
    PoseDatasetError: if the data set exists, another process writes it, a split has no
      usable clip, the source cannot serve this representation or these settings, or Beam
      is not installed, loses a worker, or meets `workers`.
    PoseDataError: with `strict`, the error of the first clip that cannot be used.
  """
  started = time.monotonic()
  threads = _threads(workers, representation, beam)
  root = data_path(data_dir)
  target = dataset_dir(root, dataset, representation)
  opened = _with_valid_names(_opened(source, beam), dataset)
  settings = source_settings(opened, representation, **maps)
  form = _stored_form(opened, dataset, representation, settings, frames_per_chunk)
  chosen = _chosen_splits(opened, splits)
  with build_place(target, root, overwrite=overwrite) as place:
    progress(f'{dataset} as {representation}: {_num_clips(opened, chosen)} clips')
    recipe = Recipe(form, settings, os.fspath(place.directory), strict, threads)
    record = source_record(opened, None if is_remote(root) else root, progress)
    shards = _plan(opened, chosen, recipe, min_shards)
    reports = _export(source, opened, shards, recipe, place.notes, beam, progress)
    summaries = _summaries(opened, chosen, shards, reports)
    _complete(place, recipe, opened, summaries, record)
  seconds = time.monotonic() - started
  return ExportSummary(target, summaries, seconds, source_notes(opened))


def _num_clips(source: ClipSource, splits: Sequence[str]) -> int:
  return sum(len(source.splits[name]) for name in splits)


def _threads(
  workers: int | None, representation: str, beam: BeamSettings | None
) -> int:
  """How many threads make examples."""
  if workers is not None and (workers < 0 or beam is not None):
    raise PoseDatasetError(
      f'workers is {workers}, but must be 0 or more'
      if workers < 0
      else "workers are threads of one process; with Beam, give the runner's num_workers"
    )
  # Keypoints are copied, in Python, which threads do not share.
  if beam is not None or representation == 'keypoints':
    return 1
  return min(usable_cores(), _MOST_THREADS) if workers is None else workers


def _stored_form(
  source: ClipSource,
  dataset: str,
  representation: str,
  settings: Mapping[str, Any],
  frames_per_chunk: int,
) -> StoredForm:
  return StoredForm(
    dataset=dataset,
    representation=representation,
    skeleton=source.skeleton,
    class_names=source.class_names,
    multi_label=source.multi_label,
    modalities=tuple(settings.get('modalities', ())),
    num_features=settings.get('num_features', 0),
    frames_per_chunk=frames_per_chunk if representation == 'heatmaps' else 0,
  )


def _export(
  source: ClipSource | SourceSpec,
  opened: ClipSource,
  shards: Sequence[Shard],
  recipe: Recipe,
  notes: epath.Path,
  beam: BeamSettings | None,
  progress: Callable[[str], object],
) -> list[ShardReport]:
  if beam is not None and isinstance(source, SourceSpec):
    return export_on_beam(source, shards, recipe, notes, beam, progress)
  return _export_here(opened, shards, recipe, progress)


def _export_here(
  source: ClipSource,
  shards: Sequence[Shard],
  recipe: Recipe,
  progress: Callable[[str], object],
) -> list[ShardReport]:
  """Writes the shards one after another in this process."""
  pace = Progress(sum(len(shard.video_ids) for shard in shards), 'clips', progress)

  few = FewLines()

  def note(split: str, video_id: str, reason: str | None):
    if reason is not None:
      line = few.line(video_id, reason, f'{split}: left out {video_id!r}: {reason}')
      if line is not None:
        progress(line)
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

  def make_example(video_id: str) -> Mapping[str, Any]:
    return recipe.make_example(source, video_id)[1]

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


def _summaries(
  source: ClipSource,
  splits: Sequence[str],
  shards: Sequence[Shard],
  reports: Sequence[ShardReport],
) -> tuple[SplitSummary, ...]:
  """Collects the shards' reports by split.

  Raises:
    PoseDatasetError: if a split has no usable clip.
  """
  summaries = {name: SplitSummary(name, len(source.splits[name])) for name in splits}
  for shard, report in zip(shards, reports, strict=True):
    summaries[shard.split].add(report)
  for split in summaries.values():
    if not split.num_clips:
      video_id, reason = split.left_out[0]
      raise PoseDatasetError(
        f'none of the {split.num_offered} clips in split {split.name!r} can be used;'
        f' the first: {video_id!r}: {reason}'
      )
  return tuple(summaries.values())


def _complete(
  place: BuildPlace,
  recipe: Recipe,
  source: ClipSource,
  splits: Sequence[SplitSummary],
  record: Mapping[str, Any] | None,
):
  """Writes the metadata, which turn the written shards into a data set."""
  write_metadata(
    place.directory,
    recipe.form,
    {s.name: SplitFiles(s.shard_lengths, s.shard_digests) for s in splits},
    {
      **_metadata(source, recipe.settings, splits),
      'frames_per_chunk': recipe.form.frames_per_chunk,
      'source': record,
    },
  )


def _metadata(
  source: ClipSource, settings: Mapping[str, Any], splits: Sequence[SplitSummary]
) -> dict[str, Any]:
  """The metadata of the written clips: all that is known without reading records."""
  return {
    'skeleton': source.skeleton.to_dict(),
    'class_names': list(source.class_names),
    'settings': settings,
    'multi_label': source.multi_label,
    **_background_class(source),
    'splits': {
      split.name: {
        'video_ids': split.video_ids,
        'labels': split.labels,
        'num_frames': split.num_frames,
        **_groups(source, split.video_ids),
        **_frame_rates(split),
      }
      for split in splits
    },
    'left_out': [
      [split.name, video_id, reason]
      for split in splits
      for video_id, reason in split.left_out
    ],
  }


def _background_class(source: ClipSource) -> dict[str, str]:
  """The class that is no action, if there is one."""
  name = source.background_class if isinstance(source, PoseSource) else ''
  return {'background_class': name} if name else {}


def _groups(source: ClipSource, video_ids: Sequence[str]) -> dict[str, list[str]]:
  """Each clip's group, for a source that has groups."""
  if not source.groups:
    return {}
  return {'groups': [source.groups.get(video_id, video_id) for video_id in video_ids]}


def _frame_rates(split: SplitSummary) -> dict[str, list[float | None]]:
  """Each clip's frames per second, if any is known."""
  return {'frame_rates': split.frame_rates} if any(split.frame_rates) else {}


def _opened(source: ClipSource | SourceSpec, beam: BeamSettings | None) -> ClipSource:
  if beam is not None:
    check_beam()
    if not isinstance(source, SourceSpec):
      raise PoseDatasetError(
        f'the source is a {type(source).__name__}; give a SourceSpec'
        ' (catalog/source_spec.py), with which each worker of Beam opens it again'
      )
  return source.open() if isinstance(source, SourceSpec) else source


def _with_valid_names(source: ClipSource, dataset: str) -> ClipSource:
  """The source, if TFDS can use the names in files and file names.

  Raises:
    PoseDatasetError: if it cannot.
  """
  if not re.fullmatch(r'[A-Za-z]\w*', dataset):
    raise PoseDatasetError(
      f'{dataset!r} cannot name a data set; use letters, digits and _, and begin with a'
      ' letter'
    )
  for split in source.splits:
    if len(split) > _LONGEST_SPLIT:
      raise PoseDatasetError(
        f'a split is called {shortened(split)!r}, which is {len(split)} characters, but'
        f' may have at most {_LONGEST_SPLIT}, because files are named after it'
      )
  names = [name.strip() for name in source.class_names]
  if not names or len(set(names)) < len(names):
    raise PoseDatasetError(
      f'class names are {names}, but there must be at least one, and all must differ'
    )
  return source


def _chosen_splits(source: ClipSource, asked: Sequence[str] | None) -> tuple[str, ...]:
  offered = [split for split in source.splits if source.splits[split]]
  chosen = tuple(dict.fromkeys(asked or offered))
  for split in chosen:
    if not source.splits.get(split):
      raise PoseDatasetError(
        f'the source has no clip in split {split!r}; clips per split:'
        f' {", ".join(f"{s} ({len(ids)})" for s, ids in source.splits.items())}'
      )
    if not re.fullmatch(r'\w*[^\W_]', split):
      raise PoseDatasetError(
        f'{split!r} cannot name a split; use letters, digits and _, and do not end with _'
      )
  if not chosen:
    raise PoseDatasetError('the source has no clips; it needs at least one')
  return chosen
