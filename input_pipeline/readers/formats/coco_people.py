"""The people in annotations of COCO's form: joints, visibility, categories, identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files.keypoint_json import (
  flat_keypoints,
  names_by_number,
  tracked_identity,
)
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.visibility import HIDDEN_SCORE
from input_pipeline.skeletons.registry import Skeleton

Record = Mapping[str, Any]

# PoseTrack's and CVAT's key, COCO-VID's, and PoseTrack 21's for all videos together.
_TRACKS = ('track_id', 'instance_id', 'person_id')
# COCO-WholeBody has further joints beside `keypoints`; its order is this.
_WHOLE_BODY = 'coco_wholebody_133'
_FURTHER_JOINTS = ('foot_kpts', 'face_kpts', 'lefthand_kpts', 'righthand_kpts')


def id_of(value: Any) -> str:
  """An id as text, the same for 7, 7.0 and '7'."""
  whole = isinstance(value, float) and value.is_integer()
  return str(int(value) if whole else value)


def names_of(category: Record, where: str) -> tuple[str, ...] | None:
  """The joint names of a category; None if it has none."""
  return names_by_number(category.get('keypoints'), f'{where}: keypoints of a category')


class CocoPeople:
  """Reads the people in a file's annotations.

  Annotations of categories with other joints than the skeleton's are left out, if
  another category fits.

  Args:
    annotations: all with keypoints in the file.
    categories: those in the file that name joints.
    where: file, for messages.

  Raises:
    PoseDataError: if no category in use has the skeleton's joints.
  """

  def __init__(
    self,
    annotations: Sequence[Record],
    categories: Sequence[Record],
    skeleton: Skeleton,
    options: ReadOptions,
    where: str,
  ):
    self._skeleton = skeleton
    self._where = where
    self._whole = skeleton.name == _WHOLE_BODY and all(
      key in record for record in annotations for key in _FURTHER_JOINTS
    )
    used = {id_of(record.get('category_id')) for record in annotations}
    named = [c for c in categories if id_of(c.get('id')) in used] or categories
    self._choices: dict[str, JointChoice] = {}
    self._left_out: dict[str, str] = {}
    fault = None
    for category in named:
      try:
        self._choices[id_of(category.get('id'))] = JointChoice(
          skeleton,
          f'{where}: category {category.get("name")!r}',
          names=self._names_of(category),
          trust_order=options.trust_order,
        )
      except PoseDataError as error:
        fault = fault or error
        self._left_out[id_of(category.get('id'))] = str(category.get('name'))
    if fault and not self._choices:
      raise fault
    only = next(iter(self._choices.values())) if len(self._choices) == 1 else None
    self._other = only or JointChoice(skeleton, where)
    self._all_visible = not any(
      2 in _visibilities(record['keypoints']) for record in annotations
    )

  @property
  def notes(self) -> tuple[Note, ...]:
    """What the user should know about the choice of joints so far."""
    choices = (*self._choices.values(), self._other)
    notes = {note.kind: note for choice in choices for note in choice.notes}
    if self._left_out:
      names = ', '.join(map(repr, self._left_out.values()))
      notes['categories_left_out'] = Note(
        'categories_left_out',
        f'{self._where}: the categories {names} have other joints than'
        f' {self._skeleton.name!r}; their annotations are left out',
      )
    return tuple(notes.values())

  def of(
    self, records: Sequence[Record]
  ) -> tuple[Float[np.ndarray, 'm j 3'], np.ndarray]:
    """The joints and identities of the people in a frame.

    Raises:
      PoseDataError: naming the annotation and the field.
    """
    kept = [
      record
      for record in records
      if record['keypoints'] and id_of(record.get('category_id')) not in self._left_out
    ]
    joints = [self._joints(record) for record in kept]
    people = np.reshape(joints, (len(joints), self._skeleton.num_joints, 3))
    return people, np.array([_identity(record) for record in kept], np.int64)

  def _names_of(self, category: Record) -> tuple[str, ...] | None:
    names = names_of(category, self._where)
    if names and self._whole:  # COCO-WholeBody names the body's joints only.
      names = (*names, *self._skeleton.joints[len(names) :])
    return names

  def _joints(self, record: Record) -> Float[np.ndarray, 'j 3']:
    """(x, y, score) for each joint of a person."""
    where = f'{self._where}, annotation {record.get("id")!r}: keypoints'
    choice = self._choices.get(id_of(record.get('category_id')), self._other)
    keypoints = record['keypoints']
    if self._whole:
      further = [record[key] for key in _FURTHER_JOINTS]
      keypoints = sum(map(_listed, further), start=_listed(keypoints))
    joints = flat_keypoints(keypoints, choice, where)
    # Some tools mark a missing joint by -1 or null.
    stated = np.where(np.isnan(joints[:, 2]) | (joints[:, 2] == -1), 0, joints[:, 2])
    wrong = stated[~np.isin(stated, (0, 1, 2))]
    if wrong.size:
      raise PoseDataError(
        f'{where} have visibility {wrong[0]}, but it must be 0 (not labelled), 1 (hidden)'
        " or 2 (visible); read results, which have scores, with format 'alphapose'"
      )
    hidden = 1.0 if self._all_visible else HIDDEN_SCORE
    scores = np.select([stated == 2, stated == 1], [1.0, hidden], 0.0)
    return np.concatenate([joints[:, :2], scores[:, None]], axis=1)


def _visibilities(keypoints: Any) -> list[Any]:
  """v of each joint; none where keypoints are malformed, which reading them reports."""
  if not isinstance(keypoints, list):
    return []
  if all(isinstance(joint, list) for joint in keypoints):
    return [joint[2] for joint in keypoints if len(joint) == 3]
  return keypoints[2::3]


def _listed(keypoints: Any) -> list[Any]:
  return keypoints if isinstance(keypoints, list) else [keypoints]


def _identity(record: Record) -> int:
  """A person's identity, as PoseTrack, COCO-VID or CVAT (under `attributes`) has it."""
  attributes = record.get('attributes')
  for fields in (record, attributes if isinstance(attributes, dict) else {}):
    for key in _TRACKS:
      if key in fields:
        return tracked_identity(fields[key])
  return tracked_identity(None)
