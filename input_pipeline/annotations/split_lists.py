"""Official split lists of HMDB51 and JHMDB: `<class>_test_split<k>.txt`.

Lines are `<video>.avi 1` (train), `2` (test) or, in HMDB51, `0` (neither). HMDB51's lists
are in testTrainMulti_7030_splits/ (Kuehne et al., ICCV 2011), JHMDB's in splits/.
"""

from __future__ import annotations

import pathlib
import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

from input_pipeline import text_files
from input_pipeline.annotations.annotation import Annotation
from input_pipeline.annotations.faulty_lines import Faults, encoding_notes, joined
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note

FOLDERS = ('testTrainMulti_7030_splits', 'splits')
_FILE = re.compile(r'(?P<class_name>[a-z]\w*)_test_split(?P<number>\d+)\.txt')
_VIDEO = re.compile(r'\.(avi|mp4)$', re.IGNORECASE)
_SIDES = {'1': 'train', '2': 'test', '0': ''}
# Videos per class in HMDB51's lists.
_SEVENTY_THIRTY = {'train': 70, 'test': 30}

_Lists = Mapping[tuple[str, int], pathlib.Path]


class _Entry(NamedTuple):
  """A line in a list: the video's side is 'train', 'test' or ''."""

  line: int
  side: str


def read(folder: pathlib.Path) -> Annotation:
  """Reads splits train1, test1, train2, ... from a folder, or its subfolder in `FOLDERS`.

  Classes are in alphabetical order. A malformed line, and a video listed under two
  classes, is left out; a video on both sides of a split is only tested on. Notes name all
  of them. If the folder's name promises 70 training and 30 test videos per class
  ('7030'), a note reports lists with other numbers.

  Raises:
    PoseDataError: if lists are missing or have too many malformed lines.
  """
  folder = next((folder / n for n in FOLDERS if (folder / n).is_dir()), folder)
  lists = _find(folder)
  class_names = tuple(sorted({class_name for class_name, _ in lists}))
  numbers = sorted({number for _, number in lists})
  entries: dict[tuple[str, int], dict[str, _Entry]] = {}
  faults: dict[tuple[str, int], Faults] = {}
  notes: list[Note] = []
  for number in numbers:
    for class_name in class_names:
      key = class_name, number
      file = _file(lists, class_name, number)
      faults[key] = Faults(file)
      entries[key], encoding = _read_list(file, faults[key])
      notes += encoding_notes(file, encoding)
      if not entries[key]:
        notes.append(Note('empty_lists', f'{file} lists no video'))
  _leave_out_two_classes(entries, faults)
  for key in entries:
    notes += faults[key].notes()
    if '7030' in folder.name:
      notes += _other_counts(lists[key], entries[key])
  return Annotation(
    where=folder,
    class_names=class_names,
    splits={
      f'{side}{number}': tuple(
        video_id
        for class_name in class_names
        for video_id, entry in entries[class_name, number].items()
        if entry.side == side
      )
      for number in numbers
      for side in ('train', 'test')
    },
    labels={
      video_id: (class_names.index(class_name),)
      for (class_name, _), videos in entries.items()
      for video_id in videos
    },
    notes=joined(notes),
  )


def _find(folder: pathlib.Path) -> _Lists:
  """The lists by class and split number."""
  lists = {
    (match['class_name'], int(match['number'])): file
    for file in sorted(folder.glob('*.txt'))
    if (match := _FILE.fullmatch(file.name))
  }
  if not lists:
    raise PoseDataError(
      f'{folder} holds no split lists: expected {folder}/<class>_test_split<k>.txt, as'
      " in JHMDB's splits.zip or HMDB51's test_train_splits.rar"
    )
  return lists


def _file(lists: _Lists, class_name: str, number: int) -> pathlib.Path:
  if (class_name, number) not in lists:
    folder = next(iter(lists.values())).parent
    raise PoseDataError(
      f'{folder} lacks {class_name}_test_split{number}.txt, although it has other lists'
      ' for that class and that split; unpack the official archive again'
    )
  return lists[class_name, number]


def _read_list(file: pathlib.Path, faults: Faults) -> tuple[dict[str, _Entry], str]:
  """The videos in one class and split, and the file's encoding."""
  text = text_files.read(file)
  entries: dict[str, _Entry] = {}
  for number, line in enumerate(text.content.split('\n'), start=1):
    if not line.strip():
      continue
    faults.count()
    *names, flag = line.strip().rsplit(maxsplit=1)
    if not names or flag not in _SIDES:
      needed = '"<video>.avi 1" (train), "2" (test) or "0" (neither)'
      faults.add(
        number, '', f'{line.strip()!r} is left out, because it is not {needed}'
      )
      continue
    video_id, side = _VIDEO.sub('', names[0]), _SIDES[flag]
    first = entries.setdefault(video_id, _Entry(number, side))
    if first.line != number:
      if 'test' in (side, first.side):
        entries[video_id] = _Entry(first.line, 'test')
      kept = f'it counts as {entries[video_id].side or "neither"}'
      faults.add(number, video_id, f'already in line {first.line}; {kept}')
  return entries, text.encoding


def _leave_out_two_classes(
  entries: Mapping[tuple[str, int], dict[str, _Entry]],
  faults: Mapping[tuple[str, int], Faults],
):
  """Removes videos that are listed under two classes, as none can be preferred."""
  classes: dict[str, set[str]] = {}
  for (class_name, _), videos in entries.items():
    for video_id in videos:
      classes.setdefault(video_id, set()).add(class_name)
  for key, videos in entries.items():
    for video_id in [v for v in videos if len(classes[v]) > 1]:
      named = ' and '.join(sorted(classes[video_id]))
      entry = videos.pop(video_id)
      faults[key].add(
        entry.line, video_id, f'left out, because it is listed under {named}'
      )


def _other_counts(file: pathlib.Path, entries: Mapping[str, _Entry]) -> list[Note]:
  counts = Counter(entry.side for entry in entries.values())
  return [
    Note(
      'other_list_sizes',
      f'{file} lists {counts[side]} videos to {side} on, but the official lists have'
      f' {expected} per class',
    )
    for side, expected in _SEVENTY_THIRTY.items()
    if counts[side] != expected
  ]
