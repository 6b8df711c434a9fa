"""Draws arrays as RGB pictures: confusion matrices, maps, poses, joint weights.

Any room may import it. Matplotlib is imported with the first picture, and only through
its object interface: no window opens and no global state changes.
"""

from __future__ import annotations

from pose_action.plots.activations import activations_image
from pose_action.plots.confusion import confusion_matrix_image
from pose_action.plots.drawing import save_png
from pose_action.plots.joint_weights import joint_weights_image, skeleton_weights_image
from pose_action.plots.montages import motion_maps_image, sample_maps_image
from pose_action.plots.trajectories import sample_trajectories_image, trajectory_image

__all__ = [
  'activations_image',
  'confusion_matrix_image',
  'joint_weights_image',
  'motion_maps_image',
  'sample_maps_image',
  'sample_trajectories_image',
  'save_png',
  'skeleton_weights_image',
  'trajectory_image',
]
