"""JHMDB's own joint positions and split lists (Jhuang et al., ICCV 2013).

<root>/joint_positions/<class>/<video>/joint_positions.mat
<root>/splits/<class>_test_split<k>.txt, lines `<video>.avi 1` (train) or `2` (test)
"""

from __future__ import annotations

import functools
import pathlib
import re
from collections.abc import Mapping

import einops
import numpy as np

from input_pipeline.pose_clip import PoseClip, PoseDataError
from input_pipeline.pose_source import PoseSource
from input_pipeline.readers.mat_file import read_mat
from input_pipeline.skeletons import Skeleton

_FRAME_SIZE = (240, 320)  # Every JHMDB video, (height, width).
_SPLIT_FILE = re.compile(r'(?P<class_name>[a-z]\w*)_test_split(?P<number>\d+)\.txt')
_SIDES = {'1': 'train', '2': 'test'}


def read(root: pathlib.Path, skeleton: Skeleton) -> PoseSource:
  """The clips that the split lists name: splits train1, test1, train2, ...

  Classes are the split lists', in alphabetical order. A clip whose joints are not there
  stays in its splits; loading it raises.

  Raises:
    PoseDataError: where the lists are missing or contradict each other.
  """
  lists = _find_split_lists(root)
  class_names = tuple(sorted({class_name for class_name, _ in lists}))
  class_of: dict[str, str] = {}
  splits: dict[str, list[str]] = {}
  for number in sorted({number for _, number in lists}):
    for side in _SIDES.values():
      splits[f'{side}{number}'] = []
    for class_name in class_names:
      for video_id, side in _read_split_list(lists, class_name, number):
        splits[f'{side}{number}'].append(video_id)
        if class_of.setdefault(video_id, class_name) != class_name:
          raise PoseDataError(
            f'clip {video_id!r} is listed under two classes, {class_of[video_id]!r} and'
            f' {class_name!r}, in {root / "splits"}'
          )
  return PoseSource(
    skeleton=skeleton,
    class_names=class_names,
    splits={split: tuple(video_ids) for split, video_ids in splits.items()},
    load=functools.partial(_load_clip, root, skeleton, class_names, class_of),
  )


def _find_split_lists(root: pathlib.Path) -> dict[tuple[str, int], pathlib.Path]:
  """The split lists by class and split number."""
  folder = root / 'splits'
  lists = {
    (match['class_name'], int(match['number'])): file
    for file in sorted(folder.glob('*.txt'))
    if (match := _SPLIT_FILE.fullmatch(file.name))
  }
  if not lists:
    raise PoseDataError(
      f'{root} holds no split lists: expected {folder}/<class>_test_split<k>.txt, as in'
      " JHMDB's splits.zip"
    )
  return lists


def _read_split_list(
  lists: Mapping[tuple[str, int], pathlib.Path], class_name: str, number: int
) -> list[tuple[str, str]]:
  """The (video id, 'train' or 'test') of one class in one split."""
  if (class_name, number) not in lists:
    folder = next(iter(lists.values())).parent
    raise PoseDataError(
      f'{folder} lacks {class_name}_test_split{number}.txt, though it has other lists'
      f' of that class and of that split; restore it from splits.zip'
    )
  file = lists[class_name, number]
  entries = []
  for line_number, line in enumerate(file.read_text('utf-8').splitlines(), start=1):
    if not line.strip():
      continue
    name, _, flag = line.strip().rpartition(' ')
    if not name or flag not in _SIDES:
      raise PoseDataError(
        f'{file}, line {line_number}: {line!r}, but needed "<video>.avi 1" (train) or'
        ' "<video>.avi 2" (test)'
      )
    entries.append((name.strip().removesuffix('.avi'), _SIDES[flag]))
  return entries


def _load_clip(
  root: pathlib.Path,
  skeleton: Skeleton,
  class_names: tuple[str, ...],
  class_of: Mapping[str, str],
  video_id: str,
) -> PoseClip:
  if video_id not in class_of:
    raise PoseDataError(f'clip {video_id!r} is in none of the lists {root / "splits"}')
  class_name = class_of[video_id]
  file = root / 'joint_positions' / class_name / video_id / 'joint_positions.mat'
  positions = read_mat(file, ('pos_img',), video_id=video_id)['pos_img']
  if positions.ndim != 3 or positions.shape[:2] != (2, skeleton.num_joints):
    raise PoseDataError(
      f'clip {video_id!r}: pos_img in {file} has shape {positions.shape}, but needs'
      f' [2, {skeleton.num_joints}, frames]'
    )
  # pos_img counts pixels from 1, as MATLAB does.
  keypoints = einops.rearrange(positions.astype(np.float32), 'xy j t -> t 1 j xy') - 1
  return PoseClip(
    video_id=video_id,
    keypoints=keypoints,
    # All joints are annotated, hidden ones too.
    scores=np.all(np.isfinite(keypoints), axis=-1),
    frame_size=_FRAME_SIZE,
    skeleton=skeleton,
    labels=(class_names.index(class_name),),
  )
