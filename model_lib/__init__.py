"""What the model packages share: the output of a model, and initial values."""

from typing import TYPE_CHECKING

from model_lib import lazy_exports

if TYPE_CHECKING:
  from model_lib.output import ModelOutput

__all__ = ['ModelOutput']
__getattr__, __dir__ = lazy_exports.of_package(
  __name__, {'ModelOutput': 'model_lib.output'}
)
