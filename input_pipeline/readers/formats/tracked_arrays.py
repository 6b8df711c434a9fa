"""Arrays of tracked people with named joints, as several tools write them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from input_pipeline.poses.notes import Note
from input_pipeline.readers.joint_choice import JointChoice
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.videos.poses_by_frame import PosesByFrame
from input_pipeline.skeletons.registry import Skeleton


def poses_of_tracks(
  tracks: Float[np.ndarray, 't m n 3'],
  numbers: Sequence[int],
  names: Sequence[str] | None,
  skeleton: Skeleton,
  options: ReadOptions,
  *,
  where: str,
  frame_size: tuple[int, int] | None = None,
  frame_rate: float | None = None,
  notes: tuple[Note, ...] = (),
) -> PosesByFrame:
  """The people in each frame; a person without any position is absent.

  Args:
    tracks: (x, y, score) for each of the file's joints; index m is the identity.
    numbers: the frame numbers, all different.
    names: the file's joint names; None if it has none.
    where: file and field, for messages.

  Raises:
    PoseDataError: if the joints are not the skeleton's.
  """
  choice = JointChoice(skeleton, where, names=names, trust_order=options.trust_order)
  tracks = np.moveaxis(choice.of(np.moveaxis(tracks, 2, 0), where), 0, 2)
  finite = np.isfinite(tracks[..., :2]).all(axis=-1)
  present = np.any(finite, axis=-1)
  return PosesByFrame(
    people={n: tracks[t, present[t]] for t, n in enumerate(numbers)},
    num_joints=skeleton.num_joints,
    identities={n: np.flatnonzero(present[t]) for t, n in enumerate(numbers)},
    frame_size=frame_size,
    frame_rate=frame_rate,
    notes=(*notes, *choice.notes),
  )
