"""Compares DD-Net's steps and predictions with PyTorch: a table for docs/performance.md.

    taskset -c 0 python -m benchmarks.ddnet_step --data_dir=DIR --clips=64
    taskset -c 0 python -m benchmarks.ddnet_step --data_dir=DIR --clips=64 --mode=predict

The PyTorch port's form for JHMDB, on the data set's own motions: cross entropy, Adam,
float32, without dropout on either side; PyTorch is eager. Needs the extra `torch`, and
the data set as keypoints (`pose-action export --representation=keypoints`). Both sides
start from the resampled trajectories, and make the distances and motions of joints.
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

CONFIG = 'ddnet_jhmdb:form=port,test=false'


def main():
  """Prints both sides' times and their ratio."""
  asked = arguments(__doc__, config=CONFIG).parse_args()
  config, data = open_config(asked)
  config.model.channel_dropout = config.model.dropout = 0.0
  compare(asked, config, data, torch_side)


def torch_side(
  config: ml_collections.ConfigDict,
  first: InputBatch,
  classes: int,
  mode: str,
  execution: Execution = ON_CPU,
) -> Side:
  """One update, or one prediction, in PyTorch."""
  import torch  # pyright: ignore[reportMissingImports]

  from benchmarks.in_pytorch.ddnet import TorchDDNet
  from benchmarks.in_pytorch.sides import predictions, prepared, updates

  torch.set_num_threads(len(os.sched_getaffinity(0)))
  _, _, frames, joints, _ = first.maps.shape
  network = TorchDDNet(
    'port', classes=classes, joints=joints, frames=frames, width=config.model.width
  )
  model = prepared(network, execution)
  if mode == 'predict':
    return predictions(model, _positions, execution)
  optimizer = torch.optim.Adam(model.parameters(), lr=config.optimizer.learning_rate)

  def loss_of(trajectories, classes):
    return torch.nn.functional.cross_entropy(model(_positions(trajectories)), classes)

  return updates(model, optimizer, loss_of, execution)


def _positions(trajectories):
  """The first person's, without scores."""
  return trajectories[:, 0, ..., :2].contiguous()


if __name__ == '__main__':
  main()
