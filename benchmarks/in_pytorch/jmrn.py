"""JMRN in PyTorch, the reference for ours, written from the facts of the official code.

Parameters have the official release's names, including those that it creates and never
uses. Maps are `[b, c, j, h, w]` without background, as in the release. Needs the extra
`torch`.
"""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


class TorchSelector(nn.Module):
  """The release's joint_attention_block."""

  def __init__(self, joints, channels, features, temperature):
    super().__init__()
    self.one_x_one = nn.Conv2d(joints * channels, features, 1)
    self.linear = nn.Linear(features, joints)
    self.temperature = temperature

  def forward(self, joint_features):
    x = self.one_x_one(joint_features.flatten(1, 2))
    x = torch.relu(x.mean(dim=(2, 3)))
    return torch.sigmoid(self.linear(x) / self.temperature)


class TorchJMRN(nn.Module):
  """Maps `[b, c, j, h, w]` to (logits, joint weights, joint embeddings)."""

  def __init__(
    self,
    num_classes,
    joints=18,
    channels=3,
    compressed=128,
    features=(128, 256),
    selector_features=256,
    reasoning_features=512,
    projection_features=128,
    temperature=1.0,
  ):
    super().__init__()
    first, last = features
    self.batch_norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(joints))
    self.conv1 = nn.Conv2d(channels, first, 3, stride=2, padding=1)
    self.conv2 = nn.Conv2d(first, first, 3, padding=1)
    self.conv3 = nn.Conv2d(first, last, 3, stride=2, padding=1)
    self.conv4 = nn.Conv2d(last, last, 3, padding=1)
    self.conv_11 = nn.Conv2d(last, compressed, 1)
    self.joint_attention_block = TorchSelector(
      joints, last, selector_features, temperature
    )
    self.one_one_conv = nn.Conv2d(joints * compressed, reasoning_features, 1)
    self.conv5 = nn.Conv2d(
      reasoning_features, reasoning_features, 3, stride=2, padding=1
    )
    self.bn5 = nn.BatchNorm2d(reasoning_features)
    self.conv6 = nn.Conv2d(reasoning_features, reasoning_features, 3, padding=1)
    self.bn6 = nn.BatchNorm2d(reasoning_features)
    self.FC = nn.Linear(reasoning_features, num_classes)
    self.projection_head = nn.Linear(last, projection_features)
    self.projection_head2 = nn.Linear(projection_features, projection_features)
    # The release creates these too and never uses them; their sizes here are ours.
    self.input_norm = nn.BatchNorm2d(channels)
    self.bn1 = nn.BatchNorm2d(first)
    self.bn2 = nn.BatchNorm2d(first)
    self.bn3 = nn.BatchNorm2d(last)
    self.bn4 = nn.BatchNorm2d(last)
    self.bn_11 = nn.BatchNorm2d(compressed)

  def encode(self, maps):
    """Features and compressed features of one joint's maps `[b, c, h, w]`."""
    x = maps
    for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
      x = torch.relu(convolution(x))
    return x, torch.relu(self.conv_11(x))

  def forward(self, maps):
    features, compressed = [], []
    for joint, norm in enumerate(self.batch_norms):
      of_joint = self.encode(norm(maps[:, :, joint]))
      features.append(of_joint[0])
      compressed.append(of_joint[1])
    features, compressed = torch.stack(features, 1), torch.stack(compressed, 1)
    weights = self.joint_attention_block(features)
    x = (compressed * weights[:, :, None, None, None]).flatten(1, 2)
    x = torch.relu(self.one_one_conv(x))
    x = torch.relu(self.bn5(self.conv5(x)))
    x = torch.relu(self.bn6(self.conv6(x)))
    logits = self.FC(x.mean(dim=(2, 3)))
    embeddings = torch.relu(self.projection_head(features.mean(dim=(3, 4))))
    embeddings = nn.functional.normalize(self.projection_head2(embeddings), dim=-1)
    return logits, weights, embeddings


def randomised(model, seed=0):
  """Sets all parameters and statistics far from initial values; returns the model.

  Kernels are wide enough for signals to keep their size through the ReLUs. With
  PyTorch's defaults all clips would get almost the same outputs.
  """
  generator = torch.Generator().manual_seed(seed)
  for name, value in model.state_dict().items():
    if name.endswith('num_batches_tracked'):
      value.fill_(seed + 1)
    elif name.endswith('running_var'):
      value.uniform_(0.5, 1.5, generator=generator)
    elif value.ndim > 1:
      bound = (6 / value[0].numel()) ** 0.5
      value.uniform_(-bound, bound, generator=generator)
    elif 'norm' in name or 'bn' in name:
      value.uniform_(-1, 1, generator=generator).add_(name.endswith('weight'))
    else:
      value.uniform_(-0.5, 0.5, generator=generator)
  return model
