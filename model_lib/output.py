"""The output that all models share, so that one training step serves them all."""

from __future__ import annotations

from flax import struct
from jaxtyping import Array, Float


@struct.dataclass
class ModelOutput:
  """Output of `model(inputs, *, train)`, where inputs are maps or trajectories.

  Fields that a jitted caller does not read cost nothing: XLA removes them.

  Attributes:
    logits: one score per class, before softmax or sigmoid.
    branch_logits: logits of each of a model's g branches, of which `logits` is the mean;
      each branch has a loss of its own. None: the loss is that of `logits`.
    motion_maps: PA3D's spatio-temporal pose representation for pictures, n maps per
      input channel c; a dict by modality if the model reads several.
    joint_weights: weight of each joint from JMRN's joint selector, 0..1.
    joint_embeddings: JMRN's projected joint features for the joint-contrastive loss,
      of unit norm.
  """

  logits: Float[Array, 'b k']
  branch_logits: Float[Array, 'g b k'] | None = None
  motion_maps: (
    Float[Array, 'b h w c n'] | dict[str, Float[Array, 'b h w c n']] | None
  ) = None
  joint_weights: Float[Array, 'b j'] | None = None
  joint_embeddings: Float[Array, 'b j d'] | None = None
