"""AVA v2.1 (Gu et al., CVPR 2018): a clip for each person box, from poses of its video.

The folder holds the files of `annotations/ava.py` and the poses, as skeleton pickles of
PYSKL's form (`pyskl`): `poses.pkl` of all videos, or a folder `poses/` with
`VIDEO.pkl` for each, which is opened only when it is needed. An annotation is a whole
video, with all its people:

  dict(
    frame_dir=VIDEO, img_shape=(height, width), total_frames=t,
    keypoint=[m, t, j, 2], keypoint_score=[m, t, j],
    fps=30.0,             # frames a second
    start_second=900.0,   # of the first frame in the movie; 900 where it is not given,
  )                       # as the 15 minutes that are annotated begin there

AVA publishes no poses, so these are your own: of the videos' frames, by any estimator.
A person need not keep their place `m` from frame to frame.
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

# Of detected boxes; SlowFast's, in its evaluation of v2.1.
_LEAST_SCORE = 0.8
_FIRST_SECOND = 900.0  # Where the annotated quarter of an hour begins.


def read(
  folder: pathlib.Path,
  skeleton: Skeleton,
  *,
  settings: PersonClipSettings | None = None,
  least_score: float = _LEAST_SCORE,
) -> PoseSource:
  """A clip for each box; of 'train' the annotated ones, of 'val' the detected ones.

  Clips are named `video,second,x1,y1,x2,y2`. Their labels are classes of the 60; a
  detected box has those of the annotated one that it overlaps by half or more, and none
  where there is no such: the frame mAP (`pose_action/evaluation/ava.py`) does not read them.

  Args:
    skeleton: of the poses; or `with_others` of that, for the other people as channels
      of their own.
    settings: what a clip shows.
    least_score: of a detected box; its score matters for nothing else.

  Raises:
    PoseDataError: where a file is missing or not of its form, or no video has poses.
  """
  annotations = Annotations(folder)
  if not (folder / DETECTED_BOXES).exists():
    raise PoseDataError(
      f'{folder} lacks {DETECTED_BOXES}, the detected boxes that the split val is tested'
      ' on; it comes from https://dl.fbaipublicfiles.com/video-long-term-feature-banks/'
      f'data/ava/annotations/{DETECTED_BOXES}'
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
  """Loads the poses of a video by its name; the last two are kept."""
  whole = folder / 'poses.pkl'
  of_all = pyskl.read_annotations(whole) if whole.is_file() else {}
  there = {*of_all, *(file.stem for file in (folder / 'poses').glob('*.pkl'))}
  if not there & videos:
    raise PoseDataError(
      f'{folder} holds poses of none of its {len(videos)} training videos: expected'
      " poses.pkl, or poses/VIDEO.pkl for each, skeleton pickles of PYSKL's form with a"
      " video's whole poses under its name and its frames a second as 'fps'"
    )

  @functools.lru_cache(maxsize=2)  # Boxes come video by video.
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
  """A number that tells the time of a video's frames, not below 0 (fps: above 0)."""
  value = annotation.get(key, default)
  if np.ndim(value) or not np.issubdtype(np.asarray(value).dtype, np.number):
    value = float('nan')
  number = float(value)  # pyright: ignore[reportArgumentType]
  if not np.isfinite(number) or number < 0 or (key == 'fps' and number == 0):
    raise PoseDataError(
      f'the poses of video {video!r} have {key} {annotation.get(key)!r}, but need a'
      ' number of '
      + ('frames a second' if key == 'fps' else 'seconds, at which the frames begin')
    )
  return number
