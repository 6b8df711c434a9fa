"""COCO keypoint annotations: one JSON file with one or several videos.

  {"images": [{"id": 7, "file_name": "walk_01/000012.jpg", "height": 720, "width": 1280}],
   "annotations": [{"image_id": 7, "category_id": 1, "keypoints": [x, y, v, ...]}],
   "categories": [{"id": 1, "name": "person", "keypoints": ["nose", ...]}]}

Images are frames of the same video if they have the same `video_id` (or PoseTrack's
`vid_id`), which COCO-VID's form names under `videos`; without these ids, if they are in
the same folder and the same text precedes their frame numbers. The frame number is
`frame_id`, or is found in `file_name` (see `frame_order`). Images with
`"is_labeled": false` (PoseTrack's) are no frames. `track_id` identifies a person. v is 0 for a joint that is not labelled, 1 for a hidden
joint and 2 for a visible one; in a file without any 2, such as PoseTrack's, 1 is visible.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.frame_size import in_words
from input_pipeline.poses.notes import Note
from input_pipeline.readers import frame_order
from input_pipeline.readers.files.file_names import is_file_of, stem_of
from input_pipeline.readers.files.keypoint_json import (
  checked_records,
  described_size,
  field,
  flat_keypoints,
  read_json,
  tracked_identity,
)
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame, common_step
from input_pipeline.readers.visibility import HIDDEN_SCORE
from input_pipeline.skeletons.registry import Skeleton

_Record = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class _Content:
  """A parsed file: images by video, and annotations by image id."""

  images: dict[str, list[_Record]]
  split: bool  # Whether images were split into videos by their names.
  annotations: dict[str, list[_Record]]
  categories: tuple[_Record, ...]
  all_visible: bool  # No v is 2.


def is_video(path: pathlib.Path) -> bool:
  return is_file_of(path, ('.json',))


def videos_in(path: pathlib.Path) -> Mapping[str, Any] | Sequence[str]:
  """Names of the videos in a file, in the order of their first images.

  A mapping from the names if images were split by their own names, see `tree.Parts`.
  """
  content = _read(path)
  return content.images if content.split else tuple(content.images)


def read_video(
  path: pathlib.Path, skeleton: Skeleton, video: str, options: ReadOptions = AS_READ
) -> PosesByFrame:
  """Reads the people in each frame of a video.

  Args:
    video: the video's name; ignored if the file has only one video.

  Raises:
    PoseDataError: naming the file, the annotation and the field.
  """
  content = _read(path)
  if video not in content.images and len(content.images) == 1:
    (video,) = content.images
  if video not in content.images:
    raise PoseDataError(
      f'{path} has no video {video!r}; the first of its {len(content.images)} videos are'
      f' {", ".join(list(content.images)[:3])}'
    )
  choices = _choices(content, skeleton, options, path)
  people, identities = {}, {}
  images, notes = _labelled(_numbered(content.images[video], path), content, path)
  for number, image in images.items():
    records = content.annotations.get(str(image['id']), [])
    joints = [_joints(record, choices, content, path) for record in records]
    people[number] = np.reshape(joints, (len(joints), skeleton.num_joints, 3))
    identities[number] = np.array(
      [tracked_identity(record.get('track_id')) for record in records], np.int64
    )
  size = _frame_size(content.images[video], path)
  kinds = {note.kind: note for choice in choices.values() for note in choice.notes}
  return PosesByFrame(
    people, skeleton.num_joints, identities, size, notes=(*notes, *kinds.values())
  )


def _read(path: pathlib.Path) -> _Content:
  """Reads a file, or returns it from the cache if another of its videos was read."""
  try:
    status = path.stat()
  except OSError as error:
    raise PoseDataError(f'{path} cannot be read: {error}') from error
  return _parse(path, status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=1)
def _parse(path: pathlib.Path, *version: int) -> _Content:
  """Parses a file; time and size are part of the cache's key."""
  del version
  content = read_json(path)
  if isinstance(content, list):
    raise PoseDataError(
      f"{path} holds a list, as COCO's results do, but annotations are an object with"
      " 'images' and 'annotations'; read results with format 'alphapose'"
    )
  images = _records(content, 'images', path)
  annotations: dict[str, list[_Record]] = {}
  for name in ('images', 'annotations'):
    field(content, (name,), str(path))
  names = {str(video.get('id')): video for video in _records(content, 'videos', path)}
  for image in images:
    field(image, ('id',), f'{path}: an image')
  videos, split = _videos(images, names, path)
  for record in _records(content, 'annotations', path):
    image_id = field(record, ('image_id',), f'{path}: an annotation')
    if 'keypoints' in record:
      annotations.setdefault(str(image_id), []).append(record)
  return _Content(
    images=videos,
    split=split,
    annotations=annotations,
    categories=tuple(
      category
      for category in _records(content, 'categories', path)
      if isinstance(category.get('keypoints'), list)
    ),
    all_visible=not any(
      isinstance(record['keypoints'], list) and 2 in record['keypoints'][2::3]
      for records in annotations.values()
      for record in records
    ),
  )


def _records(
  content: dict[str, Any], name: str, path: pathlib.Path
) -> list[dict[str, Any]]:
  return checked_records(content.get(name) or [], f'{path}: {name}')


def _videos(
  images: Sequence[_Record], names: Mapping[str, _Record], path: pathlib.Path
) -> tuple[dict[str, list[_Record]], bool]:
  """Images by video, and whether their names had to tell some of the videos apart."""
  videos: dict[str, list[_Record]] = {}
  folders: dict[str, list[_Record]] = {}
  for image in images:
    stated = next((image[key] for key in ('video_id', 'vid_id') if key in image), None)
    if stated is None:
      folders.setdefault(os.path.dirname(_file_name(image)), []).append(image)
    else:
      video = str(names.get(str(stated), {}).get('name') or stated)
      videos.setdefault(video, []).append(image)
  split = False
  for folder, group in folders.items():
    found = _by_prefix(group, path)
    split |= len(found) > 1
    for video, members in found.items():
      videos.setdefault(video or folder or stem_of(path), []).extend(members)
  return videos, split


def _by_prefix(
  images: list[_Record], path: pathlib.Path
) -> Mapping[str, list[_Record]]:
  """Images by what precedes the frame number in their names; '' if that is the same."""
  if any(image.get('frame_id') is not None for image in images):
    return {'': images}
  try:
    found = frame_order.videos_of(map(_file_name, images), str(path))
  except PoseDataError:  # Reading the video raises it again.
    return {'': images}
  video_of = {name: video for video, names in found.items() for name in names.values()}
  videos: dict[str, list[_Record]] = {}
  for image in images:
    videos.setdefault(video_of[_file_name(image)], []).append(image)
  return videos


def _file_name(image: _Record) -> str:
  return str(image.get('file_name', ''))


def _numbered(images: list[_Record], path: pathlib.Path) -> dict[int, _Record]:
  """The images of a video by frame number, ascending.

  Raises:
    PoseDataError: naming the images, if they have no number, or two have the same.
  """
  for image in images:
    if image.get('frame_id') is None and not _file_name(image):
      raise PoseDataError(
        f"{path}: image {image['id']!r} has no frame number in 'frame_id' or in"
        " 'file_name', but needs one"
      )
  stated = [image for image in images if image.get('frame_id') is not None]
  if stated and len(stated) < len(images):
    other = next(image for image in images if image.get('frame_id') is None)
    raise PoseDataError(
      f"{path}: {_described(stated[0])} has a 'frame_id', but {_described(other)} has"
      ' none; give all images of a video one, or none'
    )
  if stated:
    numbers = [
      frame_order.number_of(
        image['frame_id'], f'{path}: frame_id of {_described(image)}'
      )
      for image in images
    ]
  else:
    names = [_file_name(image) for image in images]
    found = frame_order.videos_of(names, f'{path}, file_name')
    if len(found) > 1:
      first, second = (
        next(iter(frames.values())) for frames in list(found.values())[:2]
      )
      raise PoseDataError(
        f'{path}: {first!r} and {second!r} have the same video id, but look like frames'
        " of two videos; give images a 'frame_id'"
      )
    (frames,) = found.values()
    number_of = {name: number for number, name in frames.items()}
    numbers = [number_of[name] for name in names]
  described = map(_described, images)
  frame_order.frames_by_number(zip(numbers, described, strict=True), str(path))
  return dict(sorted(zip(numbers, images, strict=True), key=lambda item: item[0]))


def _described(image: _Record) -> str:
  return f'image {image["id"]!r} ({_file_name(image)})'


def _labelled(
  images: dict[int, _Record], content: _Content, path: pathlib.Path
) -> tuple[dict[int, _Record], tuple[Note, ...]]:
  """Leaves out images that nobody labelled, and closes the gaps that they leave.

  Raises:
    PoseDataError: if no image is labelled.
  """
  unlabelled = [
    number
    for number, image in images.items()
    if str(image.get('is_labeled')).lower() in ('false', '0')
    and str(image['id']) not in content.annotations
  ]
  if not unlabelled:
    return images, ()
  if len(unlabelled) == len(images):
    raise PoseDataError(
      f"{path}: all {len(images)} images of this video have 'is_labeled': false, so it"
      ' shows nothing'
    )
  first, step = min(images), common_step(list(images))
  labelled = {
    (number - first) // step - bisect.bisect(unlabelled, number): image
    for number, image in images.items()
    if number not in set(unlabelled)
  }
  note = Note(
    'unlabelled_images',
    f"{len(unlabelled)} of {len(images)} images have 'is_labeled': false; they are left"
    ' out, and the labelled ones follow each other',
  )
  return labelled, (note,)


def _frame_size(images: list[_Record], path: pathlib.Path) -> tuple[int, int] | None:
  sizes = [described_size(image, f'{path}, image {image["id"]!r}') for image in images]
  different = sorted(set(sizes), key=str)
  if len(different) > 1:
    raise PoseDataError(
      f'{path}: frames of one video have different sizes:'
      f' {"; ".join(in_words(s) if s else "not given" for s in different[:3])}; all must'
      ' be equal'
    )
  return different[0]


def joint_names(path: pathlib.Path) -> tuple[str, ...] | None:
  """The joint names of the file's first category with keypoints; None without one.

  Raises:
    PoseDataError: if the file is malformed.
  """
  categories = _read(path).categories
  return _names(categories[0]) if categories else None


def _choices(
  content: _Content, skeleton: Skeleton, options: ReadOptions, path: pathlib.Path
) -> dict[str, JointChoice]:
  """How the joints of each category are chosen, by the category's id; '' for others."""
  used = {
    str(record.get('category_id'))
    for records in content.annotations.values()
    for record in records
  }
  named = [
    category for category in content.categories if str(category.get('id')) in used
  ]
  choices = {
    str(category.get('id')): JointChoice(
      skeleton,
      f'{path}: category {category.get("name")!r}',
      names=_names(category),
      trust_order=options.trust_order,
    )
    for category in named or content.categories
  }
  only = next(iter(choices.values())) if len(choices) == 1 else None
  return {'': only or JointChoice(skeleton, str(path)), **choices}


def _names(category: _Record) -> tuple[str, ...]:
  return tuple(map(str, category['keypoints']))


def _joints(
  record: _Record,
  choices: Mapping[str, JointChoice],
  content: _Content,
  path: pathlib.Path,
) -> np.ndarray:
  """(x, y, score) for each joint of a person, `[j, 3]`."""
  where = f'{path}, annotation {record.get("id")!r}: keypoints'
  choice = choices.get(str(record.get('category_id')), choices[''])
  joints = flat_keypoints(record['keypoints'], choice, where)
  visibility = joints[:, 2]
  if not np.isin(visibility, (0, 1, 2)).all():
    wrong = visibility[~np.isin(visibility, (0, 1, 2))][0]
    raise PoseDataError(
      f'{where} have visibility {wrong}, but it must be 0 (not labelled), 1 (hidden) or'
      " 2 (visible); read results, which have scores, with format 'alphapose'"
    )
  hidden = 1.0 if content.all_visible else HIDDEN_SCORE
  joints[:, 2] = np.select([visibility == 2, visibility == 1], [1.0, hidden], 0.0)
  return joints
