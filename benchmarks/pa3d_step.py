"""Compares PA3D's steps and predictions with PyTorch: a table for docs/performance.md.

    taskset -c 0 python -m benchmarks.pa3d_step --data_dir=DIR --clips=32
    taskset -c 0 python -m benchmarks.pa3d_step --data_dir=DIR --clips=32 \\
      --config=pa3d_jhmdb:small,test=false
    taskset -c 0 python -m benchmarks.pa3d_step --data_dir=DIR --clips=1 --mode=predict

The setting is the paper's for JHMDB, or the config's, on the data set's own motions:
cross entropy, SGD with momentum, float32; PyTorch is eager, in `channels_last`. Needs the
extra `torch`, and the data set as keypoints (`pose-action export
--representation=keypoints`). Both sides start from the maps.
"""

from __future__ import annotations

import os

import ml_collections

from benchmarks.beside_torch import (
  ON_CPU,
  Execution,
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
  config: ml_collections.ConfigDict,
  first: InputBatch,
  classes: int,
  mode: str,
  execution: Execution = ON_CPU,
) -> Side:
  """One update, or one prediction, in PyTorch, channels last."""
  import torch  # pyright: ignore[reportMissingImports]

  from benchmarks.in_pytorch.pa3d import TorchPA3D
  from benchmarks.in_pytorch.sides import predictions, prepared, updates

  torch.set_num_threads(len(os.sched_getaffinity(0)))
  _, frames, _, _, channels = first.maps.shape
  fields = config.model
  network = TorchPA3D(
    classes, frames, channels, fields.outputs, tuple(fields.features), fields.dropout
  )
  model = prepared(network, execution)
  if mode == 'predict':
    return predictions(model, _channels_last, execution)
  settings = config.optimizer
  optimizer = torch.optim.SGD(
    model.parameters(),
    lr=settings.learning_rate,
    momentum=settings.momentum,
    weight_decay=settings.weight_decay,
  )
  smoothing = config.train.label_smoothing

  def loss_of(maps, classes):
    return torch.nn.functional.cross_entropy(
      model(_channels_last(maps)), classes, label_smoothing=smoothing
    )

  return updates(model, optimizer, loss_of, execution)


def _channels_last(maps):
  """Contiguous with channels last, PyTorch's fast layout."""
  return maps.permute(0, 1, 4, 2, 3)


if __name__ == '__main__':
  main()
