"""Chooses which of a file's joints are those of the skeleton."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.skeletons.joint_names import arrange, is_prefix_of, skeletons_named
from input_pipeline.skeletons.registry import SKELETONS, Skeleton


class JointChoice:
  """Picks the skeleton's joints by name if the file names its joints, else by number.

  Without names, the file must have as many joints as the skeleton, or a number that only
  a larger skeleton has, which begins with the same joints (`is_prefix_of`).

  Args:
    skeleton: the layout that the user names.
    where: file, for messages.
    names: the file's joint names, in the order of its joints; None if it has none.
    trust_order: ignore the names.

  Raises:
    PoseDataError: if the names are not the skeleton's, see `joint_names.arrange`.
  """

  def __init__(
    self,
    skeleton: Skeleton,
    where: str,
    *,
    names: Sequence[str] | None = None,
    trust_order: bool = False,
  ):
    self.skeleton = skeleton
    self._where = where
    self._count = None if names is None else len(names)
    self._columns = slice(skeleton.num_joints)
    self._notes: dict[str, Note] = {}
    if names is not None:
      arranged = arrange(names, skeleton, trust_order=trust_order, where=where)
      self._columns = arranged.columns
      self._notes |= {note.kind: note for note in arranged.notes}

  @property
  def notes(self) -> tuple[Note, ...]:
    """What the user should know about the choices made so far."""
    return tuple(self._notes.values())

  def fits(self, count: int) -> bool:
    """Whether `of` takes this number of joints."""
    if self._count is not None:
      return count == self._count
    own = self.skeleton
    return count == own.num_joints or is_prefix_of(own, count) is not None

  def of(
    self, joints: Float[np.ndarray, 'j_file *b'], where: str
  ) -> Float[np.ndarray, 'j *b']:
    """Returns the skeleton's joints.

    Args:
      where: frame, person and field, for messages.

    Raises:
      PoseDataError: if the number of joints is another one.
    """
    count = len(joints)
    if self._count is not None:
      if count != self._count:
        raise PoseDataError(
          f'{where} has {count} joints, but the file names {self._count}'
        )
    elif count != self.skeleton.num_joints:
      self._take_first(count, where)
    return joints[self._columns]

  def _take_first(self, count: int, where: str):
    """Checks that a larger skeleton begins with this one's joints, and notes it."""
    larger, own = is_prefix_of(self.skeleton, count), self.skeleton
    if larger is None:
      others = [s.name for s in SKELETONS.values() if s.num_joints == count]
      hint = f'; skeletons with {count}: {", ".join(others)}' if others else ''
      raise PoseDataError(
        f'{where} has {count} joints, but skeleton {own.name!r} has'
        f' {own.num_joints}{hint}'
      )
    self._notes['first_joints'] = Note(
      'first_joints',
      f'poses have {count} joints, as {larger!r}; the first {own.num_joints} are read as'
      f' {own.name!r}. For all joints, give --skeleton={larger}',
    )


def skeleton_for(names: Sequence[str], where: str) -> str:
  """The registered skeleton with the file's joints.

  Raises:
    PoseDataError: if there is none.
  """
  fitting = skeletons_named(names)
  if not fitting:
    raise PoseDataError(
      f'{where} names {len(names)} joints ({_first(names)}), which no'
      ' registered skeleton has; describe them in a file *.yaml and give it as --skeleton'
    )
  return fitting[0]


def _first(names: Sequence[str]) -> str:
  return ', '.join(names[:4]) + (', ...' if len(names) > 4 else '')
