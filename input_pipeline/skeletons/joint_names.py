"""Compares the joint names in a file with those of a skeleton."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import Note
from input_pipeline.skeletons.registry import SKELETONS, Skeleton
from input_pipeline.skeletons.spelling import plain

__all__ = [
  'Arrangement',
  'arrange',
  'has_joints_of',
  'is_prefix_of',
  'plain',
  'skeletons_named',
  'skeletons_of_size',
]

# Further names for a joint, for a skeleton that lacks a joint with such a name. In the
# layouts registered here, the midpoint of the hips has three names, and a lone head joint
# beside a neck is the top of the head.
_SAME_POINT = {
  'pelvis': ('mid_hip', 'spine_base'),
  'mid_hip': ('pelvis', 'spine_base'),
  'spine_base': ('pelvis', 'mid_hip'),
  'head_top': ('head',),
}

# Names that mean another joint in one skeleton than in general. `*` is left and right.
_DIALECTS: dict[str, dict[str, tuple[str, ...]]] = {
  'jhmdb': {'face': ('head',)},
  'mpii_16': {'upper_neck': ('head_bottom', 'neck')},
  'posetrack_18': {'head_bottom': ('upper_neck',)},
  # MMPose's names, then VideoPose3D's and those of papers that build on it.
  'human36m_17': {
    'neck_nose': ('neck_base', 'nose', 'neck'),
    'thorax': ('neck',),
    'spine': ('torso', 'belly'),
    '*_ankle': ('*_foot',),
  },
  'ntu_25': {'spine_shoulder': ('spine',)},
  # MediaPipe's first release numbered the knuckles.
  'mediapipe_33': {
    '*_pinky': ('*_pinky_finger1',),
    '*_index': ('*_forefinger1',),
    '*_thumb': ('*_thumb2',),
  },
  # MMPose names two joints `left_wrist`: the body's and the hand's.
  'halpe_136': {'*_hand_root': ('*_wrist',)},
}

_TRUST = 'use --trust_order (trust_order=True)'


@dataclasses.dataclass(frozen=True)
class Arrangement:
  """How the joints in a file become those of a skeleton.

  Attributes:
    columns: for each joint of the skeleton, the index of the file's joint.
    notes: what the user should know about the choice.
  """

  columns: Int[np.ndarray, 'j']
  notes: tuple[Note, ...] = ()


def arrange(
  names: Sequence[str], skeleton: Skeleton, *, trust_order: bool, where: str
) -> Arrangement:
  """Finds the skeleton's joints among a file's joints, by their names.

  The file may have further joints, which are left out. Names in another order, and joints
  that are left out, cause a note.

  Args:
    names: joint names in the file, in the order of its joints.
    trust_order: ignore the names; the joints are in the skeleton's order.
    where: file and field, for messages.

  Raises:
    PoseDataError: if the skeleton has a joint that the file does not name, the file
      gives one name to two joints, or the numbers of joints differ with `trust_order`.
      The message gives the first difference and the registered skeletons that fit.
  """
  columns = _columns(names, skeleton)
  in_order = len(names) == skeleton.num_joints and _in_order(columns)
  identity = np.arange(skeleton.num_joints)
  if trust_order:
    if len(names) != skeleton.num_joints:
      raise PoseDataError(
        f'{where} names {len(names)} joints, but skeleton {skeleton.name!r} has'
        f' {skeleton.num_joints}; trust_order needs the same number'
      )
    return Arrangement(identity, () if in_order else (_names_ignored(skeleton, where),))
  if in_order:
    return Arrangement(identity)
  known = [column for column in columns if column is not None]
  if len(known) < len(columns):
    raise PoseDataError(_difference(names, columns, skeleton, where))
  left_out = [name for i, name in enumerate(names) if i not in known]
  _check_unique(names, skeleton, where)
  if left_out:
    note = _joints_left_out(names, left_out, skeleton, where)
  else:
    note = _other_order(names, known, skeleton, where)
  return Arrangement(np.array(known), (note,))


def skeletons_named(names: Sequence[str]) -> tuple[str, ...]:
  """Registered skeletons with exactly these joints, in any order; the same order first.

  Skeletons with a background channel come last, because files of joints have none.
  """
  fitting = [
    (not _in_order(columns), skeleton.background, skeleton.name)
    for skeleton, columns in _fitting(names)
    if skeleton.num_joints == len(names)
  ]
  return tuple(name for *_, name in sorted(fitting, key=lambda rank: rank[:2]))


def has_joints_of(names: Sequence[str], skeleton: Skeleton) -> bool:
  """Whether a file's joint names include every joint of the skeleton."""
  return None not in _columns(names, skeleton)


def is_prefix_of(skeleton: Skeleton, num_joints: int) -> str | None:
  """The registered skeleton with `num_joints` joints that begins with all of these.

  Lets a reader take the first joints of a file without joint names: the first 17 of 133
  joints are `coco_17`, because only `coco_wholebody_133` has that many. Returns None if
  any registered skeleton with that many joints begins with other joints: 25 joints may be
  BODY_25B's, which begin with COCO's, or BODY_25's, which do not.
  """
  if num_joints <= skeleton.num_joints:
    return None
  same_size = [s for s in SKELETONS.values() if s.num_joints == num_joints]
  if same_size and all(
    s.joints[: skeleton.num_joints] == skeleton.joints for s in same_size
  ):
    return same_size[0].name
  return None


def skeletons_of_size(num_joints: int) -> str:
  """For a message: the registered skeletons with so many joints; '' for none."""
  names = [s.name for s in SKELETONS.values() if s.num_joints == num_joints]
  return f'; skeletons with {num_joints}: {", ".join(names)}' if names else ''


def _columns(names: Sequence[str], skeleton: Skeleton) -> list[int | None]:
  """For each joint of the skeleton, the file's joint with such a name; None if none.

  The file's own spelling counts first, then the library's spelling, then further names
  for the joint. Each of the file's joints is taken once.
  """
  spelled = [plain(name) for name in names]
  columns: dict[int, int] = {}

  def take(joint: int, wanted: str, among: Sequence[str]):
    if joint not in columns:
      places = (k for k, n in enumerate(among) if n == wanted)
      free = next((k for k in places if k not in columns.values()), None)
      if free is not None:
        columns[joint] = free

  for i, joint in enumerate(skeleton.joints):
    take(i, joint, names)
  for i, joint in enumerate(skeleton.joints):
    take(i, plain(joint), spelled)
  for i, joint in enumerate(skeleton.joints):
    for other in _further_names(joint, skeleton.name):
      take(i, other, spelled)
  return [columns.get(i) for i in range(skeleton.num_joints)]


def _further_names(joint: str, skeleton: str) -> tuple[str, ...]:
  side = joint.partition('_')[0]
  general = f'*{joint.removeprefix(side)}' if side in ('left', 'right') else joint
  dialect = _DIALECTS.get(skeleton, {}).get(general, ())
  return (*(n.replace('*', side) for n in dialect), *_SAME_POINT.get(joint, ()))


def _fitting(names: Sequence[str]) -> Iterator[tuple[Skeleton, list[int]]]:
  """Registered skeletons whose joints are all among the names, with their columns."""
  for skeleton in SKELETONS.values():
    columns = _columns(names, skeleton)
    known = [column for column in columns if column is not None]
    if len(known) == len(columns):
      yield skeleton, known


def _best_named(names: Sequence[str]) -> list[str]:
  """`skeletons_named` for a message: those in the same order, if any."""
  fitting = [n for n in skeletons_named(names) if not SKELETONS[n].background]
  in_order = [n for n in fitting if _in_order(_columns(names, SKELETONS[n]))]
  return in_order or fitting


def _in_order(columns: Sequence[int | None]) -> bool:
  return list(columns) == list(range(len(columns)))


def _check_unique(names: Sequence[str], skeleton: Skeleton, where: str):
  """Refuses a repeated name, which leaves open where a joint is."""
  repeated = [n for i, n in enumerate(names) if n in names[:i]]
  if repeated and not skeletons_named(names):  # MMPose's Halpe repeats both wrists.
    raise PoseDataError(
      f'{where} names two joints {repeated[0]!r}; give each joint its own name, or {_TRUST}'
      f' if there are exactly the {skeleton.num_joints} joints of {skeleton.name!r}, in its'
      ' order'
    )


def _difference(
  names: Sequence[str], columns: Sequence[int | None], skeleton: Skeleton, where: str
) -> str:
  """An error: the first joint that differs on both sides, and what would fit."""
  pairs = list(zip(names, skeleton.joints, columns, strict=False))
  place = next((i for i, (*_, c) in enumerate(pairs) if c != i), len(pairs))
  theirs = f'is {names[place]!r}' if place < len(names) else 'does not exist'
  ours = skeleton.joints[place] if place < skeleton.num_joints else None
  missing = [j for j, c in zip(skeleton.joints, columns, strict=True) if c is None]
  message = (
    f'{where}: joint {place} {theirs}, but joint {place} of skeleton'
    f' {skeleton.name!r} {"does not exist" if ours is None else f"is {ours!r}"}; the file'
    f' does not name {_listed(missing)}'
  )
  fitting = _best_named(names) or [fitting.name for fitting, _ in _fitting(names)]
  if fitting:
    message += f'. The names fit --skeleton={" or ".join(fitting)}'
  if len(names) == skeleton.num_joints:
    message += (
      '. If only the names are wrong and the joints are in the order of'
      f' {skeleton.name!r}, {_TRUST}'
    )
  return message


def _names_ignored(skeleton: Skeleton, where: str) -> Note:
  return Note(
    'joint_names_ignored',
    f'{where}: the joint names differ from those of {skeleton.name!r}; they are ignored,'
    ' because of --trust_order',
  )


def _other_order(
  names: Sequence[str], columns: Sequence[int], skeleton: Skeleton, where: str
) -> Note:
  place = next(i for i, column in enumerate(columns) if column != i)
  return Note(
    'joint_order',
    f'{where} has the joints of {skeleton.name!r} in another order (joint {place} is'
    f' {names[place]!r}, not {skeleton.joints[place]!r}); they are taken by name. If the'
    f' names are wrong, {_TRUST}',
  )


def _joints_left_out(
  names: Sequence[str], left_out: Sequence[str], skeleton: Skeleton, where: str
) -> Note:
  larger = _best_named(names)
  advice = f'. To read all, use --skeleton={" or ".join(larger)}' if larger else ''
  return Note(
    'joints_left_out',
    f'{where} names {len(names)} joints; the {skeleton.num_joints} of {skeleton.name!r}'
    f' are taken by name, and {len(left_out)} are left out: {_listed(left_out)}{advice}',
  )


def _listed(names: Sequence[str], most: int = 4) -> str:
  more = f' and {len(names) - most} more' if len(names) > most else ''
  return ', '.join(names[:most]) + more
