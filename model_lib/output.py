"""What every model returns, so that one training step serves them all."""

from __future__ import annotations

from flax import struct
from jaxtyping import Array, Float


@struct.dataclass
class ModelOutput:
  """The answer of `model(maps, *, train)`.

  Attributes:
    logits: one score a class, before softmax or sigmoid.
    motion_maps: PA3D's spatio-temporal pose representation, `n` maps for each map
      channel `c`, for pictures; by modality where the model was given several. Costs
      nothing where it is not read.
    joint_weights: what JMRN's joint selector gives each joint, 0..1.
    joint_embeddings: JMRN's projected joint features of unit norm, for the
      joint-contrastive loss. Cost nothing where they are not read.
  """

  logits: Float[Array, 'b k']
  motion_maps: (
    Float[Array, 'b h w c n'] | dict[str, Float[Array, 'b h w c n']] | None
  ) = None
  joint_weights: Float[Array, 'b j'] | None = None
  joint_embeddings: Float[Array, 'b j d'] | None = None
