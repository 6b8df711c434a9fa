"""Skeleton pickles from PYSKL and MMAction2.

  dict(
    split={name: [frame_dir, ...]},       # absent in old files: one split, 'all'
    classes=[name, ...],                  # often absent: classes '0', '1', ...
    annotations=[dict(
      frame_dir='id', label=0, img_shape=(height, width), total_frames=t,
      keypoint=[m, t, j, 2],              # (x, y) in pixels, 0-based
      keypoint_score=[m, t, j],
    ), ...],
  )

The oldest files are only the list of annotations. The files do not state the skeleton.
Numbers may be in half precision. The file for Kinetics keeps its poses in many files
beside it (see `pyskl_kpfiles`). docs/data_formats.md lists the published files.
"""

from __future__ import annotations

import dataclasses
import functools
import pathlib
from collections.abc import Mapping
from typing import Any

import einops
import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.frame_size import how_to_give
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers.axis_order import frames_read_as_people
from input_pipeline.readers.formats.pyskl_content import (
  Content,
  labels_of,
  name_of,
  read_content,
)
from input_pipeline.readers.formats.pyskl_kpfiles import (
  KeypointFiles,
  first_frame,
  has_keypoint_file,
)
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joints import Joints, scores_of_positions, to_joints
from input_pipeline.readers.options import ReadOptions
from input_pipeline.skeletons.registry import Skeleton

_DEPTH = Note(
  'depth_dropped',
  'keypoint has 3 coordinates beside keypoint_score; the third, a depth, is not read',
)


def read(
  path: pathlib.Path, skeleton: Skeleton, options: ReadOptions | None = None
) -> PoseSource:
  """Opens a PYSKL pickle; a fault in a clip is raised when the clip is loaded.

  - `label` may be one index, a list of any number of indices, or absent (a clip to
    predict on). One list in the file makes the whole source multi-label.
  - `keypoint_score` may be absent. Then the third column of `keypoint` is the score,
    as PYSKL concatenates them. Without that column too, a joint at (0, 0) or at a
    position that is not finite is missing, and every other joint has score 1.
  - A name in a split without an annotation is left out, as in PYSKL, and so is an
    annotation without a name; a note counts and names them.
  - `max_people` limits only poses in files beside the pickle; people in the pickle
    itself are all kept.

  Raises:
    PoseDataError: if the file is malformed, or hardly an annotation can be used.
  """
  content = read_content(path)
  return PoseSource(
    skeleton=skeleton,
    class_names=content.class_names,
    splits=content.splits,
    load=functools.partial(
      _load_clip,
      path,
      skeleton,
      content,
      KeypointFiles(path, skeleton, first_frame(content.annotations.values())),
      options,
    ),
    multi_label=content.multi_label,
    notes=content.notes,
  )


def read_annotations(path: pathlib.Path) -> Mapping[str, Any]:
  """The unparsed annotations in a PYSKL pickle, by clip name; `clip_of` parses one.

  Raises:
    PoseDataError: if the file is malformed, or has two annotations for a clip.
  """
  content = read_content(path)
  for name, why in content.refused.items():
    raise PoseDataError(f'clip {name!r}: {why}')
  return content.annotations


def clip_of(
  annotation: Mapping[str, Any],
  path: pathlib.Path,
  skeleton: Skeleton,
  labels: tuple[int, ...] = (),
  keypoint_files: KeypointFiles | None = None,
  options: ReadOptions | None = None,
) -> PoseClip:
  """Makes a clip from an annotation, ignoring its label.

  Args:
    path: the annotation's file, for messages.
    labels: the clip's labels.
    keypoint_files: the files that hold the poses, if the annotation does not.
    options: what the file does not state.

  Raises:
    PoseDataError: if the annotation is malformed.
  """
  video_id = name_of(annotation)
  options = options or ReadOptions()
  apart = keypoint_files if has_keypoint_file(annotation) else None
  if apart is None and 'keypoint' not in annotation:
    raise PoseDataError(
      f"clip {video_id!r}: its annotation in {path} lacks 'keypoint'; it has"
      f' {", ".join(map(str, annotation))}'
    )
  size = _frame_size(video_id, annotation, options)
  try:
    joints = (
      apart.read(video_id, annotation, size, options)
      if apart
      else _joints(annotation, size, options, JointChoice(skeleton, str(path)))
    )
  except PoseDataError as error:
    raise PoseDataError(f'clip {video_id!r}: {error}') from error
  return PoseClip(
    video_id=video_id,
    keypoints=joints.values[..., :2],
    scores=joints.values[..., 2],
    frame_size=size,
    skeleton=skeleton,
    labels=labels,
    notes=joints.notes,
  )


def _load_clip(
  path: pathlib.Path,
  skeleton: Skeleton,
  content: Content,
  keypoint_files: KeypointFiles,
  options: ReadOptions | None,
  video_id: str,
) -> PoseClip:
  if video_id in content.refused:
    raise PoseDataError(f'clip {video_id!r}: {content.refused[video_id]}')
  if video_id not in content.annotations:
    raise PoseDataError(f'clip {video_id!r} has no annotation in {path}')
  annotation = content.annotations[video_id]
  try:
    labels = labels_of(annotation)
  except PoseDataError as error:
    raise PoseDataError(f'clip {video_id!r}: {error}') from error
  number = len(content.class_names)
  for label in labels:
    if not 0 <= label < number:
      raise PoseDataError(
        f'clip {video_id!r}: label is {label}, but must be one of the {number} classes'
        f' in {path}, 0..{number - 1}'
      )
  return clip_of(annotation, path, skeleton, labels, keypoint_files, options)


def _frame_size(
  video_id: str, annotation: Mapping[str, Any], options: ReadOptions
) -> tuple[int, int]:
  if annotation.get('img_shape') is None:
    if options.frame_size is None:
      in_space = np.shape(annotation.get('keypoint', ()))[-1:] == (3,)
      raise PoseDataError(
        f"clip {video_id!r}: its annotation lacks 'img_shape', the frame size"
        + (
          ', and its keypoints have 3 coordinates: 3-D poses are not read'
          if in_space and annotation.get('keypoint_score') is None
          else f'; give {how_to_give()}'
        )
      )
    return options.frame_size
  size = np.asarray(annotation['img_shape'])
  if size.shape != (2,) or not _are_whole(size):
    raise PoseDataError(
      f'clip {video_id!r}: img_shape is {annotation["img_shape"]!r}, but must be (height,'
      ' width) in whole pixels'
    )
  return int(size[0]), int(size[1])


def _are_whole(numbers: np.ndarray) -> bool:
  if not np.issubdtype(numbers.dtype, np.number) or not np.isfinite(numbers).all():
    return False
  return bool((numbers == np.round(numbers)).all())


def _joints(
  annotation: Mapping[str, Any],
  frame_size: tuple[int, int],
  options: ReadOptions,
  choice: JointChoice,
) -> Joints:
  """(x, y) in pixels and score, `[t, m, j, 3]`."""
  keypoint = _floats(annotation, 'keypoint')
  if keypoint.ndim != 4 or keypoint.shape[-1] not in (2, 3):
    raise PoseDataError(
      f'keypoint has shape {keypoint.shape}, but needs [persons, frames, joints, 2 or 3]'
    )
  _check_frames(annotation, keypoint)
  positions, depth = keypoint[..., :2], False
  if annotation.get('keypoint_score') is not None:
    scores = _floats(annotation, 'keypoint_score')
    if scores.shape != keypoint.shape[:3]:
      raise PoseDataError(
        f'keypoint_score has shape {scores.shape}, but keypoint needs'
        f' {keypoint.shape[:3]}'
      )
    depth = keypoint.shape[-1] == 3
  elif keypoint.shape[-1] == 3:
    scores = keypoint[..., 2]
  else:
    scores = scores_of_positions(positions)
  values = np.concatenate([positions, scores[..., None]], axis=-1)
  chosen = choice.of(np.moveaxis(values, 2, 0), 'keypoint')
  values = einops.rearrange(chosen, 'j m t c -> t m j c')
  joints = to_joints(values, 'pixels', frame_size, normalized=options.normalized)
  notes = (*choice.notes, *joints.notes, *([_DEPTH] if depth else []))
  return dataclasses.replace(joints, notes=notes)


def _check_frames(annotation: Mapping[str, Any], keypoint: np.ndarray):
  """Checks the number of frames, and that frames were not written as people."""
  frames = keypoint.shape[1]
  if annotation.get('total_frames', frames) != frames:
    raise PoseDataError(
      f'total_frames is {annotation["total_frames"]!r}, but keypoint has {frames} frames'
    )
  people = einops.rearrange(keypoint[..., :2], 'm t j c -> t m j c')
  scores = scores_of_positions(people)[..., None]
  if frames_read_as_people(np.concatenate([people, scores], axis=-1)):
    raise PoseDataError(
      f'keypoint has shape {list(keypoint.shape)}, read as [persons, frames, ...], but all'
      f' {len(keypoint)} people of a frame are in one place, so they are probably frames;'
      ' exchange the first two axes'
    )


def _floats(annotation: Mapping[str, Any], key: str) -> np.ndarray:
  try:
    return np.asarray(annotation[key], np.float32)
  except (TypeError, ValueError) as error:  # Ragged, or not numbers.
    raise PoseDataError(f'{key} is not an array of numbers: {error}') from error
