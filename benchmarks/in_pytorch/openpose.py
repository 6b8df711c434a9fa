"""OpenPose's COCO network in PyTorch, the reference for our spatial pose CNN.

Written from the published structure (Cao et al., CVPR 2017); parameters have the names
of the widely used PyTorch port. Needs the extra `torch`.
"""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


def _sequence(channels, *layers, relu_at_end=False):
  """Convolutions (name, size, features) with ReLU between; 'pool' halves the map."""
  sequence = nn.Sequential()
  for layer in layers:
    if layer == 'pool':
      sequence.append(nn.MaxPool2d(2))
      continue
    name, size, features = layer
    sequence.add_module(name, nn.Conv2d(channels, features, size, padding=size // 2))
    sequence.append(nn.ReLU())
    channels = features
  return sequence if relu_at_end else sequence[:-1]


def _vgg_and_two():
  return _sequence(
    3,
    ('conv1_1', 3, 64),
    ('conv1_2', 3, 64),
    'pool',
    ('conv2_1', 3, 128),
    ('conv2_2', 3, 128),
    'pool',
    ('conv3_1', 3, 256),
    ('conv3_2', 3, 256),
    ('conv3_3', 3, 256),
    ('conv3_4', 3, 256),
    'pool',
    ('conv4_1', 3, 512),
    ('conv4_2', 3, 512),
    ('conv4_3_CPM', 3, 256),
    ('conv4_4_CPM', 3, 128),
    relu_at_end=True,
  )


class TorchOpenPose(nn.Module):
  """Frames `[b, 3, h, w]` to (part affinity fields, joint maps, features)."""

  def __init__(self):
    super().__init__()
    self.model0 = _vgg_and_two()
    for branch, outputs in ((1, 38), (2, 19)):
      layers = [(f'conv5_{i}_CPM_L{branch}', 3, 128) for i in (1, 2, 3)]
      layers.append((f'conv5_4_CPM_L{branch}', 1, 512))
      layers.append((f'conv5_5_CPM_L{branch}', 1, outputs))
      self.add_module(f'model1_{branch}', _sequence(128, *layers))
      for stage in range(2, 7):
        end = f'stage{stage}_L{branch}'
        layers = [(f'Mconv{i}_{end}', 7, 128) for i in range(1, 6)]
        layers += [(f'Mconv6_{end}', 1, 128), (f'Mconv7_{end}', 1, outputs)]
        self.add_module(f'model{stage}_{branch}', _sequence(185, *layers))

  def forward(self, frames):
    features = x = self.model0(frames)
    for stage in range(1, 7):
      parts = self.get_submodule(f'model{stage}_1')(x)
      joints = self.get_submodule(f'model{stage}_2')(x)
      x = torch.cat([parts, joints, features], dim=1)
    return parts, joints, features
