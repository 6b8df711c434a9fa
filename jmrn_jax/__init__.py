"""JMRN (Anshul Shah et al., WACV 2022): the model, its layers and its loss."""

from typing import TYPE_CHECKING

from model_lib import lazy_exports

if TYPE_CHECKING:
  from jmrn_jax.contrastive import joint_contrastive_loss
  from jmrn_jax.model import JMRN

__all__ = ['JMRN', 'joint_contrastive_loss']
__getattr__, __dir__ = lazy_exports.of_package(
  __name__,
  {'JMRN': 'jmrn_jax.model', 'joint_contrastive_loss': 'jmrn_jax.contrastive'},
)
