"""Gives an extracted data set the labels and poses of its edited files."""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence

from input_pipeline import text_files
from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDataError, PoseDatasetError, shortened
from input_pipeline.export.export import export_dataset
from input_pipeline.export.summary import ExportSummary
from input_pipeline.poses.sources import ClipSource, PoseSource
from input_pipeline.readers.registry import read_poses
from input_pipeline.readers.videos.table import TABLE, read_table
from input_pipeline.storage.dataset import dataset_dir, is_there, open_dataset
from input_pipeline.storage.stored_source import stored_source
from pose_action.extraction.pose_files import FOLDER, write_table
from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path

_SHOWN, _LONGEST = 3, 200  # Clips in a message, and characters of a name.
_TAKEN = ('label', 'split', 'group', 'fps')  # Columns of the user's table.


def relabel(
  dataset: str,
  data_dir: PathLike,
  labels: PathLike | None = None,
  progress: Callable[[str], object] = print,
) -> tuple[ExportSummary, ...]:
  """Writes an extracted data set again from its files of poses, without extracting.

  Keypoints are those of the files, so that corrected joints count too. Maps stay as the
  network made them, and take the labels and splits.

  Args:
    dataset, data_dir: the data set, which `extract_dataset` wrote.
    labels: a table *.csv with a column `id` (a clip, or the video of several) or `path`
      (of a video), and label, split, group or fps. It is entered into the data set's own
      table, `<data_dir>/<dataset>/poses/videos.csv`. None: that table is as wanted.
    progress: receives lines of text.

  Returns:
    What was written: keypoints and, if there are any, heatmaps.

  Raises:
    PoseDataError: for tables that cannot be read, or name a clip that does not exist.
    PoseDatasetError: if the data set was not extracted.
  """
  folder = user_path(data_dir) / dataset / FOLDER
  if not (folder / TABLE).is_file():
    raise PoseDatasetError(
      f'there is no {folder / TABLE}: {dataset!r} in {os.fspath(data_dir)} is no data set'
      ' that pose-action extract of this release wrote; extract it again, or export your'
      ' own poses with labels (pose-action export)'
    )
  if labels is not None:
    progress(enter_labels(folder / TABLE, user_path(labels)))
  stored = open_dataset(data_dir, dataset, 'keypoints')
  poses = read_poses('mmpose', folder, skeleton=stored.skeleton.name)
  assert isinstance(poses, PoseSource)
  poses = dataclasses.replace(poses, origin=None)  # The data set was made from videos.
  sources: dict[str, ClipSource] = {'keypoints': poses}
  if is_there(dataset_dir(data_dir, dataset, 'heatmaps')):
    maps = stored_source(open_dataset(data_dir, dataset, 'heatmaps'))
    sources['heatmaps'] = _with_labels_of(maps, poses)
  return tuple(
    export_dataset(
      source,
      dataset=dataset,
      representation=representation,
      data_dir=data_dir,
      overwrite=True,
      progress=progress,
    )
    for representation, source in sources.items()
  )


def enter_labels(table: pathlib.Path, labels: pathlib.Path) -> str:
  """Enters a user's labels into `videos.csv`; returns how many clips changed, in words.

  Raises:
    PoseDataError: if a table cannot be read, or names a clip that does not exist.
  """
  rows, given = _rows(table), _rows(labels)
  columns = set(given[0]) if given else set()
  if not columns & {'id', 'path'} or not columns & {*_TAKEN}:
    found = shortened(', '.join(given[0]), _LONGEST) if given else '(none)'
    raise PoseDataError(
      f'{labels} has the columns {found}, but needs id or path, and at least one of'
      f' {", ".join(_TAKEN)}'
    )
  clips: dict[str, list[dict[str, str]]] = {}  # By their name and their group.
  for clip in rows:
    for name in {_name(clip), clip.get('group', '')} - {''}:
      clips.setdefault(name, []).append(clip)
  changed: set[str] = set()
  for number, row in enumerate(given, start=2):
    name = _name(row)
    own = clips.get(name, ())
    if not own:
      some = ', '.join(shortened(_name(r), _LONGEST) for r in rows[:_SHOWN])
      raise PoseDataError(
        f'{labels}, line {number}: there is no clip {shortened(name, _LONGEST)!r} in'
        f' {table}; its clips are {some}{" ..." if len(rows) > _SHOWN else ""}'
      )
    new = {column: row[column] for column in _TAKEN if row.get(column)}
    for clip in own:
      if any(clip.get(column) != value for column, value in new.items()):
        changed.add(_name(clip))
      clip.update(new)
  every = {column: '' for row in rows for column in row}
  before = table.read_bytes()
  write_table(table, [{**every, **row} for row in rows])
  try:
    read_table(table)
  except PoseDataError as error:
    atomic_files.write_bytes(table, before)
    raise PoseDataError(f'{labels} is not entered, because then {error}') from error
  return f'{table}: {len(changed)} of {len(rows)} clips changed'


def _name(row: Mapping[str, str]) -> str:
  """The clip that a row names; '' for none."""
  return row.get('id') or pathlib.PurePath(row.get('path') or '').stem


def _with_labels_of(maps: ClipSource, poses: PoseSource) -> ClipSource:
  """The maps with the labels, classes, splits and groups of the poses."""
  there = {video_id for ids in maps.splits.values() for video_id in ids}
  load = maps.load

  def load_labelled(video_id: str):
    clip, edited = load(video_id), poses.load(video_id)
    rate = edited.frame_rate or getattr(clip, 'frame_rate', None)
    return dataclasses.replace(clip, labels=edited.labels, frame_rate=rate)

  return dataclasses.replace(
    maps,
    load=load_labelled,
    class_names=poses.class_names,
    splits=_only(poses.splits, there),
    groups=poses.groups,
    multi_label=poses.multi_label,
  )


def _only(
  splits: Mapping[str, Sequence[str]], there: set[str]
) -> dict[str, tuple[str, ...]]:
  return {
    split: tuple(video_id for video_id in ids if video_id in there)
    for split, ids in splits.items()
  }


def _rows(table: pathlib.Path) -> list[dict[str, str]]:
  """The rows of a table by column, with names and values stripped.

  Raises:
    PoseDataError: if it cannot be read.
  """
  if not table.is_file():
    raise PoseDataError(f'{table} does not exist; give a table *.csv with labels')
  try:
    rows = csv.DictReader(io.StringIO(text_files.read_text(table)), strict=True)
    found = []
    for row in rows:
      if None in row:
        raise PoseDataError(
          f'{table}, line {rows.line_num} has more values than columns; put text with a'
          ' comma in double quotes'
        )
      found.append({n.strip().lower(): (text or '').strip() for n, text in row.items()})
    return found
  except csv.Error as error:
    raise PoseDataError(f'{table} is not a readable table: {error}') from error
