"""A pose network with known outputs: it computes joint maps from the frames' colours."""

import numpy as np

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.extraction.extractor import NetworkMaps

CELL = 8
NOSE, NECK = 0, 1


class FakePoseNetwork:
  """The nose's map is red, the neck's is green, and the first limb's x is red - green.

  Features are the colours times ten. `num_frames` counts the frames, and is passed to
  `before` at the start of each call.
  """

  name = 'fake'
  modalities = ('joints', 'parts', 'features')
  num_features = 3
  settings = {'extractor': 'fake', 'version': 1}  # noqa: RUF012 (a constant)

  def __init__(self, before=lambda num_frames: None):
    self.skeleton = get_skeleton('openpose_18_background')
    self.num_frames = 0
    self._before = before

  def __call__(self, frames):
    self._before(self.num_frames)
    self.num_frames += len(frames)
    count, height, width, _ = frames.shape
    cells = frames.reshape(count, height // CELL, CELL, width // CELL, CELL, 3)
    colours = cells.mean(axis=(2, 4), dtype=np.float32) / 255
    grid = colours.shape[:3]
    joints = np.zeros((*grid, 19), np.float32)
    joints[..., [NOSE, NECK]] = colours[..., :2]
    joints[..., -1] = 1 - joints.max(axis=-1)
    parts = np.zeros((*grid, 38), np.float32)
    parts[..., 0] = colours[..., 0] - colours[..., 1]
    features = 10 * colours
    maps = {'joints': joints, 'parts': parts, 'features': features}
    return NetworkMaps(maps, cell_size=(CELL, CELL))


def frames_with_dots(count, height=64, width=96):
  """Black frames with a red cell that moves right by 8 pixels per frame, and a green one."""
  frames = np.zeros((count, height, width, 3), np.uint8)
  for index, frame in enumerate(frames):
    x = CELL * (index % (width // CELL))
    frame[16:24, x : x + CELL, 0] = 255
    frame[40:48, 24:32, 1] = 200
  return frames
