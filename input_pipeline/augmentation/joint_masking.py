"""Joint masking: some joints are missing in a whole clip; pure JAX.

Ours: a model should not depend on joints that estimators often miss.
"""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Key

from input_pipeline.augmentation.ranges import check_share


@dataclasses.dataclass(frozen=True)
class JointMaskingSettings:
  """Which joints are missing; a share of 0 is off.

  Attributes:
    probability: share of the clips in which joints are missing.
    share: probability of each joint to be missing in such a clip. One joint always
      stays.
  """

  probability: float = 1.0
  share: float = 0.0

  def __post_init__(self):
    check_share('joint_masking.probability', self.probability)
    check_share('joint_masking.share', self.share)

  @property
  def masks(self) -> bool:
    """Whether a joint can be missing."""
    return self.probability > 0 and self.share > 0


def draw(
  key: Key[Array, ''], settings: JointMaskingSettings, num_joints: int
) -> Bool[Array, 'j']:
  """Draws the joints that are missing in one view of a clip."""
  clip_key, joint_key = jax.random.split(key)
  chosen = jax.random.bernoulli(clip_key, settings.probability)
  height = jax.random.uniform(joint_key, (num_joints,))
  # The highest joint is missing only if all are, and then it stays.
  stays = jnp.arange(num_joints) == height.argmax()
  return chosen & (height < settings.share) & ~stays
