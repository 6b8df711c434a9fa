"""The flags of pose networks, the same for every program that reads videos."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pose_action.cli.launch.program import Flags, UsageError

if TYPE_CHECKING:
  from pose_action.extraction.extract import ExtractionOptions
  from pose_action.extraction.extractor import PoseExtractor


@dataclasses.dataclass(frozen=True)
class NetworkFlags:
  """Holders of the flags; `value` of each once the program has started."""

  extractor: Any
  weights: Any
  stride: Any
  threshold: Any
  clip_frames: Any
  batch_size: Any
  scales: Any
  base_height: Any
  input_size: Any
  pixels: Any
  tensors: Any

  @property
  def given(self) -> bool:
    """Whether a pose network is named.

    Raises:
      UsageError: if only one of --extractor and --weights is given, or an option without
        them.
    """
    named = [flag for flag in (self.extractor, self.weights) if flag.value]
    if len(named) == 1:
      other = self.weights if named[0] is self.extractor else self.extractor
      raise UsageError(
        f'--{named[0].name} needs --{other.name} too: a pose network is both'
      )
    if not named and (options := self._options_given()):
      raise UsageError(f'{options[0]} needs --extractor and --weights')
    return bool(named)

  def make_extractor(self) -> PoseExtractor:
    """Builds the pose network.

    Raises:
      UsageError: for an option of another extractor, or a value that is not valid.
      ExtractorError: as `registry.make_extractor`.
    """
    options = self.extractor_options()
    from pose_action.extraction.registry import make_extractor

    return make_extractor(self.extractor.value, self.weights.value, **options)

  def options(self, **more: Any) -> ExtractionOptions:
    """How videos are read.

    Args:
      more: the other fields of `ExtractionOptions`.
    """
    from pose_action.extraction.extract import ExtractionOptions

    return ExtractionOptions(
      stride=self.stride.value,
      threshold=self.threshold.value,
      clip_frames=self.clip_frames.value,
      batch_size=self.batch_size.value,
      **more,
    )

  def extractor_options(self) -> dict[str, Any]:
    """The options that are set for the extractor, by name.

    Raises:
      UsageError: for an option of another extractor, or a value that is not valid.
    """
    for extractor in self._of_extractors():
      given = self._options_given(extractor)
      if extractor != self.extractor.value and given:
        raise UsageError(
          f'{" and ".join(given)} can only be set with --extractor={extractor}'
        )
    if self.extractor.value == 'openpose':
      options = {
        'scales': self.scales.value and _numbers(self.scales.value),
        'base_height': self.base_height.value,
        'batch_size': self.batch_size.value,
      }
    else:
      options = {
        'input_size': self.input_size.value and _size(self.input_size.value),
        'pixels': self.pixels.value,
        'tensors': self.tensors.value and _three_names(self.tensors.value),
      }
    return {name: value for name, value in options.items() if value is not None}

  def _of_extractors(self) -> dict[str, tuple[Any, ...]]:
    return {
      'openpose': (self.scales, self.base_height),
      'tf_graph': (self.input_size, self.pixels, self.tensors),
    }

  def _options_given(self, *extractors: str) -> list[str]:
    """Flags of some extractors, by default of all, that the user set."""
    by_extractor = self._of_extractors()
    flags = [flag for name in extractors or by_extractor for flag in by_extractor[name]]
    return [f'--{flag.name}' for flag in flags if flag.value is not None]


def define_network_flags(flags: Flags, *, required: bool) -> NetworkFlags:
  """Defines the flags of pose networks for one program.

  Args:
    required: whether the program needs a pose network in any case.
  """
  use = '' if required else ' Needed for videos, folders of frames and cameras.'
  return NetworkFlags(
    extractor=flags.enum(
      'extractor',
      None,
      ['openpose', 'tf_graph'],
      "The pose network: OpenPose's COCO network as PA3D uses it, or a frozen TensorFlow"
      f' graph.{use}',
      required=required,
    ),
    weights=flags.string(
      'weights',
      None,
      "Weights of the pose network: OpenPose's as a PyTorch file or *.npz, or the frozen"
      ' graph (*.pb).',
      required=required,
    ),
    stride=flags.integer(
      'stride' if required else 'frame_stride',  # Windows over time have a stride too.
      1,
      'Read every N-th frame of a video.',
      lower_bound=1,
    ),
    threshold=flags.float(
      'threshold',
      0.05,
      'Values below this are set to 0 in joint maps and part affinity fields, and joints'
      ' with a lower peak are missing.',
      lower_bound=0,
      upper_bound=0.99,
    ),
    clip_frames=flags.integer(
      'clip_frames',
      500,
      'Maximum number of frames per clip; longer videos become several clips.',
      lower_bound=1,
    ),
    batch_size=flags.integer(
      'batch_size',
      8,
      'Frames per batch of the pose network, over all devices.',
      lower_bound=1,
    ),
    **_define_extractor_flags(flags),
  )


def _define_extractor_flags(flags: Flags) -> dict[str, Any]:
  """The flags that one extractor takes."""
  return {
    'scales': flags.list(
      'scales',
      None,
      'openpose: scales at which frames are read; their maps are averaged.'
      ' Default: 0.5,1.0,1.5,2.0.',
    ),
    'base_height': flags.integer(
      'base_height',
      None,
      'openpose: frame height in pixels at scale 1, such as 368. Default: the height of'
      ' the frames.',
      lower_bound=1,
    ),
    'input_size': flags.string(
      'input_size',
      None,
      'tf_graph: WIDTHxHEIGHT in pixels to resize frames to, multiples of 16. 656x496'
      ' finds joints more exactly and takes twice as long. Default: 432x368.',
    ),
    'pixels': flags.enum(
      'pixels',
      None,
      ['signed', 'unit', 'raw'],
      'tf_graph: how pixels x in 0..255 enter the graph: x/128-1 (signed), x/255 (unit),'
      ' or x (raw). Default: signed.',
    ),
    'tensors': flags.list(
      'tensors',
      None,
      'tf_graph: names of the input, the maps (19 joint maps, then 38 part affinity'
      ' fields) and the features; the last may be empty.'
      ' Default: image:0,Openpose/concat_stage7:0,feat_concat:0.',
    ),
  }


def _three_names(words: Sequence[str]) -> tuple[str, ...]:
  if len(words) != 3:
    raise UsageError(
      f'--tensors has {len(words)} names, but needs 3: input, maps and features; the last'
      ' may be empty, as in image:0,maps:0,'
    )
  return tuple(words)


def _numbers(words: Sequence[str]) -> tuple[float, ...]:
  try:
    return tuple(float(word) for word in words)
  except ValueError as error:
    raise UsageError(
      f'--scales is {",".join(words)}, but needs numbers, such as 0.5,1'
    ) from error


def _size(text: str) -> tuple[int, int]:
  """(width, height) of --input_size."""
  from input_pipeline.poses.frame_size import parse_frame_size

  height, width = parse_frame_size(text, '--input_size')
  return width, height
