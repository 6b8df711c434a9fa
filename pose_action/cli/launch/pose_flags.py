"""The flags that say which poses to read, the same for every program that reads some."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pose_action.cli.launch.program import Flags

if TYPE_CHECKING:
  from input_pipeline.readers.options import ReadOptions

# Names of the readers' registry, which --help has no time to import.
FORMATS = (
  'alphapose',
  'ava',
  'coco',
  'csv',
  'deeplabcut',
  'jhmdb_tree',
  'jmrn_official',
  'mediapipe',
  'mmpose',
  'movement',
  'numpy',
  'openpose',
  'openpose_maps',
  'penn_action',
  'pyskl',
  'sleap',
  'ultralytics',
)

_POSES_HELP = 'File or folder to read.'


@dataclasses.dataclass(frozen=True)
class PoseFlags:
  """Holders of the flags; `value` of each once the program has started."""

  format: Any
  poses: Any
  skeleton: Any
  frame_size: Any
  max_people: Any
  per_person: Any
  normalized: Any
  trust_order: Any
  fps: Any

  def options(self, **more: Any) -> ReadOptions | None:
    """What the flags say about the files; None where they say nothing.

    Prints the frame size in words, if given: the order of two numbers is easily mistaken.

    Args:
      more: further options of the reader by name, None where not given.

    Raises:
      PoseDataError: for values that make no sense.
    """
    from input_pipeline.readers.options import options_of_flags
    from pose_action.host.progress import say

    options = options_of_flags(
      frame_size=self.frame_size.value,
      max_people=self.max_people.value,
      per_person=self.per_person.value,
      normalized=self.normalized.value,
      trust_order=self.trust_order.value,
      frame_rate=self.fps.value,
      **more,
    )
    if options is not None and options.frame_size is not None:
      say(options.frame_size_in_words)
    return options

  def names(self, args: Sequence[str]) -> list[str]:
    """The sources that the user names, as arguments or with --poses."""
    return [*args, *([self.poses.value] if self.poses.value else [])]


def define_pose_flags(flags: Flags, *, for_model: bool = False) -> PoseFlags:
  """Defines the flags of poses for one program.

  Args:
    for_model: whether a trained model reads the poses; otherwise the defaults are those
      of the data set that `--dataset` names.
  """
  if for_model:
    format = "the one recognised, else that of the run's data set"
    poses = 'One more SOURCE; see above.'
    skeleton = "the one that the format or the files name, else the model's"
  else:
    format = (
      'that of --dataset if it has one and the files do not show another, else auto'
    )
    poses, skeleton = _POSES_HELP, 'that of --dataset'
  return PoseFlags(
    format=flags.string(
      'format',
      None,
      f'Format of --poses; auto recognises it from the files. Default: {format}.',
    ),
    poses=flags.string('poses', None, poses),
    skeleton=flags.string(
      'skeleton',
      None,
      'Joint layout of --poses: a name such as coco_17, body_25 or jhmdb (a wrong name'
      ' lists all), or your own file *.yaml or *.json.'
      f' Default: {skeleton}.',
    ),
    frame_size=flags.string(
      'frame_size',
      None,
      'Size of the frames in pixels, WIDTHxHEIGHT (1280x720) or height:720,width:1280,'
      ' where neither the files nor videos.csv contain it.',
    ),
    max_people=flags.integer(
      'max_people', None, 'Keep the most prominent people of each frame. Default: 5.'
    ),
    per_person=flags.bool(
      'per_person', None, 'Make one clip per person of a video: VIDEO#0, VIDEO#1, ...'
    ),
    normalized=flags.bool(
      'normalized',
      None,
      'Positions are fractions of the frame, 0 to 1, in a format that holds pixels.',
    ),
    trust_order=flags.bool(
      'trust_order',
      None,
      "Take joints in the skeleton's order, even if the files name them otherwise.",
    ),
    fps=flags.float(
      'fps',
      None,
      'Frames per second of videos and poses whose rate is stated nowhere else.',
    ),
  )
