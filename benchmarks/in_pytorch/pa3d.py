"""PA3D in PyTorch, to compare the speed of ours with: temporal filter and action CNN.

Written from the paper (Sec. 3.2, 3.3, Table 1) and our choices: BatchNorm and ReLU after
each convolution, filters over all frames. Needs the extra `torch`.
"""

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]


class TorchPA3D(nn.Module):
  """Maps `[b, t, c, h, w]` to logits.

  The temporal filter is a matrix Θ `[n, t]`, which a branch's filters fill; its zeros are
  of no consequence for the speed.
  """

  def __init__(self, num_classes, frames, channels, outputs, features, dropout):
    super().__init__()
    self.theta = nn.Parameter(torch.empty(outputs, frames).uniform_(-0.5, 0.5))
    layers, inputs = [], channels * outputs
    for width in features:
      for stride in (2, 1):
        layers += [
          nn.Conv2d(inputs, width, 3, stride=stride, padding=1, bias=False),
          nn.BatchNorm2d(width),
          nn.ReLU(inplace=True),
        ]
        inputs = width
    self.action_cnn = nn.Sequential(*layers)
    self.dropout = nn.Dropout(dropout)
    self.classifier = nn.Linear(inputs, num_classes)

  def forward(self, maps):
    filtered = torch.einsum('btchw,nt->bhwcn', maps, self.theta)
    # Channels last in memory, as the convolutions want them.
    x = self.action_cnn(filtered.flatten(3).permute(0, 3, 1, 2))
    return self.classifier(self.dropout(x.mean(dim=(2, 3))))
