"""The flags that say which poses to read, the same for every program that reads some."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from pose_action.cli.launch.program import Flags, UsageError

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

_POSES_HELP = 'File or folder to read.'
_TEST_CLIPS = (
  'Default for a run on a generated data set, such as the demo: its test clips.'
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
    """Opens the poses for a model; says how they are read.

    Without `--poses`, these are the test clips of a run on a generated data set.

    Args:
      config: the config of the model's run.
      skeleton: the joint layout that the model reads.

    Raises:
      UsageError: without `--poses`, if the run's data set is not a generated one.
    """
    from input_pipeline.catalog.open_for_model import generated_clips, open_for_model
    from input_pipeline.poses.notes import as_lines
    from input_pipeline.poses.sources import source_notes
    from pose_action.host.progress import say

    data = config.data
    if self.poses.value:
      source = open_for_model(
        self.poses.value,
        skeleton,
        format=self.format.value,
        usual_format=data.format or None,
        skeleton=self.skeleton.value,
        options=self.options(),
      )
    else:
      source = generated_clips(data.dataset, data.test_split)
      if source is None:
        raise UsageError(f'--poses is missing: {_POSES_HELP} {_TEST_CLIPS}')
      say(f'clips are those of {data.dataset}, {data.test_split or "all splits"}')
    for line in as_lines(('', note) for note in source_notes(source)):
      say(line)
    return source


def define_pose_flags(flags: Flags, *, for_model: bool = False) -> PoseFlags:
  """Defines the flags of poses for one program.

  Args:
    for_model: whether a trained model reads the poses; otherwise the defaults are those
      of the data set that `--dataset` names.
  """
  if for_model:
    format = "the one recognised, else that of the run's data set"
    poses = f'{_POSES_HELP} {_TEST_CLIPS}'
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
  )
