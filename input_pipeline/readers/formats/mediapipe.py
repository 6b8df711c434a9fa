"""MediaPipe pose landmarks in the usual self-made forms: JSON or CSV files.

MediaPipe itself writes no files. These forms are read:

  VIDEO.json    see `mediapipe_json`
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
from input_pipeline.readers.formats import csv_tables, mediapipe_json
from input_pipeline.readers.joint_tables import reading
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.source import VideoFormat
from input_pipeline.readers.videos.table import DescribedParts, VideoPart
from input_pipeline.skeletons.joint_names import skeletons_named
from input_pipeline.skeletons.registry import Skeleton

# Larger positions are pixels (our choice).
_LARGEST_FRACTION = 10


def is_video(path: pathlib.Path) -> bool:
  return csv_tables.is_video(path) or is_file_of(path, JSON)


def parts(path: pathlib.Path) -> DescribedParts:
  """The videos in a file by name."""
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
