"""Other ways to treat time, to compare temporal pose convolution with (PA3D Table 2)."""

from __future__ import annotations

import flax.linen as nn
import jax
from einops import rearrange
from jaxtyping import Array, Float

from pa3d_jax.action_cnn import ActionCNN


class TSNStyle(nn.Module):
  """Each frame alone through the action CNN, scores averaged (PA3D Sec. 3.2 (3)).

  Blind to the order of frames: the comparison that shows what order is worth.
  """

  action_cnn: ActionCNN

  def __call__(
    self, maps: Float[Array, 'b t h w c'], *, train: bool
  ) -> Float[Array, 'b k']:
    frames = rearrange(maps, 'b t h w c -> (b t) h w c')
    logits: jax.Array = self.action_cnn(frames, train=train)
    return rearrange(logits, '(b t) k -> b t k', t=maps.shape[1]).mean(axis=1)
