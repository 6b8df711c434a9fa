"""Chooses which of a file's joints are those of the skeleton."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.skeletons.joint_names import (
  arrange,
  has_joints_of,
  is_prefix_of,
  skeletons_named,
  skeletons_of_size,
)
from input_pipeline.skeletons.registry import SKELETONS, Skeleton, get_skeleton


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
      raise PoseDataError(
        f'{where} has {count} joints, but skeleton {own.name!r} has'
        f' {own.num_joints}{skeletons_of_size(count)}'
      )
    self._notes['first_joints'] = Note(
      'first_joints',
      f'poses have {count} joints, as {larger!r}; the first {own.num_joints} are read as'
      f' {own.name!r}. For all joints, give --skeleton={larger}',
    )


def choose_skeleton(
  asked: str | None,
  *,
  format: str,
  fixed: str | None,
  usual: str | None,
  where: str,
  read_names: Callable[[], Sequence[str] | None],
  of_model: Skeleton | None = None,
) -> tuple[Skeleton, tuple[Note, ...]]:
  """The skeleton of poses, and how it was chosen if neither user nor format names it.

  Args:
    asked: the name that the user gives.
    fixed: the skeleton that the format always has.
    usual: the skeleton that the format has if nothing names another.
    where: file or folder, for messages.
    read_names: reads the joint names in the files, if they have any.
    of_model: the skeleton of the model that reads the poses.

  Raises:
    PoseDataError: if the user's skeleton is not the format's, or nothing names one.
    SkeletonError: if no such skeleton is registered.
  """
  if fixed is not None:
    if asked not in (None, fixed):
      raise PoseDataError(
        f'format {format!r} always has the skeleton {fixed!r}, not {asked!r}; leave the'
        ' skeleton out'
      )
    return get_skeleton(fixed), ()
  if asked is not None:
    return get_skeleton(asked), ()
  if names := read_names():
    chosen = _named_skeleton(names, where, of_model)
    return chosen, _chosen(chosen, 'because the files name these joints')
  if of_model is not None and (usual is None or of_model.name not in SKELETONS):
    return of_model, _chosen(
      of_model,
      'which is the one of the model, because the files do not name their joints',
    )
  if usual is not None:
    chosen = get_skeleton(usual)
    return chosen, _chosen(chosen, f'as usual for {format}')
  raise PoseDataError(
    f'{where}, in format {format!r}, does not name its joints: name the skeleton, for'
    ' example --skeleton=coco_17 (train: --config.data.skeleton=coco_17; Python:'
    " skeleton='coco_17'); a wrong name lists all"
  )


def _chosen(skeleton: Skeleton, why: str) -> tuple[Note, ...]:
  message = (
    f'the skeleton is {skeleton.name!r}, {why}; if that is wrong, give --skeleton'
  )
  return (Note('skeleton_chosen', message, is_warning=False),)


def _named_skeleton(
  names: Sequence[str], where: str, of_model: Skeleton | None
) -> Skeleton:
  """The skeleton with the file's joints; the model's if it fits as well as others.

  A file with the joints of no registered skeleton may have all joints of the model's.
  """
  fitting = skeletons_named(names)
  if of_model is not None and (
    of_model.name in fitting or (not fitting and has_joints_of(names, of_model))
  ):
    return of_model
  return get_skeleton(skeleton_for(names, where))


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
