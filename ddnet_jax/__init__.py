"""DD-Net (Fan Yang et al., ACM Multimedia Asia 2019) and our networks on trajectories."""

from typing import TYPE_CHECKING

from model_lib import lazy_exports

if TYPE_CHECKING:
  from ddnet_jax.model import DDNet

__all__ = ['DDNet']
__getattr__, __dir__ = lazy_exports.of_package(__name__, {'DDNet': 'ddnet_jax.model'})
