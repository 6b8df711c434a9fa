"""PYSKL's poses for Kinetics, stored in files beside the pickle of annotations.

  annotation   dict(frame_dir='id', label=0, img_shape=(height, width), total_frames=t,
                    raw_file='kpfiles/0123.pkl', frame_inds=[n], box_score=[n])
  raw_file     dict(id=dict(keypoint=[n, j, 3]), ...)      # (x, y) in pixels, score

`frame_inds` gives the frame for each of the n skeletons: from 1 in the published file,
from 0 in files of other makers. People are not identified across frames. Source: PYSKL
tools/data/README.md.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.tracking import associate, people_dropped
from input_pipeline.readers.files import safe_pickle
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joints import Joints, to_joints
from input_pipeline.readers.options import ReadOptions
from input_pipeline.skeletons.registry import Skeleton

_FOLDER = 'kpfiles'
_MOST_FRAMES = 1_000_000  # Same as for videos of other formats.


def has_keypoint_file(annotation: Mapping[str, Any]) -> bool:
  """Whether a clip's poses are in a file beside the pickle."""
  return 'keypoint' not in annotation and 'raw_file' in annotation


def first_frame(annotations: Iterable[Mapping[str, Any]]) -> int:
  """The number of a clip's first frame in `frame_inds`: 0 or 1 for the whole file.

  It is 1 if skeletons are seen in frame `total_frames`, which counting from 0 does not
  reach, and none in frame 0.
  """
  found = 0
  for annotation in annotations:
    if not has_keypoint_file(annotation):
      continue
    try:
      frames = np.asarray(annotation['frame_inds'], np.int64)
      count = int(annotation['total_frames'])
    except (KeyError, TypeError, ValueError):  # Raised again when the clip is loaded.
      continue
    if frames.size and frames.min() == 0:
      return 0
    if frames.size and frames.max() == count:
      found = 1
  return found


class KeypointFiles:
  """The files beside a pickle; caches the last one, as clips are ordered by file."""

  def __init__(
    self, pickle_path: pathlib.Path, skeleton: Skeleton, first_frame: int = 0
  ):
    self._folder = pickle_path.parent
    self._skeleton = skeleton
    self._first_frame = first_frame
    self._load = functools.lru_cache(maxsize=1)(safe_pickle.load)

  def read(
    self,
    video_id: str,
    annotation: Mapping[str, Any],
    frame_size: tuple[int, int],
    options: ReadOptions,
  ) -> Joints:
    """A clip's joints `[t, m, j, 3]`, one index per person.

    Raises:
      PoseDataError: if the file is missing, or does not match the annotation.
    """
    file = self._find(video_id, str(annotation['raw_file']))
    content = self._load(file)
    try:
      keypoint = np.asarray(content[video_id]['keypoint'], np.float32)
      frames = np.asarray(annotation['frame_inds'], np.int64).ravel()
      frames = frames - self._first_frame
      count = int(annotation['total_frames'])
    except (KeyError, TypeError, ValueError, IndexError) as error:
      raise PoseDataError(
        f"needs 'frame_inds' and 'total_frames' in the annotation, and"
        f" 'keypoint' under its name in {file}: {type(error).__name__} {error}"
      ) from error
    choice = JointChoice(self._skeleton, str(file))
    num_joints = keypoint.shape[1] if keypoint.ndim == 3 else 0
    if keypoint.shape != (len(frames), num_joints, 3) or not choice.fits(num_joints):
      raise PoseDataError(
        f'keypoint in {file} has shape {keypoint.shape}, but needs'
        f' [{len(frames)} skeletons (one per frame_inds), {self._skeleton.num_joints}'
        ' joints, 3]'
      )
    if not 1 <= count <= _MOST_FRAMES:
      raise PoseDataError(f'total_frames is {count}, but must be in 1..{_MOST_FRAMES}')
    first = self._first_frame
    if len(frames) and not 0 <= frames.min() <= frames.max() < count:
      raise PoseDataError(
        f'frame_inds are {frames.min() + first}..{frames.max() + first}, but must be in'
        f' {first}..{count - 1 + first}, as total_frames is {count}'
      )
    keypoint = np.moveaxis(choice.of(np.moveaxis(keypoint, 1, 0), str(file)), 0, 1)
    joints = to_joints(keypoint, 'pixels', frame_size, normalized=options.normalized)
    order = np.argsort(frames, kind='stable')
    ends = np.cumsum(np.bincount(frames, minlength=count))[:-1]
    people = np.split(joints.values[order], ends)
    keypoints, scores = associate(people, max_people=options.max_people)
    values = np.concatenate([keypoints, scores[..., None]], axis=-1)
    notes = (*choice.notes, *joints.notes, *people_dropped(people, options.max_people))
    return Joints(values, notes)

  def _find(self, video_id: str, raw_file: str) -> pathlib.Path:
    """The file at its path relative to the pickle's folder, or in kpfiles/ there."""
    name = pathlib.PurePosixPath(raw_file)
    places = [self._folder / name, self._folder / _FOLDER / name.name]
    if name.is_absolute() or '..' in name.parts:  # Not outside the pickle's folder.
      places = places[1:]
    for place in places:
      if place.is_file():
        return place
    raise PoseDataError(
      f'its poses are in {raw_file!r}, but there is no file'
      f' {" and no file ".join(map(str, places))}; put the kpfiles there'
    )
