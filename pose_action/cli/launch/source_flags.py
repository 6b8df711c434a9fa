"""The flags that say how the SOURCEs of a program with a trained model are read."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pose_action.cli.launch.network_flags import NetworkFlags, define_network_flags
from pose_action.cli.launch.pose_flags import PoseFlags, define_pose_flags
from pose_action.cli.launch.program import Flags

if TYPE_CHECKING:
  from pose_action.sources.opener import Reading


@dataclasses.dataclass(frozen=True)
class SourceFlags:
  """Holders of the flags; `value` of each once the program has started."""

  poses: PoseFlags
  network: NetworkFlags
  data_dir: Any
  camera_seconds: Any

  def check(self):
    """Finds mistakes in the flags before slow imports; `reading` finds the others.

    Raises:
      UsageError: for options that need a pose network.
    """
    if self.network.given:
      self.network.extractor_options()

  @contextlib.contextmanager
  def reading(self, default_data_dir: str | None) -> Iterator[Reading]:
    """How sources are read; poses that are found in videos live as long as the block.

    Args:
      default_data_dir: the folder for data sets if the user names none.

    Raises:
      UsageError, PoseDataError: for flags that make no sense.
    """
    from pose_action.host.progress import say
    from pose_action.sources.opener import Reading
    from pose_action.sources.video_poses import VideoPoses

    has_network = self.network.given
    options = self.network.options(frame_rate=self.poses.fps.value)
    with VideoPoses(self.network.make_extractor, options, say) as videos:
      yield Reading(
        format=self.poses.format.value,
        skeleton=self.poses.skeleton.value,
        options=self.poses.options(),
        data_dir=self.data_dir.value or default_data_dir,
        videos=videos if has_network else None,
        camera_seconds=self.camera_seconds.value,
        say=say,
      )


def define_source_flags(flags: Flags, *, for_model: bool = True) -> SourceFlags:
  """Defines the flags of sources for one program.

  Args:
    for_model: see `define_pose_flags`.
  """
  usual = "the run's own" if for_model else 'none'
  return SourceFlags(
    poses=define_pose_flags(flags, for_model=for_model),
    network=define_network_flags(flags, required=False),
    data_dir=flags.string(
      'data_dir',
      None,
      f'Folder of the data sets that are given by name. Default: {usual}.',
    ),
    camera_seconds=flags.float(
      'camera_seconds', 5.0, 'How long a camera is recorded.', lower_bound=0.1
    ),
  )
