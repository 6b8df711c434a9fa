"""The pose networks that the library can run, by name."""

from __future__ import annotations

import dataclasses
import difflib
import os
from collections.abc import Callable
from typing import Any

from pose_action.extraction.extractor import ExtractorError, PoseExtractor
from pose_action.extraction.openpose import OpenPoseExtractor
from pose_action.extraction.tf_graph import TfGraphExtractor
from pose_action.host.user_paths import user_path


@dataclasses.dataclass(frozen=True)
class ExtractorKind:
  """One kind of pose network.

  Attributes:
    make: builds the network from a file of weights and the given options.
    expects: what the file must be, for messages.
    options: names of the options that `make` takes.
  """

  make: Callable[..., PoseExtractor]
  expects: str
  options: tuple[str, ...]


EXTRACTORS: dict[str, ExtractorKind] = {
  'openpose': ExtractorKind(
    make=OpenPoseExtractor.from_file,
    expects="OpenPose's COCO weights: a PyTorch state dict, or an *.npz of its tensors",
    options=('scales', 'base_height', 'batch_size'),
  ),
  'tf_graph': ExtractorKind(
    make=TfGraphExtractor,
    expects='a frozen TensorFlow graph, *.pb',
    options=('input_size', 'pixels', 'tensors'),
  ),
}


def make_extractor(
  name: str, weights: str | os.PathLike[str], **options: Any
) -> PoseExtractor:
  """Builds a pose network that is ready to read frames.

  Args:
    name: a key of `EXTRACTORS`.
    weights: the file that this kind of network expects.
    options: options of this kind; the others have their defaults.

  Raises:
    ExtractorError: for an unknown name or option, a missing file, or a file or option
      value that the network refuses.
  """
  if name not in EXTRACTORS:
    nearest = difflib.get_close_matches(name, EXTRACTORS, n=1, cutoff=0.4)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
    raise ExtractorError(
      f'there is no extractor {name!r}{hint} Known: {", ".join(sorted(EXTRACTORS))}'
    )
  kind = EXTRACTORS[name]
  unknown = [option for option in options if option not in kind.options]
  if unknown:
    raise ExtractorError(
      f'extractor {name!r} has no option {", ".join(unknown)}; its options are'
      f' {", ".join(kind.options)}'
    )
  if not user_path(weights).is_file():
    raise ExtractorError(
      f'there is no file {os.fspath(weights)}; extractor {name!r} expects {kind.expects}'
    )
  return kind.make(weights, **options)
