"""AVA's annotation files, version 2.1 (Gu et al., CVPR 2018), and detected person boxes.

  ava_train_v2.1.csv, ava_val_v2.1.csv          video,second,x1,y1,x2,y2,action,person
  ava_{train,val}_excluded_timestamps_v2.1.csv  video,second
  ava_action_list_v2.1_for_activitynet_2018.pbtxt (or .pbtxt.txt)
                                                item { name: "..." id: 1 } 60 times
  ava_val_predicted_boxes.csv                   video,second,x1,y1,x2,y2,,score

Boxes are shares of the frame, 0..1; each box has one row per action. The action list
names the 60 evaluated actions (of 80). All files but the last are available at
https://research.google.com/ava/download.html. The last contains the boxes with which
SlowFast and the long-term feature banks were evaluated, and is available at
https://dl.fbaipublicfiles.com/video-long-term-feature-banks/data/ava/annotations/.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Bool, Float

from input_pipeline import text_files
from input_pipeline.annotations.faulty_lines import Faults, encoding_notes, joined
from input_pipeline.errors import PoseDataError, as_pose_data_error
from input_pipeline.poses.boxes import overlaps
from input_pipeline.poses.notes import Note
from input_pipeline.text_tables import rows

SPLITS = ('train', 'val')
ACTION_LIST = 'ava_action_list_v2.1_for_activitynet_2018.pbtxt'
DETECTED_BOXES = 'ava_val_predicted_boxes.csv'

_ITEM = re.compile(r'(?:item|label)\s*\{([^}]*)\}')
_NAME = re.compile(r'\bname:\s*"([^"]*)"')
_ID = re.compile(r'\b(?:label_)?id:\s*(\d+)')
# A detected box takes the labels of the true box that it overlaps most, if their overlap
# is at least this: the threshold at which the evaluation counts a box as found.
_LEAST_OVERLAP = 0.5

_Parsed = TypeVar('_Parsed')


class PersonBox(NamedTuple):
  """A box at one second in a video, spelled as in the files, so that names match.

  Attributes:
    video: name of the video.
    second: second in the movie, 902 to 1798.
    corners: x1, y1, x2, y2 as text.
  """

  video: str
  second: int
  corners: tuple[str, str, str, str]

  @property
  def name(self) -> str:
    """`video,0902,x1,y1,x2,y2`: the id of the box's clip."""
    return ','.join((self.frame, *self.corners))

  @property
  def frame(self) -> str:
    """`video,0902`: the frame's name in the official evaluation."""
    return f'{self.video},{self.second:04d}'

  @property
  def shares(self) -> Float[np.ndarray, '4']:
    """(x1, y1, x2, y2) as shares of the frame."""
    return np.array(self.corners, np.float64)

  @classmethod
  def from_name(cls, name: str) -> PersonBox:
    """Parses a clip's id.

    Raises:
      PoseDataError: if the id is malformed.
    """
    # From the right, because a video's name may contain commas.
    fields = name.rsplit(',', 5)
    if len(fields) != 6:
      raise PoseDataError(
        f'{name!r} does not name a box of AVA; that is video,second,x1,y1,x2,y2'
      )
    try:
      return _box(fields)
    except PoseDataError as error:
      raise PoseDataError(f'{name!r}: {error}') from error


class Annotations:
  """The annotation files in a folder, read on demand.

  A malformed row is left out; `notes` names it. A file with too many malformed rows raises
  PoseDataError when it is read.

  Attributes:
    actions: names of the 60 actions by official id; classes have this order.
  """

  def __init__(self, folder: pathlib.Path):
    """Reads the list of actions.

    Raises:
      PoseDataError: if required files are missing; the message names all of them.
    """
    self._folder = folder
    self._notes: dict[Note, None] = {}  # A file may be read twice.
    self._check_files()
    self.actions = _read_actions(self._action_list())

  @property
  def class_names(self) -> tuple[str, ...]:
    return tuple(self.actions.values())

  @property
  def notes(self) -> tuple[Note, ...]:
    """What is doubtful in the files read so far."""
    return joined(self._notes)

  def labelled_boxes(self, split: str) -> dict[PersonBox, tuple[int, ...]]:
    """The true boxes in 'train' or 'val' with their class indices, in file order.

    Omits seconds that the data set excludes. A box whose actions are not among the 60
    has no label.
    """
    index_of = {action: index for index, action in enumerate(self.actions)}
    labels: dict[PersonBox, list[int]] = {}
    excluded = self.excluded(split)

    def parse(row: tuple[str, ...]) -> tuple[PersonBox, int] | None:
      if len(row) == 2:  # A frame that nobody is in.
        return None
      return _box(row), index_of.get(_action(row[6]), -1)

    file = self._folder / f'ava_{split}_v2.1.csv'
    for box, index in filter(None, self._read(file, (2, 7, 8), parse)):
      if box.frame in excluded:
        continue
      own = labels.setdefault(box, [])
      if index >= 0 and index not in own:
        own.append(index)
    return {box: tuple(sorted(own)) for box, own in labels.items()}

  def detected_boxes(self, least_score: float) -> tuple[PersonBox, ...]:
    """The detected boxes in 'val' with at least this score, without excluded seconds."""

    def parse(row: tuple[str, ...]) -> tuple[PersonBox, float]:
      return _box(row), _number(row[7], 'score')

    excluded = self.excluded('val')
    boxes: dict[PersonBox, None] = {}
    for box, score in self._read(self._folder / DETECTED_BOXES, (8,), parse):
      if box.frame not in excluded and score >= least_score:
        boxes[box] = None  # A box may have one row per label.
    return tuple(boxes)

  def excluded(self, split: str) -> set[str]:
    """Names of the frames excluded from training and testing."""
    file = self._folder / f'ava_{split}_excluded_timestamps_v2.1.csv'
    return set(self._read(file, (2,), lambda row: f'{row[0]},{_second(row[1]):04d}'))

  def _read(
    self,
    file: pathlib.Path,
    columns: tuple[int, ...],
    parse: Callable[[tuple[str, ...]], _Parsed],
  ) -> list[_Parsed]:
    """The rows in a file, parsed; leaves out those for which `parse` raises."""
    text = text_files.read(file)
    faults = Faults(file)
    parsed: list[_Parsed] = []
    for line, fields in rows(text.content):
      faults.count()
      try:
        if len(fields) not in columns:
          needed = ' or '.join(map(str, columns))
          raise PoseDataError(f'it has {len(fields)} columns, but needs {needed}')
        parsed.append(parse(fields))
      except PoseDataError as error:
        faults.add(line, fields[0], f'left out, because {error}')
    notes = (*faults.notes(), *encoding_notes(file, text.encoding))
    self._notes |= dict.fromkeys(notes)
    return parsed

  def _action_list(self) -> pathlib.Path:
    """Path of the action list, by Google's or ActivityNet's file name."""
    file = self._folder / ACTION_LIST
    return file if file.exists() else file.with_name(f'{ACTION_LIST}.txt')

  def _check_files(self):
    files = [ACTION_LIST] if not self._action_list().exists() else []
    for split in SPLITS:
      files += [f'ava_{split}_v2.1.csv', f'ava_{split}_excluded_timestamps_v2.1.csv']
    missing = [name for name in files if not (self._folder / name).exists()]
    if missing:
      raise PoseDataError(
        f'{self._folder} lacks {", ".join(missing)} of AVA v2.1; download them from'
        ' https://research.google.com/ava/download.html'
      )


def labels_of_detected(
  detected: tuple[PersonBox, ...], labelled: Mapping[PersonBox, tuple[int, ...]]
) -> dict[PersonBox, tuple[int, ...]]:
  """Labels for detected boxes: those of the matching true box, or none without a match.

  The matching box is the true box in the same frame with the largest intersection over
  union, if that is at least 0.5.
  """
  on_frame: dict[str, list[PersonBox]] = {}
  for box in labelled:
    on_frame.setdefault(box.frame, []).append(box)
  labels: dict[PersonBox, tuple[int, ...]] = {}
  for box in detected:
    true = on_frame.get(box.frame, [])
    labels[box] = ()
    if true:
      overlap = overlaps(box.shares[None], np.stack([b.shares for b in true]))[0]
      if overlap.max() >= _LEAST_OVERLAP:
        labels[box] = labelled[true[int(overlap.argmax())]]
  return labels


def has_class(
  labels: Mapping[PersonBox, tuple[int, ...]], num_classes: int
) -> Bool[np.ndarray, 'g k']:
  """Whether each box has each class."""
  hot = np.zeros((len(labels), num_classes), bool)
  for row, own in enumerate(labels.values()):
    hot[row, list(own)] = True
  return hot


def _read_actions(file: pathlib.Path) -> dict[int, str]:
  """Action names by official id, in file order."""
  actions: dict[int, str] = {}
  with as_pose_data_error(f'{file} cannot be read'):  # Such as an id of 5,000 digits.
    for item in _ITEM.findall(text_files.read_text(file)):
      name, number = _NAME.search(item), _ID.search(item)
      if name is None or number is None or int(number[1]) in actions:
        raise PoseDataError(
          f'{file}: {" ".join(item.split())!r} is no action; an action has a name: "..."'
          ' and an id: that no other has'
        )
      actions[int(number[1])] = name[1]
  if not actions:
    raise PoseDataError(
      f'{file} lists no actions; expected item {{ name: ... id: ... }}'
    )
  return actions


def _box(row: Sequence[str]) -> PersonBox:
  x1, y1, x2, y2 = row[2:6]
  for field, text in zip(('x1', 'y1', 'x2', 'y2'), row[2:6], strict=True):
    _number(text, field)
  return PersonBox(row[0], _second(row[1]), (x1, y1, x2, y2))


def _second(text: str) -> int:
  """Parses whole seconds, which some files write with a fraction of 0."""
  second = _number(text, 'the second')
  if second != int(second):
    raise PoseDataError(f'the second is {text!r}, but must be a whole number')
  return int(second)


def _action(text: str) -> int:
  """The official id, 1-based; 0 for a box without an action."""
  return int(_number(text, 'action')) if text else 0


def _number(text: str, field: str) -> float:
  try:
    number = float(text)
  except ValueError:
    number = float('nan')
  if not np.isfinite(number):
    raise PoseDataError(f'{field} is {text!r}, but must be a number')
  return number
