"""Charades' official annotation (Sigurdsson et al., ECCV 2016).

Charades_v1_train.csv, Charades_v1_test.csv    one video per line; columns id, length (in
    seconds), actions `c092 11.90 21.20;c147 0.00 12.60` (class, start, end), and others
Charades_v1_classes.txt                        `c000 Holding some clothes`, ...

As published, 7 of 49,809 actions end before they begin: their labels are kept.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from input_pipeline import text_files
from input_pipeline.annotations.annotation import Annotation
from input_pipeline.annotations.faulty_lines import Faults, encoding_notes, joined
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import Segment
from input_pipeline.poses.notes import Note
from input_pipeline.text_tables import Row, Table, read_table

# Papers call the official test videos the validation split.
SPLITS = {'train': 'Charades_v1_train.csv', 'val': 'Charades_v1_test.csv'}
CLASSES = 'Charades_v1_classes.txt'
_CLASS = re.compile(r'c(?P<label>\d{3})\s+\S.*')
_ACTION = re.compile(r'c(?P<label>\d{3})\b\s*(?P<times>.*)')


class _Video(NamedTuple):
  """The actions in a video: their classes, and the spans of those with valid times."""

  line: int
  labels: tuple[int, ...]
  segments: tuple[Segment, ...]


def read(folder: pathlib.Path) -> Annotation:
  """Reads splits train and val, in file order, with timed actions.

  A video's labels are the classes of its actions, each once; a video may have no label.
  A class name is the full line from the file, code first: `c000 Holding some clothes`.
  An action whose times are invalid keeps its label and has no segment. Any other
  malformed action or line is left out. Notes name all of them.

  Raises:
    PoseDataError: if a file is missing, lacks columns or has too many malformed lines.
  """
  missing = [n for n in (*SPLITS.values(), CLASSES) if not (folder / n).is_file()]
  if missing:
    raise PoseDataError(
      f'{folder} lacks {", ".join(missing)}; unpack the official annotations, Charades.zip,'
      ' there'
    )
  class_names, notes = _class_names(folder / CLASSES)
  videos: dict[str, dict[str, _Video]] = {}
  # The test file first, because a video in both is not trained on.
  for split in reversed(SPLITS):
    tested = videos.get('val', {})
    videos[split], own_notes = _read_videos(
      folder / SPLITS[split], len(class_names), tested
    )
    notes += own_notes
  by_id = videos['train'] | videos['val']
  return Annotation(
    where=folder,
    class_names=class_names,
    splits={split: tuple(videos[split]) for split in SPLITS},
    labels={video_id: video.labels for video_id, video in by_id.items()},
    segments={video_id: video.segments for video_id, video in by_id.items()},
    multi_label=True,
    notes=joined(notes),
  )


def _class_names(file: pathlib.Path) -> tuple[tuple[str, ...], tuple[Note, ...]]:
  text = text_files.read(file)
  faults = Faults(file)
  names: dict[int, str] = {}
  for number, line in enumerate(text.content.split('\n'), start=1):
    name = line.strip()
    if not name:
      continue
    faults.count()
    match = _CLASS.fullmatch(name)
    label = int(match['label']) if match else -1
    if label < 0 or names.setdefault(label, name) != name:
      expected = 'a new code and a name, such as "c000 Holding some clothes"'
      faults.add(number, '', f'{name!r} is left out, because a class needs {expected}')
  notes = faults.notes()
  if not names:
    raise PoseDataError(f'{file} names no class')
  if absent := [label for label in range(max(names)) if label not in names]:
    raise PoseDataError(
      f'{file} has no line for class c{absent[0]:03}, but names classes up to'
      f' c{max(names):03}; unpack the official archive again'
    )
  ordered = tuple(names[label] for label in sorted(names))
  return ordered, (*notes, *encoding_notes(file, text.encoding))


def _read_videos(
  file: pathlib.Path, num_classes: int, tested: Mapping[str, _Video]
) -> tuple[dict[str, _Video], tuple[Note, ...]]:
  """The videos in a file, except those in `tested`."""
  table = read_table(file, ('id', 'actions'))
  faults = Faults(file, of='videos and actions')
  videos: dict[str, _Video] = {}
  for row in table.too_long:
    faults.count()
    faults.add(row.line, row.fields[0], 'left out, because it has too many columns')
  for row in table.rows:
    faults.count()
    video_id = table.field(row, 'id')
    if reason := _why_left_out(table, row, videos, tested):
      faults.add(row.line, video_id or '', reason)
    elif video_id:
      videos[video_id] = _video(table, row, num_classes, faults)
  notes = faults.notes()
  if not videos:
    raise PoseDataError(f'{file} lists no video')
  return videos, (*notes, *encoding_notes(file, table.encoding))


def _why_left_out(
  table: Table, row: Row, videos: Mapping[str, _Video], tested: Mapping[str, _Video]
) -> str:
  """Why a line gives no video; '' if it does."""
  video_id = table.field(row, 'id')
  if not video_id:
    return 'left out, because it has no id'
  if table.field(row, 'actions') is None:
    return 'left out, because it ends before the column actions'
  if video_id in videos:
    return f'left out, because the video is also in line {videos[video_id].line}'
  if video_id in tested:
    return f'left out, because the video is also in {SPLITS["val"]}'
  return ''


def _video(table: Table, row: Row, num_classes: int, faults: Faults) -> _Video:
  labels: set[int] = set()
  segments: list[Segment] = []
  actions = (table.field(row, 'actions') or '').split(';')
  for action in filter(None, map(str.strip, actions)):
    faults.count()
    match = _ACTION.fullmatch(action)
    label = int(match['label']) if match else num_classes
    video_id = table.field(row, 'id') or ''
    if match is None or label >= num_classes:
      faults.add(
        row.line,
        video_id,
        f'action {action!r} is left out, because it is not of the form "c092 11.90'
        f' 21.20" with a class from c000 to c{num_classes - 1:03}',
      )
      continue
    labels.add(label)
    try:
      start, end = map(float, match['times'].split())
      segments.append(Segment(label, start, end))
    except ValueError:
      faults.add(
        row.line,
        video_id,
        f'action {action!r} keeps its label but not its times, because they are not a'
        ' start and a later end in seconds',
      )
  return _Video(row.line, tuple(sorted(labels)), tuple(segments))
