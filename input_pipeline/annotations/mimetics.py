"""Mimetics' official test list, with Kinetics for training (Weinzaepfel and Rogez, 2021).

  mimetics_v1.0.csv    the test videos; columns label, youtube_id, time_start, time_end
  *train*.csv          Kinetics' training videos; the same columns, and split

Kinetics videos are restricted to Mimetics' classes (50 in the official list), so that
training and testing use the same classes (JMRN Table 6). Published in IJCV.
"""

from __future__ import annotations

import dataclasses
import pathlib
from collections import Counter
from collections.abc import Container

from input_pipeline.annotations.annotation import Annotation
from input_pipeline.annotations.faulty_lines import Faults, encoding_notes, joined
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.text_tables import Row, Table, read_table

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
  two clips share a video. A malformed line is left out, and so is a training clip that is
  also a test clip; notes name both.

  Raises:
    PoseDataError: if a file is missing, lacks columns or has too many malformed lines, or
      Kinetics has no video for a Mimetics class.
  """
  lists = sorted(folder.glob(KINETICS))
  if not (folder / MIMETICS).is_file() or len(lists) != 1:
    found = ', '.join(sorted(file.name for file in folder.glob('*.csv'))) or 'none'
    raise PoseDataError(
      f"{folder} needs {MIMETICS} and one list {KINETICS} of Kinetics' training videos;"
      f' its *.csv are: {found}'
    )
  test, notes = _read_list(folder / MIMETICS)
  class_names = tuple(sorted({clip.class_name for clip in test}))
  listed, of_train = _read_list(lists[0], _TRAIN, tested={c.video_id for c in test})
  train = [clip for clip in listed if clip.class_name in class_names]
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
    notes=joined(notes + of_train),
  )


def _read_list(
  file: pathlib.Path, split: str | None = None, tested: Container[str] = ()
) -> tuple[list[_Clip], tuple[Note, ...]]:
  """The clips in a list; if the list has a split column, only those in `split`.

  Args:
    tested: ids of clips that must not be trained on.
  """
  table = read_table(file, ('youtube_id', 'time_start', 'time_end'))
  # Some copies of the list name this column labels.
  label = 'label' if 'label' in table.columns else 'labels'
  table = read_table(file, (label, 'youtube_id', 'time_start', 'time_end'))
  faults = Faults(file)
  clips: dict[str, _Clip] = {}
  for row in table.too_long:
    faults.count()
    faults.add(row.line, '', 'left out, because it has too many columns')
  for row in table.rows:
    if split and 'split' in table.columns and table.field(row, 'split') != split:
      continue
    faults.count()
    clip = _clip(table, row, label)
    if isinstance(clip, str):
      faults.add(row.line, table.field(row, 'youtube_id') or '', f'left out, {clip}')
    elif clip.video_id in tested:
      faults.add(row.line, clip.video_id, 'left out, because it is also a test clip')
    elif clip.video_id in clips:
      faults.add(row.line, clip.video_id, 'left out, because it was listed before')
    else:
      clips[clip.video_id] = clip
  notes = faults.notes()
  if not clips:
    raise PoseDataError(f'{file} lists no video{f" to {split} on" if split else ""}')
  return list(clips.values()), (*notes, *encoding_notes(file, table.encoding))


def _clip(table: Table, row: Row, label: str) -> _Clip | str:
  """The row's clip, or why it has none."""
  youtube_id, class_name = table.field(row, 'youtube_id'), table.field(row, label)
  if not youtube_id or not class_name:
    return f'because it has no {"youtube_id" if class_name else label}'
  times = table.field(row, 'time_start'), table.field(row, 'time_end')
  try:
    start, end = (int(float(time or '')) for time in times)
  except (OverflowError, ValueError):
    return f'because time_start {times[0]!r} and time_end {times[1]!r} are not seconds'
  return _Clip(_plain(class_name), youtube_id, start, end)


def _plain(class_name: str) -> str:
  """Normalizes case and spaces: Kinetics writes spaces, folder names underscores."""
  return ' '.join(class_name.replace('_', ' ').lower().split())
