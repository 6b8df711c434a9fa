"""Turns one person's landmarks, as JSON has them, into joints in a skeleton's order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.readers.files.keypoint_json import (
  checked_list,
  field,
  numbers,
)
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.joint_tables.columns import without_prefix, words_of
from input_pipeline.skeletons.joint_names import Arrangement, arrange, plain
from input_pipeline.skeletons.registry import Skeleton

_SCORES = ('visibility', 'score', 'confidence', 'presence')
_IDS = ('id', 'index', 'idx', 'landmark_id', 'landmark_index', 'landmark')
_NAMES = ('name', 'part', 'landmark_name', 'landmark', 'class', 'label')


def is_landmark(value: Any) -> bool:
  """Whether JSON is {"x": 0.5, "y": 0.4, ...} or [x, y, ...]."""
  if isinstance(value, dict):
    return {'x', 'y'} <= {key.lower() for key in value}
  return (
    isinstance(value, list)
    and len(value) >= 2
    and all(v is None or isinstance(v, (int, float)) for v in value)
  )


def is_landmarks(value: Any) -> bool:
  """Whether JSON is one person's landmarks, in a list or an object."""
  values = list(value.values()) if isinstance(value, dict) else value
  return isinstance(values, list) and bool(values) and all(map(is_landmark, values))


class Landmarks:
  """Reads people of one file.

  Attributes:
    notes: what was doubtful about joint names so far.
  """

  def __init__(self, skeleton: Skeleton, where: str, *, trust_order: bool):
    self._skeleton = skeleton
    self._trust_order = trust_order
    self._choice = JointChoice(skeleton, where)
    self._arrangements: dict[tuple[str, ...], Arrangement] = {}
    self._numbers: set[int] = set()
    self._partial: dict[tuple[str, ...], list[int]] = {}
    self._named: set[int] = set()
    self._fault: PoseDataError | None = None

  @property
  def notes(self) -> tuple[Note, ...]:
    notes = [note for a in self._arrangements.values() for note in a.notes]
    return tuple(dict.fromkeys([*notes, *self._choice.notes]))

  def check_complete(self, where: str):
    """Checks that all landmarks appear, as far as they state their numbers or names.

    A landmark may be absent in some frames, but 17 landmarks are not MediaPipe's.

    Raises:
      PoseDataError: if a number or a name appears nowhere.
    """
    if self._fault and len(self._named) < self._skeleton.num_joints:
      raise self._fault
    missing = set(range(self._skeleton.num_joints)) - self._numbers
    if self._numbers and missing:
      raise PoseDataError(
        f'{where}: landmarks have numbers up to {max(self._numbers)}, and none has number'
        f' {min(missing)}, but skeleton {self._skeleton.name!r} has'
        f' {self._skeleton.num_joints} joints'
      )

  def person(self, person: Any, where: str) -> Float[np.ndarray, 'j 3']:
    """x, y and score for each joint; a missing score is NaN.

    Raises:
      PoseDataError: if the landmarks are not those of the skeleton.
    """
    if isinstance(person, dict):
      keys, landmarks = list(person), list(person.values())
    else:
      landmarks = checked_list(person, where)
      keys = [_key(landmark) for landmark in landmarks]
    rows = [
      _row(landmark, f'{where}, landmark {place}')
      for place, landmark in enumerate(landmarks)
    ]
    joints = numbers(rows, where)
    stated = [str(key) for key in keys if key is not None]
    if len(stated) < len(keys):
      return self._choice.of(joints, where)
    if all(key.isdecimal() for key in stated):
      return self._by_number(joints, [int(key) for key in stated], where)
    return self._by_name(joints, tuple(stated), where)

  def _by_number(
    self, joints: Float[np.ndarray, 'l 3'], ids: Sequence[int], where: str
  ) -> Float[np.ndarray, 'j 3']:
    """Joints by the numbers of landmarks; those that are absent are missing."""
    count = self._skeleton.num_joints
    if len(set(ids)) < len(ids) or not 0 <= min(ids) <= max(ids) < count:
      raise PoseDataError(
        f'{where}: landmarks are numbered {min(ids)} to {max(ids)}, but must have'
        f' numbers in 0..{count - 1}, each once'
      )
    placed = np.full((count, 3), np.nan)
    placed[list(ids)] = joints
    self._numbers.update(ids)
    return placed

  def _by_name(
    self, joints: Float[np.ndarray, 'l 3'], names: tuple[str, ...], where: str
  ) -> Float[np.ndarray, 'j 3']:
    if names not in self._arrangements and names not in self._partial:
      spelled = [without_prefix('_'.join(words_of(name))) for name in names]
      try:
        self._arrangements[names] = arrange(
          spelled, self._skeleton, trust_order=self._trust_order, where=where
        )
        self._named.update(range(self._skeleton.num_joints))
      except PoseDataError as error:
        places = self._places_of(spelled)
        if places is None:
          raise
        self._fault = self._fault or error  # Unless other frames have the others.
        self._partial[names] = places
        self._named.update(places)
    if names in self._arrangements:
      return joints[self._arrangements[names].columns]
    placed = np.full((self._skeleton.num_joints, 3), np.nan)
    placed[self._partial[names]] = joints
    return placed

  def _places_of(self, names: Sequence[str]) -> list[int] | None:
    """The skeleton's joints with these names; None if one has no or another's joint."""
    known = {plain(joint): place for place, joint in enumerate(self._skeleton.joints)}
    places = [known[plain(name)] for name in names if plain(name) in known]
    return places if len(set(places)) == len(names) else None


def _key(landmark: Any) -> int | str | None:
  """A landmark's name, else its number, as far as it states one."""
  if not isinstance(landmark, dict):
    return None
  for key in (*_NAMES, *_IDS):
    value = landmark.get(key)
    if isinstance(value, str) or (isinstance(value, int) and key in _IDS):
      return value
  return None


def _row(landmark: Any, where: str) -> list[Any]:
  """[x, y, score] with None for a missing score; all None for a missing landmark."""
  if landmark is None:
    return [None, None, None]
  if isinstance(landmark, dict):
    lower = {key.lower(): value for key, value in landmark.items()}
    x, y = (field(lower, (axis,), where) for axis in 'xy')
    return [x, y, next((lower[s] for s in _SCORES if lower.get(s) is not None), None)]
  x, y, _, *score = [*checked_list(landmark, where), None, None, None][:4]
  return [x, y, *score]
