"""Compares PA3D's steps and predictions with PyTorch: a table for docs/performance.md.

    taskset -c 0 python -m benchmarks.pa3d_step --data_dir=DIR --clips=32
    taskset -c 0 python -m benchmarks.pa3d_step --data_dir=DIR --clips=32 \\
      --config=pa3d_jhmdb:quick,test=false
    taskset -c 0 python -m benchmarks.pa3d_step --data_dir=DIR --clips=1 --mode=predict

The setting is the paper's for JHMDB, or the config's, on the data set's own motions:
cross entropy, SGD with momentum, float32; PyTorch is eager, in `channels_last`. Needs the
extra `torch`, and the data set as keypoints (`pose-action export
--representation=keypoints`). Both sides start from the maps.
"""

from __future__ import annotations

import os

import ml_collections
import numpy as np

from benchmarks.beside_torch import (
  InputBatch,
  Side,
  arguments,
  compare,
  open_config,
)
from pa3d_jax.folded_filter import FOLDING

CONFIG = 'pa3d_jhmdb:representation=keypoints,test=false'


def main():
  """Prints both sides' times and their ratio."""
  parser = arguments(__doc__, config=CONFIG)
  parser.add_argument('--filter_folding', choices=FOLDING, default='auto')
  asked = parser.parse_args()
  config, data = open_config(asked)
  config.model.filter_folding = asked.filter_folding
  compare(
    asked, config, data, torch_side, note=f', filter folding {asked.filter_folding}'
  )


def torch_side(
  config: ml_collections.ConfigDict, first: InputBatch, classes: int, mode: str
) -> Side:
  """One update, or one prediction, in eager PyTorch, channels last."""
  import torch  # pyright: ignore[reportMissingImports]

  from benchmarks.in_pytorch.pa3d import TorchPA3D

  torch.set_num_threads(len(os.sched_getaffinity(0)))
  _, frames, _, _, channels = first.maps.shape
  fields = config.model
  model = TorchPA3D(
    classes, frames, channels, fields.outputs, tuple(fields.features), fields.dropout
  )
  model.to(memory_format=torch.channels_last)  # pyright: ignore
  if mode == 'predict':
    model.eval()

    def predict(batch: InputBatch):
      with torch.inference_mode():
        model(torch.from_numpy(batch.maps).permute(0, 1, 4, 2, 3))

    return predict
  settings = config.optimizer
  optimizer = torch.optim.SGD(
    model.parameters(),
    lr=settings.learning_rate,
    momentum=settings.momentum,
    weight_decay=settings.weight_decay,
  )

  def train(batch: InputBatch):
    """One update."""
    optimizer.zero_grad()
    logits = model(torch.from_numpy(batch.maps).permute(0, 1, 4, 2, 3))
    labels = torch.from_numpy(batch.labels.astype(np.int64))
    smoothing = config.train.label_smoothing
    torch.nn.functional.cross_entropy(
      logits, labels, label_smoothing=smoothing
    ).backward()
    optimizer.step()

  return train


if __name__ == '__main__':
  main()
