"""MediaPipe pose landmarks in the usual self-made forms: JSON or CSV files.

MediaPipe itself writes no files. These forms are read:

  VIDEO.json    see `mediapipe_json`
  VIDEO/frame_0001.json, VIDEO/frame_0002.json, ...    one frame each
  VIDEO.csv     one line per frame: frame, x0, y0, z0, visibility0, x1, ... Landmarks
                are numbered from 0 or 1, or named: nose_x, MOUTH_LEFT_y, ...
                Or one line per landmark: frame, landmark, x, y, z, visibility.
                Other columns are those of `csv_tables`.

x and y are fractions of the frame's width and height. If no landmark has a visibility,
scores are 1, except at (0, 0), where a landmark is missing.
"""

from __future__ import annotations

import pathlib

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.file_names import JSON, is_file_of
from input_pipeline.readers.files.keypoint_json import read_json
from input_pipeline.readers.files.numbered_files import (
  has_numbered_files,
  numbered_files,
  videos_of_files,
)
from input_pipeline.readers.formats import csv_tables, mediapipe_json
from input_pipeline.readers.frame_order import Videos
from input_pipeline.readers.joint_tables import reading
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.source import VideoFormat
from input_pipeline.readers.videos.table import DescribedParts, VideoPart
from input_pipeline.skeletons.joint_names import skeletons_named
from input_pipeline.skeletons.registry import Skeleton

# Larger positions are pixels (our choice).
_LARGEST_FRACTION = 10
# As many files show whether each holds a frame (our choice).
_ENOUGH = 5


def is_video(path: pathlib.Path) -> bool:
  """Whether the path is a table, a JSON file, or a folder with a JSON file per frame."""
  return csv_tables.is_video(path) or is_file_of(path, JSON) or _holds_frames(path)


def _holds_frames(path: pathlib.Path) -> bool:
  """Whether the JSON files in a folder hold one frame each; if not, each is a video."""
  if not has_numbered_files(path, JSON):
    return False
  files = sorted(
    file
    for file in path.iterdir()
    if is_file_of(file, JSON) and not file.name.startswith('.')
  )
  found = []
  for file in files[:_ENOUGH]:
    try:
      content = read_json(file)
    except PoseDataError:  # Reading the video raises it again.
      continue
    if content:
      found.append(mediapipe_json.is_frame(content))
  return len(files) > 1 and bool(found) and all(found)


def parts(path: pathlib.Path) -> DescribedParts | Videos:
  """The videos in a file or folder by name."""
  if path.is_dir():
    return videos_of_files(path, JSON)
  return (
    reading.parts(path)
    if csv_tables.is_video(path)
    else DescribedParts({'': VideoPart()})
  )


def read_video(
  path: pathlib.Path,
  skeleton: Skeleton,
  part: str = '',
  options: ReadOptions = AS_READ,
) -> PosesByFrame:
  """Reads the people in each frame.

  Args:
    part: the video's name; ignored if the file has only one video.

  Raises:
    PoseDataError: naming the file, the frame and the field.
  """
  if path.is_dir():
    files = numbered_files(path, JSON, part)
    return mediapipe_json.read_files(files, skeleton, options)
  if not csv_tables.is_video(path):
    return mediapipe_json.read_video(path, skeleton, part, options)
  try:
    poses = reading.read_video(path, skeleton, part, options, 'shares')
  except PoseDataError as error:
    others = skeletons_named(csv_tables.joint_names(path))
    if not others or skeleton.name in others:
      raise
    raise PoseDataError(
      f'{error}. Format mediapipe has fractions of the frame for its own joints; for'
      f' pixels of other joints, use --format=csv --skeleton={others[0]}'
    ) from error
  _check_fractions(poses, path)
  return poses


def _check_fractions(poses: PosesByFrame, path: pathlib.Path):
  """Checks that no typical position can only be in pixels."""
  positions = np.concatenate([p[..., :2].ravel() for p in poses.people.values()])
  positions = np.abs(positions[np.isfinite(positions)])
  if positions.size and np.median(positions) > _LARGEST_FRACTION:
    raise PoseDataError(
      f'{path}: half of the positions are larger than {_LARGEST_FRACTION}, so they are'
      ' pixels, but format mediapipe has fractions of the frame; use --format=csv'
      f' --skeleton=mediapipe_33'
    )


FORMAT = VideoFormat(
  is_video, read_video, parts, suffixes=(*JSON, *csv_tables.SUFFIXES)
)
