"""Which part affinity fields each OpenPose model outputs, and in which order."""

from __future__ import annotations

from input_pipeline.skeletons.registry import Skeleton

# In OpenPose's joint numbers, in the order of the channels (poseParameters.cpp:
# POSE_BODY_PART_PAIRS sorted by POSE_MAP_INDEX). For COCO they are the skeleton's limbs;
# for BODY_25B they are not known to us.
_PAIRS: dict[str, tuple[tuple[int, int], ...]] = {
  'body_25': (
    *((1, 8), (9, 10), (10, 11), (8, 9), (8, 12), (12, 13), (13, 14)),
    *((1, 2), (2, 3), (3, 4), (2, 17), (1, 5), (5, 6), (6, 7), (5, 18)),
    *((1, 0), (0, 15), (0, 16), (15, 17), (16, 18)),
    *((14, 19), (19, 20), (14, 21), (11, 22), (22, 23), (11, 24)),
  ),
  'body_25b': (),
  'openpose_mpi': (
    *((0, 1), (1, 2), (2, 3), (3, 4), (1, 5), (5, 6), (6, 7)),
    *((1, 14), (14, 8), (8, 9), (9, 10), (14, 11), (11, 12), (12, 13)),
  ),
}


def field_pairs(skeleton: Skeleton) -> tuple[tuple[int, int], ...]:
  """The joint pairs for which OpenPose outputs fields; for other models the limbs."""
  return _PAIRS.get(skeleton.name, skeleton.limb_indices)


def field_channels(skeleton: Skeleton) -> tuple[tuple[int, int], ...]:
  """For each channel of the skeleton's part affinity fields: OpenPose's channel, sign.

  The sign is -1 if OpenPose's vectors point from the limb's end to its beginning.

  Raises:
    ValueError: if OpenPose has no field for a limb.
  """
  pairs = field_pairs(skeleton)
  channels = []
  for limb in skeleton.limb_indices:
    turned = limb not in pairs
    place = pairs.index(limb[::-1] if turned else limb)
    channels += [(2 * place + axis, -1 if turned else 1) for axis in (0, 1)]
  return tuple(channels)
