"""Compares JMRN's steps and predictions with PyTorch: a table for docs/performance.md.

    taskset -c 0 python -m benchmarks.jmrn_step --data_dir=DIR --clips=4
    taskset -c 0 python -m benchmarks.jmrn_step --data_dir=DIR --clips=1 --mode=predict

The setting is the official code's for JHMDB, on the data set's own motions: 64×86 cells,
two augmented views per clip in training, cross entropy and the joint-contrastive loss,
Adam, float32; PyTorch is eager, in `channels_last`. Needs the extra `torch`, and the data
set as keypoints (`pose-action export --representation=keypoints`). Both sides start from
the maps.
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
  planned,
)
from jmrn_jax.model import ENCODERS

CONFIG = 'jmrn_jhmdb:representation=keypoints,test=false'


def main():
  """Prints both sides' times and their ratio."""
  parser = arguments(__doc__, config=CONFIG)
  parser.add_argument('--encoder', choices=ENCODERS, default='auto')
  asked = parser.parse_args()
  config, data = open_config(asked)
  config = planned(config, data, asked.encoder)
  compare(asked, config, data, torch_side, note=f', encoder {asked.encoder}')


def torch_side(
  config: ml_collections.ConfigDict,
  first: InputBatch,
  classes: int,
  mode: str,
  execution: Execution = ON_CPU,
) -> Side:
  """One update, or one prediction, in PyTorch, channels last."""
  import torch  # pyright: ignore[reportMissingImports]

  from benchmarks.in_pytorch.jmrn import TorchJMRN
  from benchmarks.in_pytorch.sides import predictions, prepared, updates

  torch.set_num_threads(len(os.sched_getaffinity(0)))
  fields = config.model
  network = TorchJMRN(
    classes,
    joints=first.maps.shape[1],
    channels=first.maps.shape[-1],
    compressed=fields.compressed,
    features=tuple(fields.features),
    selector_features=fields.selector_features,
    reasoning_features=fields.reasoning_features,
    projection_features=fields.projection_features,
  )
  model = prepared(network, execution)
  if mode == 'predict':
    return predictions(model, _channels_last, execution)
  rate = config.optimizer.learning_rate
  optimizer = torch.optim.Adam(model.parameters(), lr=rate)
  contrastive = config.train.contrastive

  def loss_of(maps, classes):
    logits, _, embeddings = model(_channels_last(maps))
    loss = torch.nn.functional.cross_entropy(logits, classes)
    return loss + contrastive.weight * _contrastive(
      embeddings, classes, contrastive.temperature
    )

  return updates(model, optimizer, loss_of, execution)


def _channels_last(maps):
  """Makes each joint's maps contiguous with channels last, PyTorch's fast layout."""
  return maps.permute(0, 4, 1, 2, 3)


def _contrastive(embeddings, classes, temperature: float):
  """The official code's joint-contrastive loss of embeddings `[b, j, d]`."""
  import torch  # pyright: ignore[reportMissingImports]

  own = torch.eye(len(classes), dtype=torch.bool, device=classes.device)
  positive = ((classes[:, None] == classes[None]) & ~own).float()
  z = embeddings.transpose(0, 1)
  similarity = (z @ z.transpose(1, 2) / temperature).masked_fill(own, float('-inf'))
  log_share = torch.log_softmax(similarity, -1).masked_fill(own, 0)
  return -((log_share * positive).sum(-1) / positive.sum(-1)).mean()


if __name__ == '__main__':
  main()
