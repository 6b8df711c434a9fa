"""Tables of joints in pixels: a row per frame and person, or a row per joint.

  VIDEO.csv or VIDEO.tsv
    frame,nose_x,nose_y,nose_score,left_eye_x,...
    0,312.4,108.9,0.97,318.0,...

Columns are found by the skeleton's joint names, in any usual dress (`nose_x`, `x_nose`,
`Nose.X`, `kp_nose_x`), or by number (`x0`, `0_x`, `kp_0_x`, from 0 or 1). Scores are
`_score`, `_conf`, `_likelihood`, `_v` and the like. A row per joint has columns such as
`frame`, `joint`, `x`, `y`.

Other columns: a frame number, an image's name or a time; a person's identity; `height`
and `width` of the frame; `video` and `label` (or `class`, `action`, ...), which split the
table into videos with classes, and `split`. Columns that are not read cause a note.
"""

from __future__ import annotations

import pathlib

from input_pipeline.readers.files.file_names import is_file_of
from input_pipeline.readers.joint_tables import layout, reading
from input_pipeline.readers.joint_tables.cells import read_cells
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.readers.videos.source import VideoFormat
from input_pipeline.skeletons.registry import Skeleton

SUFFIXES = ('.csv', '.tsv', '.tab')


def is_video(path: pathlib.Path) -> bool:
  return is_file_of(path, SUFFIXES)


def read_video(
  path: pathlib.Path, skeleton: Skeleton, part: str, options: ReadOptions
) -> PosesByFrame:
  """Reads the people in each frame of a video.

  Args:
    part: the video's name; ignored if the table has only one video.

  Raises:
    PoseDataError: naming the file, the line and the column.
  """
  return reading.read_video(path, skeleton, part, options, 'pixels')


def joint_names(path: pathlib.Path) -> tuple[str, ...]:
  """Names of the joints in a table; empty if they are numbered.

  Raises:
    PoseDataError: if the table cannot be read.
  """
  return layout.joint_names(read_cells(path))


FORMAT = VideoFormat(
  is_video, read_video, reading.parts, suffixes=SUFFIXES, joint_names=joint_names
)
