"""DD-Net in PyTorch, written from a description of both published implementations.

It shares no code with `ddnet_jax`. `tests/ddnet_jax` compares the two.
"""

from __future__ import annotations

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


class Norm(nn.Module):
  """BatchNorm of [clip, frame, channel] over frames (port) or channels (Keras)."""

  def __init__(self, form, frames, channels):
    super().__init__()
    self.over_frames = form == 'port' and frames > 0
    if form == 'port':
      self.norm = nn.BatchNorm1d(frames if self.over_frames else channels)
    else:
      # Keras's momentum is the share of the old value that stays.
      self.norm = nn.BatchNorm1d(channels, eps=1e-3, momentum=0.01)

  def forward(self, x):
    if x.ndim == 2 or self.over_frames:
      return self.norm(x)
    return self.norm(x.transpose(1, 2)).transpose(1, 2)


class Convolution(nn.Module):
  """c(k, n)."""

  def __init__(self, form, frames, inputs, outputs, width):
    super().__init__()
    self.conv = nn.Conv1d(inputs, outputs, width, padding=width // 2, bias=False)
    self.norm = Norm(form, frames, outputs)

  def forward(self, x):
    x = self.conv(x.transpose(1, 2)).transpose(1, 2)
    return nn.functional.leaky_relu(self.norm(x), 0.2)


def pooled(x):
  return nn.functional.max_pool1d(x.transpose(1, 2), 2).transpose(1, 2)


def motion(positions):
  """The difference of consecutive frames, resized to as many frames as there were."""
  clips, frames = positions.shape[:2]
  difference = (positions[:, 1:] - positions[:, :-1]).reshape(clips, frames - 1, -1)
  resized = nn.functional.interpolate(
    difference.transpose(1, 2), size=frames, mode='linear', align_corners=False
  )
  return resized.transpose(1, 2)


def distances(positions):
  """Distances of all pairs of joints, relative to the clip's mean distance."""
  first, second = torch.triu_indices(*2 * positions.shape[2:3], offset=1)
  of_pairs = (positions[:, :, first] - positions[:, :, second]).norm(dim=-1)
  mean = of_pairs.mean((1, 2), keepdim=True)
  return (of_pairs - mean) / mean


class TorchDDNet(nn.Module):
  """Positions [clip, frame, joint, 2] to logits, without dropout.

  `convolutions` holds the layers c(k, n) in the order in which they are applied: three
  each of distances, slow and fast, then six.
  """

  def __init__(self, form, *, classes=21, joints=15, frames=32, width=64):
    super().__init__()

    def stem(frames, inputs):
      sizes = ((inputs, 2 * width, 1), (2 * width, width, 3), (width, width, 1))
      return [Convolution(form, frames, *size) for size in sizes]

    layers = stem(frames, joints * (joints - 1) // 2)
    layers += stem(frames, 2 * joints) + stem(frames // 2, 2 * joints)
    inputs = 3 * width
    for block, factor in enumerate((2, 4, 8), start=1):
      for _ in range(2):
        layers.append(Convolution(form, frames // 2**block, inputs, factor * width, 3))
        inputs = factor * width
    self.convolutions = nn.ModuleList(layers)
    bias = form == 'port'
    self.dense = nn.ModuleList(
      [nn.Linear(inputs, 128, bias=bias), nn.Linear(128, 128, bias=bias)]
    )
    self.norms = nn.ModuleList([Norm(form, 0, 128) for _ in range(2)])
    self.classifier = nn.Linear(128, classes)

  def forward(self, positions):
    layers = iter(self.convolutions)

    def apply(x, count):
      for _ in range(count):
        x = next(layers)(x)
      return x

    parts = [
      pooled(apply(distances(positions), 3)),
      pooled(apply(motion(positions), 3)),
    ]
    parts.append(apply(motion(positions[:, ::2]), 3))
    x = torch.cat(parts, dim=-1)
    for block in range(3):
      x = apply(x, 2)
      x = pooled(x) if block < 2 else x
    x = x.amax(dim=1)
    for dense, norm in zip(self.dense, self.norms, strict=True):
      x = nn.functional.leaky_relu(norm(dense(x)), 0.2)
    return self.classifier(x)


def randomised(model, seed=0):
  """The model with random values everywhere, large enough that clips differ."""
  generator = torch.Generator().manual_seed(seed)

  def uniform(like, low, high):
    return low + (high - low) * torch.rand(like.shape, generator=generator)

  with torch.no_grad():
    for module in model.modules():
      if isinstance(module, nn.BatchNorm1d):
        module.weight.copy_(uniform(module.weight, 0.5, 1.5))
        module.bias.copy_(uniform(module.bias, -0.5, 0.5))
        module.running_mean.copy_(uniform(module.running_mean, -0.3, 0.3))  # pyright: ignore
        module.running_var.copy_(uniform(module.running_var, 0.5, 1.5))  # pyright: ignore
      elif isinstance(module, (nn.Conv1d, nn.Linear)):
        bound = (6 / module.weight[0].numel()) ** 0.5
        module.weight.copy_(uniform(module.weight, -bound, bound))
  return model
