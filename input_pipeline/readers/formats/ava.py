"""AVA v2.1 (Gu et al., CVPR 2018): one clip per person box, cut from its video's poses.

The folder holds the files that `annotations/ava.py` reads, and the poses as skeleton
pickles in PYSKL's form (`pyskl`): `poses.pkl` for all videos, or a folder `poses/` with
one `VIDEO.pkl` each, opened only when needed. Each annotation describes a whole video
with all of its people:

  dict(
    frame_dir=VIDEO, img_shape=(height, width), total_frames=t,
    keypoint=[m, t, j, 2], keypoint_score=[m, t, j],
    fps=30.0,             # frames per second
    start_second=900.0,   # time of the first frame in the movie; by default 900, where
  )                       # the 15 annotated minutes begin

AVA publishes no poses, so you must estimate them from the videos' frames, with any
estimator. A person need not keep the same index `m` from frame to frame.
"""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from input_pipeline.annotations.ava import (
  DETECTED_BOXES,
  Annotations,
  PersonBox,
  labels_of_detected,
)
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.person_clip import PersonClipSettings, VideoPoses, person_clip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers.formats import pyskl
from input_pipeline.skeletons.other_people import one_person
from input_pipeline.skeletons.registry import Skeleton

# The threshold for detected boxes in SlowFast's evaluation on v2.1.
_LEAST_SCORE = 0.8
_FIRST_SECOND = 900.0  # Where the 15 annotated minutes begin.


def read(
  folder: pathlib.Path,
  skeleton: Skeleton,
  *,
  settings: PersonClipSettings | None = None,
  least_score: float = _LEAST_SCORE,
) -> PoseSource:
  """Opens AVA with one clip per box: annotated boxes in 'train', detected ones in 'val'.

  Clips are named `video,second,x1,y1,x2,y2`. Labels are indices of the 60 classes. A
  detected box takes the labels of the annotated box that it overlaps by half or more,
  else none; the frame mAP (`pose_action/evaluation/ava.py`) does not use these labels.

  Args:
    skeleton: the poses' skeleton, or `with_others` of it, which gives the other people
      their own channels.
    settings: which part of the video a clip shows.
    least_score: drops detected boxes with lower scores; scores have no other effect.

  Raises:
    PoseDataError: if a file is missing or malformed, or no video has poses.
  """
  annotations = Annotations(folder)
  if not (folder / DETECTED_BOXES).exists():
    raise PoseDataError(
      f'{folder} lacks {DETECTED_BOXES}, the detected boxes on which the split val is'
      ' evaluated; download it from https://dl.fbaipublicfiles.com/'
      f'video-long-term-feature-banks/data/ava/annotations/{DETECTED_BOXES}'
    )
  train = annotations.labelled_boxes('train')
  val = labels_of_detected(
    annotations.detected_boxes(least_score), annotations.labelled_boxes('val')
  )
  load_video = _open_poses(folder, one_person(skeleton), {box.video for box in train})
  return PoseSource(
    skeleton=skeleton,
    class_names=annotations.class_names,
    splits={
      split: tuple(box.name for box in boxes)
      for split, boxes in (('train', train), ('val', val))
    },
    load=functools.partial(
      _load_clip,
      load_video,
      {box.name: labels for box, labels in (train | val).items()},
      skeleton,
      settings or PersonClipSettings(),
    ),
    multi_label=True,
    notes=annotations.notes,
  )


def _load_clip(
  load_video: Callable[[str], VideoPoses],
  labels: Mapping[str, tuple[int, ...]],
  skeleton: Skeleton,
  settings: PersonClipSettings,
  video_id: str,
) -> PoseClip:
  box = PersonBox.from_name(video_id)
  try:
    video = load_video(box.video)
  except PoseDataError as error:
    raise PoseDataError(f'clip {video_id!r}: {error}') from error
  return person_clip(
    video,
    box.shares,
    float(box.second),
    video_id=video_id,
    labels=labels[video_id],
    skeleton=skeleton,
    settings=settings,
  )


def _open_poses(
  folder: pathlib.Path, skeleton: Skeleton, videos: set[str]
) -> Callable[[str], VideoPoses]:
  """Returns a function that loads a video's poses by name; it caches the last two."""
  whole = folder / 'poses.pkl'
  of_all = pyskl.read_annotations(whole) if whole.is_file() else {}
  there = {*of_all, *(file.stem for file in (folder / 'poses').glob('*.pkl'))}
  if not there & videos:
    raise PoseDataError(
      f'{folder} holds poses of none of its {len(videos)} training videos: expected'
      " poses.pkl, or poses/VIDEO.pkl for each, skeleton pickles in PYSKL's form with"
      " each video's poses under its name and its frames per second as 'fps'"
    )

  @functools.lru_cache(maxsize=2)  # Boxes are ordered by video.
  def load(video: str) -> VideoPoses:
    file, annotations = whole, of_all
    if video not in of_all and video in there:
      file = folder / 'poses' / f'{video}.pkl'
      annotations = pyskl.read_annotations(file)
    if video not in annotations:
      raise PoseDataError(f'there are no poses of video {video!r} in {folder}')
    return VideoPoses(
      clip=pyskl.clip_of(annotations[video], file, skeleton),
      frames_per_second=_seconds(annotations[video], 'fps', video),
      start=_seconds(annotations[video], 'start_second', video, _FIRST_SECOND),
    )

  return load


def _seconds(
  annotation: Mapping[str, Any], key: str, video: str, default: float | None = None
) -> float:
  """The annotation's frame rate or start time: at least 0, 'fps' above 0."""
  value = annotation.get(key, default)
  if np.ndim(value) or not np.issubdtype(np.asarray(value).dtype, np.number):
    value = float('nan')
  number = float(value)  # pyright: ignore[reportArgumentType]
  if not np.isfinite(number) or number < 0 or (key == 'fps' and number == 0):
    raise PoseDataError(
      f'the poses of video {video!r} have {key} {annotation.get(key)!r}, but need '
      + (
        'a positive number of frames per second'
        if key == 'fps'
        else 'the second at which the frames begin, a number of at least 0'
      )
    )
  return number
