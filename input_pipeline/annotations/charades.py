"""Charades' official annotation (Sigurdsson et al., ECCV 2016).

Charades_v1_train.csv, Charades_v1_test.csv    one video per line; columns id, length (in
    seconds), actions `c092 11.90 21.20;c147 0.00 12.60` (class, start, end), and others
Charades_v1_classes.txt                        `c000 Holding some clothes`, ...
"""

from __future__ import annotations

import csv
import pathlib
import re

from input_pipeline.annotations.annotation import Annotation
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import Segment

# Papers call the official test videos the validation split.
SPLITS = {'train': 'Charades_v1_train.csv', 'val': 'Charades_v1_test.csv'}
CLASSES = 'Charades_v1_classes.txt'
_ACTION = re.compile(r'c(?P<label>\d{3}) (?P<start>\S+) (?P<end>\S+)')


def read(folder: pathlib.Path) -> Annotation:
  """Reads splits train and val, in file order, with timed actions.

  A video's labels are the classes of its actions, each once; a video may have no label.
  A class name is the full line from the file, code first: `c000 Holding some clothes`.

  Raises:
    PoseDataError: if a file is missing or malformed.
  """
  missing = [n for n in (*SPLITS.values(), CLASSES) if not (folder / n).is_file()]
  if missing:
    raise PoseDataError(
      f'{folder} lacks {", ".join(missing)}; unpack the official annotations, Charades.zip,'
      ' there'
    )
  class_names = _class_names(folder / CLASSES)
  splits: dict[str, tuple[str, ...]] = {}
  segments: dict[str, tuple[Segment, ...]] = {}
  for split, name in SPLITS.items():
    of_split = _segments_by_video(folder / name, len(class_names))
    if twice := [video_id for video_id in of_split if video_id in segments]:
      raise PoseDataError(
        f'video {twice[0]!r} is in both {" and ".join(SPLITS.values())} of {folder}'
      )
    splits[split] = tuple(of_split)
    segments |= of_split
  return Annotation(
    where=folder,
    class_names=class_names,
    splits=splits,
    labels={
      video_id: tuple(sorted({segment.label for segment in of_video}))
      for video_id, of_video in segments.items()
    },
    segments=segments,
    multi_label=True,
  )


def _class_names(file: pathlib.Path) -> tuple[str, ...]:
  names = [line.strip() for line in file.read_text('utf-8').splitlines()]
  names = [name for name in names if name]
  for label, name in enumerate(names):
    if not name.startswith(f'c{label:03} '):
      raise PoseDataError(
        f'{file}: the line is {name!r}, but class {label} begins "c{label:03} "'
      )
  if not names:
    raise PoseDataError(f'{file} names no class')
  return tuple(names)


def _segments_by_video(
  file: pathlib.Path, num_classes: int
) -> dict[str, tuple[Segment, ...]]:
  videos: dict[str, tuple[Segment, ...]] = {}
  with file.open(encoding='utf-8', newline='') as opened:
    table = csv.DictReader(opened)
    if not {'id', 'actions'} <= set(table.fieldnames or ()):
      raise PoseDataError(
        f'{file} has the columns {", ".join(table.fieldnames or ()) or "none"}, but'
        ' needs id and actions among them'
      )
    for row in table:
      video_id, actions = row['id'], row['actions'] or ''
      if not video_id or video_id in videos:
        raise PoseDataError(
          f'{file}, line {table.line_num}: the id is {video_id!r}, but must be given and'
          ' unique'
        )
      try:
        videos[video_id] = tuple(
          _segment(action, num_classes) for action in actions.split(';') if action
        )
      except ValueError as error:
        raise PoseDataError(f'{file}, line {table.line_num}: {error}') from error
  if not videos:
    raise PoseDataError(f'{file} lists no video')
  return videos


def _segment(action: str, num_classes: int) -> Segment:
  match = _ACTION.fullmatch(action.strip())
  if not match or int(match['label']) >= num_classes:
    raise ValueError(
      f'action {action!r}, but needed "c092 11.90 21.20": a class from c000 to'
      f' c{num_classes - 1:03}, then start and end in seconds'
    )
  return Segment(int(match['label']), float(match['start']), float(match['end']))
