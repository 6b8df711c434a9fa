"""COCO keypoint annotations: one JSON file with one or several videos.

  {"images": [{"id": 7, "file_name": "walk_01/000012.jpg", "height": 720, "width": 1280}],
   "annotations": [{"image_id": 7, "category_id": 1, "keypoints": [x, y, v, ...]}],
   "categories": [{"id": 1, "name": "person", "keypoints": ["nose", ...]}]}

Images are frames of the same video if they have the same `video_id` (or PoseTrack's
`vid_id`), which COCO-VID's form names under `videos`; without these ids, if they are in
the same folder and the same text precedes their frame numbers. The frame number is
`frame_id`, or is found in `file_name` (see `frame_order`). Images with
`"is_labeled": false` (PoseTrack's) are no frames. `track_id` identifies a person (see
`coco_people`). v is 0 for a joint that is not labelled, 1 for a hidden joint and 2 for a
visible one; in a file without any 2, such as PoseTrack's, 1 is visible.
"""

from __future__ import annotations

import bisect
import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.frame_size import in_words
from input_pipeline.poses.notes import Note
from input_pipeline.readers import frame_order
from input_pipeline.readers.files.file_names import is_file_of, stem_of
from input_pipeline.readers.files.keypoint_json import (
  checked_records,
  described_size,
  field,
  read_json,
)
from input_pipeline.readers.files.read_once import read_once
from input_pipeline.readers.formats.coco_people import (
  CocoPeople,
  id_of,
  names_of,
)
from input_pipeline.readers.formats.coco_people import (
  Record as _Record,
)
from input_pipeline.readers.options import AS_READ, ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame, common_step
from input_pipeline.skeletons.registry import Skeleton

# Under these names a file says whether an image is labelled, and that it is not.
_LABELLED = ('is_labeled', 'is_labelled', 'isLabeled', 'labeled')
_NOT = ('false', '0', '0.0', 'no', 'f', 'n')


@dataclasses.dataclass(frozen=True)
class _Content:
  """A parsed file: images by video, and annotations with keypoints by image id."""

  images: dict[str, list[_Record]]
  split: bool  # Whether images were split into videos by their names.
  annotations: dict[str, list[_Record]]
  categories: tuple[_Record, ...]  # Those that name joints.
  notes: tuple[Note, ...]


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
  annotations = [r for records in content.annotations.values() for r in records]
  reader = CocoPeople(annotations, content.categories, skeleton, options, str(path))
  people, identities = {}, {}
  images, notes = _labelled(_numbered(content.images[video], path), content, path)
  for number, image in images.items():
    records = content.annotations.get(id_of(image['id']), [])
    people[number], identities[number] = reader.of(records)
  size = _frame_size(content.images[video], path)
  notes = (*content.notes, *notes, *reader.notes)
  return PosesByFrame(people, skeleton.num_joints, identities, size, notes=notes)


@read_once
def _read(path: pathlib.Path) -> _Content:
  content = read_json(path)
  if isinstance(content, list):
    raise PoseDataError(
      f"{path} holds a list, as COCO's results do, but annotations are an object with"
      " 'images' and 'annotations'; read results with format 'alphapose'"
    )
  for name in ('images', 'annotations'):
    field(content, (name,), str(path))
  images = _records(content, 'images', path)
  names = {id_of(video.get('id')): video for video in _records(content, 'videos', path)}
  by_id: dict[str, _Record] = {}
  for image in images:
    image_id = id_of(field(image, ('id',), f'{path}: an image'))
    if image_id in by_id:
      raise PoseDataError(
        f'{path}: {_file_name(by_id[image_id])!r} and {_file_name(image)!r} both have the'
        f' image id {image_id}; give each image its own'
      )
    by_id[image_id] = image
  videos, split = _videos(images, names, path)
  annotations, notes = _annotations(_records(content, 'annotations', path), by_id, path)
  return _Content(
    images=videos,
    split=split,
    annotations=annotations,
    categories=tuple(
      category
      for category in _records(content, 'categories', path)
      if category.get('keypoints') and isinstance(category['keypoints'], (list, dict))
    ),
    notes=notes,
  )


def _annotations(
  records: Sequence[_Record], images: Mapping[str, _Record], path: pathlib.Path
) -> tuple[dict[str, list[_Record]], tuple[Note, ...]]:
  """Annotations with keypoints by image id, and what was doubtful about them.

  Raises:
    PoseDataError: if no annotation belongs to an image.
  """
  found: dict[str, list[_Record]] = {}
  strays, boxes = [], 0
  for record in records:
    image_id = field(record, ('image_id',), f'{path}: an annotation')
    if id_of(image_id) not in images:
      strays.append(image_id)
    elif 'keypoints' in record:
      found.setdefault(id_of(image_id), []).append(record)
    else:
      boxes += 1
  notes = []
  if strays:
    what = (
      f'{path}: {len(strays)} of {len(records)} annotations have an image_id that no image'
      f' has, the first {strays[0]!r}'
    )
    if len(strays) == len(records):
      raise PoseDataError(f'{what}; give the images that they belong to')
    notes.append(Note('annotations_without_image', f'{what}; they are left out'))
  if boxes:
    what = f"{path}: {boxes} of {len(records)} annotations have no 'keypoints'"
    notes.append(Note('boxes_without_keypoints', f'{what}; they are left out'))
  return found, tuple(notes)


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
      video = str(names.get(id_of(stated), {}).get('name') or id_of(stated))
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
    if any(str(image.get(key)).lower() in _NOT for key in _LABELLED)
    and id_of(image['id']) not in content.annotations
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
  different = sorted({size for size in sizes if size is not None}, key=str)
  if len(different) > 1:
    raise PoseDataError(
      f'{path}: frames of one video have different sizes:'
      f' {"; ".join(in_words(size) for size in different[:3])}; all must'
      ' be equal'
    )
  return different[0] if different else None


def joint_names(path: pathlib.Path) -> tuple[str, ...] | None:
  """The joint names of the file's first category with keypoints; None without one.

  Raises:
    PoseDataError: if the file is malformed.
  """
  categories = _read(path).categories
  return names_of(categories[0], str(path)) if categories else None
