"""PA3D (An Yan et al., CVPR 2019): the model and its layers, nothing else."""

from typing import TYPE_CHECKING

from model_lib import lazy_exports

if TYPE_CHECKING:
  from pa3d_jax.model import PA3D
  from pa3d_jax.temporal_pose_conv import TemporalPoseConv

__all__ = ['PA3D', 'TemporalPoseConv']
__getattr__, __dir__ = lazy_exports.of_package(
  __name__,
  {'PA3D': 'pa3d_jax.model', 'TemporalPoseConv': 'pa3d_jax.temporal_pose_conv'},
)
