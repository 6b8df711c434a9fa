"""Official split lists of HMDB51 and JHMDB: `<class>_test_split<k>.txt`.

Lines are `<video>.avi 1` (train), `2` (test) or, in HMDB51, `0` (neither). HMDB51's lists
are in testTrainMulti_7030_splits/ (Kuehne et al., ICCV 2011), JHMDB's in splits/.
"""

from __future__ import annotations

import pathlib
import re
from collections import Counter
from collections.abc import Mapping

from absl import logging

from input_pipeline.annotations.annotation import Annotation
from input_pipeline.errors import PoseDataError

FOLDERS = ('testTrainMulti_7030_splits', 'splits')
_FILE = re.compile(r'(?P<class_name>[a-z]\w*)_test_split(?P<number>\d+)\.txt')
_SIDES = {'1': 'train', '2': 'test', '0': ''}
# Videos per class in HMDB51's lists.
_SEVENTY_THIRTY = {'train': 70, 'test': 30}

_Lists = Mapping[tuple[str, int], pathlib.Path]


def read(folder: pathlib.Path) -> Annotation:
  """Reads splits train1, test1, train2, ... from a folder, or its subfolder in `FOLDERS`.

  Classes are in alphabetical order. If the folder's name promises 70 training and 30 test
  videos per class ('7030'), a warning reports lists with other numbers.

  Raises:
    PoseDataError: if lists are missing or contradict each other.
  """
  folder = next((folder / n for n in FOLDERS if (folder / n).is_dir()), folder)
  lists = _find(folder)
  class_names = tuple(sorted({class_name for class_name, _ in lists}))
  labels: dict[str, tuple[int, ...]] = {}
  splits: dict[str, list[str]] = {}
  for number in sorted({number for _, number in lists}):
    splits |= {f'train{number}': [], f'test{number}': []}
    for label, class_name in enumerate(class_names):
      entries = _read_list(lists, class_name, number)
      for video_id, side in entries:
        if side:
          splits[f'{side}{number}'].append(video_id)
        if labels.setdefault(video_id, (label,)) != (label,):
          raise PoseDataError(
            f'clip {video_id!r} is listed under two classes,'
            f' {class_names[labels[video_id][0]]!r} and {class_name!r}, in {folder}'
          )
      if '7030' in folder.name:
        _check_counts(lists[class_name, number], Counter(side for _, side in entries))
  return Annotation(
    where=folder,
    class_names=class_names,
    splits={split: tuple(video_ids) for split, video_ids in splits.items()},
    labels=labels,
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


def _read_list(lists: _Lists, class_name: str, number: int) -> list[tuple[str, str]]:
  """(video id, 'train', 'test' or '') for each video in one class and split."""
  if (class_name, number) not in lists:
    folder = next(iter(lists.values())).parent
    raise PoseDataError(
      f'{folder} lacks {class_name}_test_split{number}.txt, although it has other lists'
      ' for that class and that split; unpack the official archive again'
    )
  file = lists[class_name, number]
  entries = []
  for line_number, line in enumerate(file.read_text('utf-8').splitlines(), start=1):
    if not line.strip():
      continue
    name, _, flag = line.strip().rpartition(' ')
    if not name or flag not in _SIDES:
      raise PoseDataError(
        f'{file}, line {line_number}: {line!r}, but needed "<video>.avi 1" (train), "2"'
        ' (test) or "0" (neither)'
      )
    entries.append((name.strip().removesuffix('.avi'), _SIDES[flag]))
  return entries


def _check_counts(file: pathlib.Path, counts: Counter[str]):
  for side, expected in _SEVENTY_THIRTY.items():
    if counts[side] != expected:
      logging.warning(
        '%s lists %d videos to %s on, but the official lists have %d per class',
        file,
        counts[side],
        side,
        expected,
      )
