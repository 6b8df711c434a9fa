"""Ultralytics' YOLO poses: text files of `save_txt`, or JSON of `to_json`.

  VIDEO/dance_1.txt, VIDEO/dance_2.txt, ..., also in a folder VIDEO/labels
    0 0.5 0.5 0.2 0.6 0.51 0.2 0.98 ...
      A line per person: class, box (4 numbers), x, y and visibility (or x and y) of each
      joint in fractions of the frame, then the box's score (`save_conf`) and the track's
      number (`track`), if stated. A frame without people has no file.
  VIDEO.json, or VIDEO/dance_1.json, VIDEO/dance_2.json, ...
      See `ultralytics_json`; positions are pixels or fractions of the frame.

Ultralytics puts joints of low visibility at (0, 0); these are missing. Labels of a pose
data set, whose visibilities are 0, 1 and 2, are read as COCO's.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.poses.tracking import UNKNOWN
from input_pipeline.readers.files.file_names import JSON, is_file_of, stem_of, suffix_of
from input_pipeline.readers.files.keypoint_json import read_json
from input_pipeline.readers.formats import ultralytics_json
from input_pipeline.readers.frame_order import Videos, one_video, videos_of
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joints import scores_of_positions
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.source import VideoFormat
from input_pipeline.readers.visibility import scores_of_flags
from input_pipeline.skeletons.joint_names import is_prefix_of
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

_LABELS = 'labels'  # The folder in which save_txt writes.
_BOX = 5  # Class and box come before the joints.
# Files with people of which this many hold one frame each are frames (our choice).
_ENOUGH = 5
_NO_FRAMES = ('classes.txt', 'notes.json', 'args.json')


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a JSON file, or a folder with a file per frame."""
  if is_file_of(path, JSON):
    return True
  if not path.is_dir():
    return False
  files = _files(path)
  if files and suffix_of(files[0]) == '.txt':
    return any(map(str.isdecimal, stem_of(files[0])))
  return _is_folder_of_frames(files)


def parts(path: pathlib.Path) -> Videos | tuple[str, ...]:
  """The videos whose frames are in a folder; one for a file."""
  return _videos(path) if path.is_dir() else ('',)


def read_video(
  path: pathlib.Path, skeleton: Skeleton, part: str, options: ReadOptions
) -> PosesByFrame:
  """Reads the people in each frame of a video.

  Args:
    part: the video's name; ignored if the path has only one video.

  Raises:
    PoseDataError: naming the file, the line or the person, and the field.
  """
  if path.is_file():
    return ultralytics_json.read_file(path, skeleton, options)
  names = one_video(_videos(path), part, str(path))
  folder = _files(path)[0].parent
  files = {number: folder / name for number, name in names.items()}
  if suffix_of(next(iter(files.values()))) == '.txt':
    return _read_text_files(files, skeleton)
  return ultralytics_json.read_files(files, skeleton, options)


FORMAT = VideoFormat(is_video, read_video, parts, suffixes=JSON)


def _files(folder: pathlib.Path) -> list[pathlib.Path]:
  """A file per frame: text files, or else JSON, in a folder or in its `labels`."""
  for place in (folder, folder / _LABELS):
    for suffixes in (('.txt',), JSON):
      found = [
        file
        for file in (place.iterdir() if place.is_dir() else ())
        if is_file_of(file, suffixes)
        and not file.name.startswith('.')
        and file.name not in _NO_FRAMES
      ]
      if found:
        return sorted(found)
  return []


def _is_folder_of_frames(files: Sequence[pathlib.Path]) -> bool:
  """Whether JSON files hold one frame each; if not, each is a video."""
  if not all(any(map(str.isdecimal, stem_of(file))) for file in files):
    return False
  judged = 0
  for file in files:
    try:
      content = read_json(file)
    except PoseDataError:  # Reading the video raises it again.
      return False
    if content and not ultralytics_json.is_frame(content):
      return False
    judged += bool(content)
    if judged == _ENOUGH:
      break
  return judged > 0


def _videos(path: pathlib.Path) -> Videos:
  return videos_of([file.name for file in _files(path)], str(path))


def _read_text_files(
  files: Mapping[int, pathlib.Path], skeleton: Skeleton
) -> PosesByFrame:
  lines = {number: _lines(file) for number, file in files.items()}
  kept = {number: list(dict.fromkeys(map(tuple, of))) for number, of in lines.items()}
  repeated = sum(len(lines[n]) - len(kept[n]) for n in lines)
  rows = [
    (row, f'{files[number]}, line {place}')
    for number, of_file in kept.items()
    for place, row in enumerate(of_file, start=1)
  ]
  size, count = _numbers_per_joint(rows, skeleton)
  end = _BOX + count * size
  values = np.array([row[_BOX:end] for row, _ in rows]).reshape(-1, count, size)
  choice = JointChoice(skeleton, str(next(iter(files.values())).parent))
  joints = choice.of(_joints(values).swapaxes(0, 1), 'a line').swapaxes(0, 1)
  tracks = _tracks([row[end:] for row, _ in rows])
  ends = np.cumsum([len(of_file) for of_file in kept.values()])[:-1]
  return PosesByFrame(
    dict(zip(kept, np.split(joints, ends), strict=True)),
    skeleton.num_joints,
    dict(zip(kept, np.split(tracks, ends), strict=True)),
    unit='shares',
    notes=(*choice.notes, *_notes(files, [row[0] for row, _ in rows], repeated)),
    lists_empty_frames=False,
  )


def _lines(file: pathlib.Path) -> list[list[float]]:
  rows = []
  for number, line in enumerate(text_files.read_text(file).split('\n'), start=1):
    try:
      row = [float(word) for word in line.split()]
    except ValueError:
      raise PoseDataError(
        f'{file}, line {number} is {line[:60]!r}, but must hold numbers: class, box, and'
        ' the joints of a person'
      ) from None
    if row:
      rows.append(row)
  return rows


def _numbers_per_joint(
  rows: Sequence[tuple[Sequence[float], str]], skeleton: Skeleton
) -> tuple[int, int]:
  """Numbers per joint, 3 with visibilities or 2, and the number of joints.

  Joints are the skeleton's, or those of a larger skeleton that begins with them. Up to
  two numbers may follow the joints.
  """
  own = skeleton.num_joints
  if not rows:
    return 3, own
  counts = sorted({s.num_joints for s in SKELETONS.values()} - {own})
  larger = [count for count in counts if is_prefix_of(skeleton, count)]
  for count, size in itertools.product((own, *larger), (3, 2)):
    rest = [len(row) - _BOX - size * count for row, _ in rows]
    if min(rest) >= 0 and max(rest) <= 2:
      return size, count
  lengths = [len(row) for row, _ in rows]
  at_fault = next((k for k, n in enumerate(lengths) if n != lengths[0]), 0)
  row, where = rows[at_fault]
  if len(row) <= _BOX + 2:
    raise PoseDataError(
      f'{where} holds a box without joints; detect poses with a model such as'
      ' yolo11n-pose'
    )
  fitting = [
    s.name
    for s in SKELETONS.values()
    if any(0 <= len(row) - _BOX - size * s.num_joints <= 2 for size in (3, 2))
  ]
  hint = f'; it fits {", ".join(fitting)}' if fitting else ''
  raise PoseDataError(
    f'{where} has {len(row)} numbers, but a person of skeleton {skeleton.name!r} has'
    f' {_BOX} for class and box, then {3 * skeleton.num_joints} (x, y, visibility) or'
    f' {2 * skeleton.num_joints} (x, y), then at most score and track{hint}'
  )


def _joints(values: Float[np.ndarray, 'n j c']) -> Float[np.ndarray, 'n j 3']:
  """x, y and score of each joint; the score is 0 at (0, 0)."""
  scores = scores_of_positions(values[..., :2])
  if values.shape[-1] == 3:
    scores = scores * scores_of_flags(values[..., 2])
  return np.concatenate([values[..., :2], scores[..., None]], axis=-1)


def _tracks(rests: Sequence[Sequence[float]]) -> np.ndarray:
  """The track of each person from what follows the joints: nothing, score, track.

  One number is a track if all such are whole, and no line has both; the score of a box
  is hardly ever 1.
  """
  counts = {len(rest) for rest in rests}
  alone = [rest[0] for rest in rests if len(rest) == 1]
  whole = 2 not in counts and all(number.is_integer() for number in alone)

  def track(rest: Sequence[float]) -> int:
    stated = len(rest) == 2 or (len(rest) == 1 and whole)
    return int(rest[-1]) if stated else UNKNOWN

  return np.array([track(rest) for rest in rests], np.int64)


def _notes(
  files: Mapping[int, pathlib.Path], classes: Sequence[float], repeated: int
) -> tuple[Note, ...]:
  folder = next(iter(files.values())).parent
  notes = []
  if len(set(classes)) > 1:
    found = ', '.join(f'{number:g}' for number in sorted(set(classes))[:5])
    notes.append(
      Note(
        'columns_not_read',
        f'{folder}: people have the classes {found}, which are not read; give classes by'
        ' folders CLASS/VIDEO or in videos.csv',
      )
    )
  if repeated:
    notes.append(
      Note(
        'people_repeated',
        f'{folder}: {repeated} lines repeat an earlier line of their file, as if two runs'
        ' had written there; each person is read once',
      )
    )
  return tuple(notes)
