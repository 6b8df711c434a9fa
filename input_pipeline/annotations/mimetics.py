"""Mimetics' official test list, with Kinetics for training (Weinzaepfel and Rogez, 2021).

  mimetics_v1.0.csv    the test videos; columns label, youtube_id, time_start, time_end
  *train*.csv          Kinetics' training videos; the same columns, and split

Kinetics videos are restricted to Mimetics' classes (50 in the official list), so that
training and testing use the same classes (JMRN Table 6). Published in IJCV.
"""

from __future__ import annotations

import csv
import dataclasses
import pathlib
from collections import Counter

from input_pipeline.annotations.annotation import Annotation
from input_pipeline.errors import PoseDataError

MIMETICS = 'mimetics_v1.0.csv'
KINETICS = '*train*.csv'
_TRAIN = 'train'


@dataclasses.dataclass(frozen=True)
class _Clip:
  """A line in a list: the seconds `start` to `end` of a YouTube video."""

  class_name: str
  youtube_id: str
  start: int
  end: int

  @property
  def video_id(self) -> str:
    """The name in Kinetics' own style: `---QUuC4vJs_000084_000094`."""
    return f'{self.youtube_id}_{self.start:06}_{self.end:06}'

  @property
  def other_names(self) -> tuple[str, ...]:
    return f'{self.youtube_id}_{self.start}_{self.end}', self.youtube_id


def read(folder: pathlib.Path) -> Annotation:
  """Reads splits train (Kinetics) and test (Mimetics); classes in alphabetical order.

  Poses may be named by video and times, or by video alone. The latter is not accepted if
  two clips share a video.

  Raises:
    PoseDataError: if a file is missing or malformed, or Kinetics has no video for a
      Mimetics class.
  """
  lists = sorted(folder.glob(KINETICS))
  if not (folder / MIMETICS).is_file() or len(lists) != 1:
    found = ', '.join(sorted(file.name for file in folder.glob('*.csv'))) or 'none'
    raise PoseDataError(
      f"{folder} needs {MIMETICS} and one list {KINETICS} of Kinetics' training videos;"
      f' its *.csv are: {found}'
    )
  test = _read_list(folder / MIMETICS)
  class_names = tuple(sorted({clip.class_name for clip in test}))
  train = [
    clip for clip in _read_list(lists[0], _TRAIN) if clip.class_name in class_names
  ]
  if without := sorted(set(class_names) - {clip.class_name for clip in train}):
    raise PoseDataError(
      f'{lists[0]} has no training video of {", ".join(without)}, which {MIMETICS} tests;'
      ' use the list of Kinetics-400, on which Mimetics is based'
    )
  clips = [*train, *test]
  clips_of = Counter(clip.youtube_id for clip in clips)
  return Annotation(
    where=folder,
    class_names=class_names,
    splits={
      'train': tuple(clip.video_id for clip in train),
      'test': tuple(clip.video_id for clip in test),
    },
    labels={clip.video_id: (class_names.index(clip.class_name),) for clip in clips},
    other_names={
      clip.video_id: clip.other_names[: 2 if clips_of[clip.youtube_id] == 1 else 1]
      for clip in clips
    },
  )


def _read_list(file: pathlib.Path, split: str | None = None) -> list[_Clip]:
  """The clips in a list; if the list has a split column, only those in `split`."""
  clips: dict[str, _Clip] = {}
  with file.open(encoding='utf-8', newline='') as opened:
    table = csv.DictReader(opened)
    columns = set(table.fieldnames or ())
    # Some copies of the list name this column labels.
    label = 'label' if 'label' in columns else 'labels'
    if not {label, 'youtube_id', 'time_start', 'time_end'} <= columns:
      raise PoseDataError(
        f'{file} has the columns {", ".join(table.fieldnames or ()) or "none"}, but'
        ' needs label, youtube_id, time_start and time_end'
      )
    for row in table:
      if split and row.get('split', split) != split:
        continue
      try:
        times = int(float(row['time_start'])), int(float(row['time_end']))
      except (TypeError, ValueError) as error:
        raise PoseDataError(
          f'{file}, line {table.line_num}: time_start {row["time_start"]!r} and time_end'
          f' {row["time_end"]!r} must be seconds'
        ) from error
      clip = _Clip(_plain(row[label]), row['youtube_id'], *times)
      if clip.video_id in clips:
        raise PoseDataError(
          f'{file}, line {table.line_num}: {clip.video_id} is listed twice'
        )
      clips[clip.video_id] = clip
  if not clips:
    raise PoseDataError(f'{file} lists no video{f" to {split} on" if split else ""}')
  return list(clips.values())


def _plain(class_name: str) -> str:
  """Normalizes case and spaces: Kinetics writes spaces, folder names underscores."""
  return ' '.join(class_name.replace('_', ' ').lower().split())
