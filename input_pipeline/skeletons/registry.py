"""The skeleton registry: built-in joint layouts by name."""

from __future__ import annotations

import difflib
import pathlib

from input_pipeline.errors import SkeletonError
from input_pipeline.skeletons.annotated import ANNOTATED_SKELETONS
from input_pipeline.skeletons.custom import SUFFIXES, load_skeleton
from input_pipeline.skeletons.estimated import ESTIMATED_SKELETONS
from input_pipeline.skeletons.other_people import SUFFIX as AND_OTHERS
from input_pipeline.skeletons.other_people import with_others
from input_pipeline.skeletons.skeleton import Skeleton
from input_pipeline.skeletons.whole_body import WHOLE_BODY_SKELETONS

__all__ = [
  'ALIASES',
  'BUILT_IN',
  'SKELETONS',
  'Skeleton',
  'SkeletonError',
  'get_skeleton',
  'register_skeleton',
]

BUILT_IN = (*ANNOTATED_SKELETONS, *ESTIMATED_SKELETONS, *WHOLE_BODY_SKELETONS)
SKELETONS: dict[str, Skeleton] = {skeleton.name: skeleton for skeleton in BUILT_IN}

# Second names for the same joints in the same order.
ALIASES = {
  'movenet_17': 'coco_17',  # MoveNet, from its model card
  'blazepose_33': 'mediapipe_33',  # BlazePose is the network of MediaPipe Pose
}


def get_skeleton(name: str) -> Skeleton:
  """Returns a registered skeleton, or the skeleton described in a file (`custom`).

  Args:
    name: a name in `SKELETONS` or `ALIASES`, or a path that ends in .yaml, .yml or
      .json. The suffix `_and_others` adds joints for other people (`other_people`).

  Raises:
    SkeletonError: for an unknown name (the message suggests the nearest), a file that
      cannot be read, or a file that gives a registered name to a different layout.
  """
  if name.endswith(AND_OTHERS):
    return with_others(get_skeleton(name.removesuffix(AND_OTHERS)))
  if pathlib.PurePath(name).suffix.lower() in SUFFIXES:
    return _own_skeleton(name)
  registered = ALIASES.get(name, name)
  if registered not in SKELETONS:
    nearest = difflib.get_close_matches(name, [*SKELETONS, *ALIASES], n=1, cutoff=0.4)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
    aliases = [f'{alias} (the same as {other})' for alias, other in ALIASES.items()]
    raise SkeletonError(
      f'there is no skeleton {name!r}{hint} Registered:'
      f' {", ".join(sorted([*SKELETONS, *aliases]))}.'
      ' To use your own, describe it in a file *.yaml or *.json and give the path instead'
      ' of a name.'
    )
  return SKELETONS[registered]


def register_skeleton(skeleton: Skeleton):
  """Makes a joint layout available by its name in this process.

  Raises:
    SkeletonError: if another layout has that name.

  Example:
    >>> import pose_action
    >>> pose_action.register_skeleton(pose_action.Skeleton(
    ...   name='stick_3', joints=('head', 'hip', 'foot'),
    ...   limbs=(('head', 'hip'), ('hip', 'foot'))))
  """
  if _is_taken(skeleton):
    raise SkeletonError(
      f'a skeleton named {skeleton.name!r} with another layout is registered; choose'
      ' another name'
    )
  SKELETONS[skeleton.name] = skeleton


def _own_skeleton(path: str) -> Skeleton:
  skeleton = load_skeleton(path)
  if _is_taken(skeleton):
    raise SkeletonError(
      f'{path} names its skeleton {skeleton.name!r}, the name of a registered skeleton'
      ' with another layout; choose another name'
    )
  return skeleton


def _is_taken(skeleton: Skeleton) -> bool:
  """Whether the name is that of another registered skeleton, or an alias."""
  return SKELETONS.get(skeleton.name, skeleton) != skeleton or skeleton.name in ALIASES
