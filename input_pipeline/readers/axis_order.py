"""Notices arrays whose frames were read as people."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from input_pipeline.poses.boxes import boxes_of_poses, overlaps

# From one frame to the next a person's box moves little, so neighbours in time overlap
# by more than this; people beside each other overlap by less (our choice).
_SAME_PLACE = 0.5
_LEAST_PEOPLE = 3
# As many people in one place are frames, however many frames there seem to be: the
# first axis counts clips.
_CROWD = 8


def frames_read_as_people(people: Float[np.ndarray, 't m j 3']) -> bool:
  """Whether axis m is time: more people than frames, or a crowd, all in one place.

  Args:
    people: (x, y, score) in the order in which the array was read; 0 = missing.
  """
  num_frames, num_people = people.shape[:2]
  if num_people < min(_CROWD, max(_LEAST_PEOPLE, num_frames + 1)):
    return False
  scores = np.nan_to_num(people[..., 2])
  boxes = boxes_of_poses(np.nan_to_num(people[..., :2]), scores)
  neighbours = overlaps(boxes[:, :-1, None], boxes[:, 1:, None])[..., 0, 0]
  there = np.any(scores > 0, axis=-1)
  both = there[:, :-1] & there[:, 1:]
  return bool(both.any() and np.median(neighbours[both]) > _SAME_PLACE)
