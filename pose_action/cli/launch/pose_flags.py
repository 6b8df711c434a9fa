"""The flags that say which poses to read, the same for every program that reads some."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

from pose_action.cli.launch.program import Flags

if TYPE_CHECKING:
  import ml_collections

  from input_pipeline.poses.sources import ClipSource
  from input_pipeline.readers.options import ReadOptions
  from input_pipeline.skeletons.skeleton import Skeleton

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
      **more,
    )
    if options is not None and options.frame_size is not None:
      say(options.frame_size_in_words)
    return options

  def open_for(
    self, config: ml_collections.ConfigDict, skeleton: Skeleton
  ) -> ClipSource:
    """Opens the poses; format and skeleton are the run's where no flag gives them.

    Args:
      config: the config of the run whose model reads the poses.
      skeleton: the model's, for files that do not name their joints.
    """
    from input_pipeline.catalog.open_source import load_source
    from input_pipeline.errors import UnnamedJointsError
    from input_pipeline.poses.notes import as_lines
    from input_pipeline.poses.sources import source_notes
    from input_pipeline.skeletons.registry import SKELETONS
    from pose_action.host.progress import say

    open_with = functools.partial(
      load_source,
      config.data.dataset,
      format=self.format.value or config.data.format or None,
      poses=self.poses.value,
      options=self.options(),
    )
    try:
      source = open_with(skeleton=self.skeleton.value or config.data.skeleton or None)
    except UnnamedJointsError:
      if SKELETONS.get(skeleton.name) != skeleton:  # The user's own, in a file.
        raise
      say(
        f"note: the skeleton is the model's, {skeleton.name!r}; if that is wrong, give"
        ' --skeleton'
      )
      source = open_with(skeleton=skeleton.name)
    for line in as_lines(('', note) for note in source_notes(source)):
      say(line)
    return source


def define_pose_flags(flags: Flags, *, default: str, poses_required=False) -> PoseFlags:
  """Defines the flags of poses for one program.

  Args:
    default: whose format and skeleton are taken where none is given, in words.
    poses_required: whether the program cannot do without `--poses`.
  """
  return PoseFlags(
    format=flags.string(
      'format',
      None,
      'Format of --poses; auto recognises it from the files. Default: that of'
      f' {default} if it has one and the files do not show another, else auto.',
    ),
    poses=flags.string(
      'poses', None, 'File or folder to read.', required=poses_required
    ),
    skeleton=flags.string(
      'skeleton',
      None,
      'Joint layout of --poses: a name such as coco_17, body_25 or jhmdb (a wrong name'
      ' lists all), or your own file *.yaml or *.json.'
      f' Default: that of {default}.',
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
  )
