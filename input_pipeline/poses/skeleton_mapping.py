"""Maps poses from one joint layout to another.

A joint with the same name in both layouts is copied. Any other target joint is derived
from source joints by the first rule in `RULES` that applies. If no rule applies, the
joint is missing: its score is 0 in every frame.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from input_pipeline.errors import PoseDataError, SkeletonError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, PoseSource
from input_pipeline.skeletons.skeleton import Skeleton


@dataclasses.dataclass(frozen=True)
class Rule:
  """How a joint is derived from other joints.

  Attributes:
    parents: one source joint, which is copied, or several, whose mean is taken. Each of
      several parents may itself be derived by an exact (not approximate) rule.
    approximate: how the derived point differs from the joint; '' if it is the same
      point under another name, or the target layout's own definition.
  """

  parents: tuple[str, ...]
  approximate: str = ''


_SHOULDERS = ('left_shoulder', 'right_shoulder')
_HIPS = ('left_hip', 'right_hip')
_TRUNK_MIDDLES = ('belly', 'chest', 'spine', 'spine_mid')
_PLACED = 'placed by eye, near the middle'
_TRUNK = 'layouts place it higher or lower on the trunk'
_NAPE = 'where the neck meets the head, not the shoulders'
_TOE = 'layouts end the foot at another toe'
_TOP = 'the top of the head'
_NOSE = 'the tip of the nose'
_FACE = 'the middle of the face'
_HEAD = 'the middle of the head'
_BETWEEN = 'between nose and neck'
_THUMB = 'layouts place it at another joint of the thumb'
_HALFWAY = (
  Rule(('head_bottom', 'head_top'), 'halfway up the head'),
  Rule(('upper_neck', 'head_top'), 'halfway up the head'),
  Rule(('neck', 'head_top'), 'halfway from the shoulders to the top of the head'),
)

# Rules per joint, in the order in which they are tried (our choice). OpenPose and JMRN
# define the neck as the midpoint of the shoulders, and OpenPose defines mid_hip as the
# midpoint of the hips. Human annotators place these joints nearby (NTU's neck is higher).
# MPII's upper_neck and PoseTrack's head_bottom are where the head meets the neck.
# JHMDB's `face` is the middle of the face; `head` in Penn Action and NTU is the middle of
# the head.
RULES: dict[str, tuple[Rule, ...]] = {
  'neck': (
    Rule(('spine_shoulder',)),
    Rule(('thorax',)),
    Rule(_SHOULDERS),
    Rule(('upper_neck',), _NAPE),
    Rule(('head_bottom',), _NAPE),
  ),
  'thorax': (
    Rule(('spine_shoulder',)),
    Rule(('neck',), _PLACED),
    Rule(_SHOULDERS, _PLACED),
  ),
  'spine_shoulder': (
    Rule(('thorax',)),
    Rule(('neck',), _PLACED),
    Rule(_SHOULDERS, _PLACED),
  ),
  **{
    joint: (
      Rule((other,)),
      Rule(('neck',), _NAPE),
      Rule(('spine_shoulder',), _NAPE),
      Rule(('thorax',), _NAPE),
      Rule(_SHOULDERS, _NAPE),
    )
    for joint, other in (('upper_neck', 'head_bottom'), ('head_bottom', 'upper_neck'))
  },
  'mid_hip': (Rule(('pelvis',)), Rule(('spine_base',)), Rule(_HIPS)),
  'pelvis': (Rule(('mid_hip',)), Rule(('spine_base',)), Rule(_HIPS)),
  'spine_base': (Rule(('mid_hip',)), Rule(('pelvis',)), Rule(_HIPS)),
  **{
    joint: (
      *(Rule((other,), _TRUNK) for other in _TRUNK_MIDDLES if other != joint),
      Rule(('neck', 'mid_hip'), _TRUNK),
    )
    for joint in _TRUNK_MIDDLES
  },
  'nose': (
    Rule(('face',), _FACE),
    Rule(('neck_nose',), _BETWEEN),
    Rule(('head',), _HEAD),
    *_HALFWAY,
  ),
  'face': (
    Rule(('nose',), _NOSE),
    Rule(('head',), _HEAD),
    Rule(('neck_nose',), _BETWEEN),
    *_HALFWAY,
  ),
  'head': (
    _HALFWAY[0],  # PoseTrack never annotated its ears.
    Rule(('left_ear', 'right_ear'), 'the middle of the ears'),
    Rule(('face',), _FACE),
    Rule(('nose',), _NOSE),
    *_HALFWAY[1:],
  ),
  'head_top': (Rule(('head',), _HEAD),),
  'neck_nose': (
    Rule(('nose',), _BETWEEN),
    Rule(('face',), _BETWEEN),
    Rule(('upper_neck',), _BETWEEN),
  ),
  # Face points of the whole-body layouts, which begin on the person's right.
  **{
    joint: (Rule((f'face_{point}',)),)
    for joint, point in (
      *(('right_mouth', 48), ('left_mouth', 54)),
      *(('right_eye_outer', 36), ('right_eye_inner', 39)),
      *(('left_eye_outer', 45), ('left_eye_inner', 42)),
    )
  },
  **{
    f'{side}_{joint}': tuple(
      Rule(tuple(f'{side}_{parent}' for parent in parents), note)
      for parents, note in rules
    )
    for side in ('left', 'right')
    for joint, rules in {
      'hand': [(('index', 'pinky'), 'the middle of the knuckles')],
      'index': [(('forefinger1',), '')],
      'pinky': [(('pinky_finger1',), '')],
      'thumb': [(('thumb2',), _THUMB)],
      'hand_tip': [(('middle_finger4',), '')],
      'foot': [(('big_toe',), _TOE), (('foot_index',), _TOE)],
      'big_toe': [(('foot_index',), _TOE), (('foot',), _TOE)],
      'foot_index': [(('big_toe',), _TOE), (('foot',), _TOE)],
    }.items()
  },
}


def map_clip(clip: PoseClip, target: Skeleton, *, strict: bool = False) -> PoseClip:
  """Returns the clip in another joint layout.

  A derived joint has the mean position and the smallest score of its parents, so it is
  missing in a frame where a parent is missing.

  Args:
    strict: raise if any target joint cannot be derived, instead of leaving it missing.

  Raises:
    SkeletonError: if no target joint can be derived or, with `strict`, if any cannot.
  """
  weights = _usable_weights(clip.skeleton, target, strict)
  return _mapped(clip, target, weights)


def map_source(
  source: ClipSource, target: Skeleton, *, strict: bool = False
) -> PoseSource:
  """Returns the source in another joint layout; each clip is mapped when it is loaded.

  Raises:
    PoseDataError: for a source of maps, which have no joint positions.
    SkeletonError: same as `map_clip`, before any clip is loaded.
  """
  if not isinstance(source, PoseSource):
    raise PoseDataError(
      f'ready maps of the skeleton {source.skeleton.name!r} cannot be mapped to'
      f' {target.name!r}: only keypoints can; keep the skeleton of the maps'
    )
  weights = _usable_weights(source.skeleton, target, strict)
  load = source.load

  def load_mapped(video_id: str) -> PoseClip:
    return _mapped(load(video_id), target, weights)

  return dataclasses.replace(source, skeleton=target, load=load_mapped)


def missing_joints(source: Skeleton, target: Skeleton) -> tuple[str, ...]:
  """The target joints that cannot be derived from the source."""
  weights = mapping_weights(source, target)
  return tuple(
    joint for joint, row in zip(target.joints, weights, strict=True) if not row.any()
  )


def describe_mapping(source: Skeleton, target: Skeleton) -> str:
  """Describes a mapping for the user: derived joints and missing joints, as text."""
  lines = []
  for joint in target.joints:
    rule = None if joint in source.joints else _rule(joint, source.joints)
    if rule is not None:
      middle = 'the middle of ' if len(rule.parents) > 1 else ''
      note = f' (approximate: {rule.approximate})' if rule.approximate else ''
      lines.append(f'  {joint}: {middle}{" and ".join(rule.parents)}{note}')
  missing = missing_joints(source, target)
  lines += [f'  always missing: {", ".join(missing)}'] if missing else []
  heading = f'{source.name} to {target.name}'
  return '\n'.join([f'{heading}:', *lines]) if lines else f'{heading}: joint by joint'


def mapping_note(source: Skeleton, target: Skeleton) -> Note:
  """Says in one line how joints are mapped for a model; a warning if any is missing."""
  derived = []
  for joint in target.joints:
    rule = None if joint in source.joints else _rule(joint, source.joints)
    if rule is not None:
      parents = ' and '.join(rule.parents)
      middle = f'the middle of {parents}' if len(rule.parents) > 1 else parents
      derived.append(f'{joint} is {"about " if rule.approximate else ""}{middle}')
  missing = missing_joints(source, target)
  if missing:
    derived.append(
      f'{", ".join(missing)} cannot be derived, so they are always missing'
    )
  return Note(
    'mapped',
    f'poses of the skeleton {source.name!r} are mapped to {target.name!r}, which the'
    f' model reads: {"; ".join(derived) or "all joints have the same names"}',
    is_warning=bool(missing),
  )


@functools.cache
def mapping_weights(
  source: Skeleton, target: Skeleton
) -> Float32[np.ndarray, 'target_j source_j']:
  """Weights that give each target joint as a mean of source joints; 0 if missing."""
  rows = [_weights(joint, source.joints) for joint in target.joints]
  nothing = np.zeros(source.num_joints, np.float32)
  weights = np.stack([nothing if row is None else row for row in rows])
  weights.flags.writeable = False  # It is cached.
  return weights


def _weights(joint: str, known: Sequence[str]) -> np.ndarray | None:
  if joint in known:
    return np.eye(len(known), dtype=np.float32)[known.index(joint)]
  rule = _rule(joint, known)
  if rule is None:
    return None
  parents = [_weights(parent, known) for parent in rule.parents]
  return np.stack([row for row in parents if row is not None]).mean(axis=0)


def _rule(joint: str, known: Sequence[str]) -> Rule | None:
  """The first applicable rule; at most one approximate step may lead to a joint."""
  for rule in RULES.get(joint, ()):
    made = [parent for parent in rule.parents if parent not in known]
    if not made or (
      len(rule.parents) > 1 and all(_is_exact(_rule(p, known)) for p in made)
    ):
      return rule
  return None


def _is_exact(rule: Rule | None) -> bool:
  return rule is not None and not rule.approximate


def _usable_weights(source: Skeleton, target: Skeleton, strict: bool) -> np.ndarray:
  missing = missing_joints(source, target)
  if len(missing) == target.num_joints or (strict and missing):
    raise SkeletonError(
      f'poses of the skeleton {source.name!r} cannot be mapped to {target.name!r}:'
      f' {", ".join(missing)} cannot be derived from {", ".join(source.joints)}'
    )
  return mapping_weights(source, target)


def _mapped(clip: PoseClip, target: Skeleton, weights: np.ndarray) -> PoseClip:
  # Missing joints are at (0, 0), so all values here are finite.
  keypoints = np.einsum('ks,tmsc->tmkc', weights, clip.keypoints)
  scores = np.stack(
    [clip.scores[..., row > 0].min(axis=-1, initial=1) * row.any() for row in weights],
    axis=-1,
  )
  return dataclasses.replace(clip, keypoints=keypoints, scores=scores, skeleton=target)
