"""Compares a training step of JMRN with PyTorch: a table for docs/performance.md.

    taskset -c 0 python -m benchmarks.jmrn_step --clips=4

The setting is the official code's for JHMDB: 18 joints, 64×86 cells, two views per
clip, cross entropy and the joint-contrastive loss, Adam, float32. Both sides take turns
in one process, so that other load on the machine affects both equally. Peak memory is
measured in a separate process per side. Needs the extra `torch`.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

JOINTS, HEIGHT, WIDTH, CLASSES, COMPRESSED = 18, 64, 86, 21, 128
TEMPERATURE, WEIGHT, RATE = 0.3, 0.05, 1e-4
SIDES = ('jax', 'torch')


def main():
  """Prints both sides' time and memory, and the ratio of their times."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument(
    '--clips', type=int, default=4, help='clips per batch; twice as many views'
  )
  parser.add_argument('--steps', type=int, default=5, help='steps per side')
  parser.add_argument(
    '--only', choices=SIDES, help="run only this side, and print its process's memory"
  )
  options = parser.parse_args()
  if options.only:
    step = make_step(options.only, options.clips)
    step()
    step()
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return
  cores = len(os.sched_getaffinity(0))
  print(f'{options.clips} clips, {2 * options.clips} views, {cores} core(s)')
  seconds = side_by_side(
    {side: make_step(side, options.clips) for side in SIDES}, options.steps
  )
  print('| | step, s | clips per second | peak memory, GiB |\n|---|---|---|---|')
  for side in SIDES:
    took = statistics.median(seconds[side])
    memory = peak_memory(side, options.clips)
    print(f'| {side} | {took:.2f} | {options.clips / took:.2f} | {memory:.1f} |')
  ratios = [t / j for j, t in zip(*(seconds[side] for side in SIDES), strict=True)]
  print(
    f"PyTorch's time over ours: {statistics.median(ratios):.2f}"
    f' (median of {len(ratios)} pairs, {min(ratios):.2f} to {max(ratios):.2f})'
  )


def side_by_side(
  steps: dict[str, Callable[[], object]], repeats: int
) -> dict[str, list[float]]:
  """Seconds per step, with the sides taking turns, after one warm-up step each."""
  seconds: dict[str, list[float]] = {side: [] for side in steps}
  for step in steps.values():
    step()
  for _ in range(repeats):
    for side, step in steps.items():
      started = time.perf_counter()
      step()
      seconds[side].append(time.perf_counter() - started)
  return seconds


def peak_memory(side: str, clips: int) -> float:
  """Peak memory, in GiB, of a process that makes two steps with one side."""
  command = [sys.executable, '-m', 'benchmarks.jmrn_step', f'--only={side}']
  found = subprocess.run(
    [*command, f'--clips={clips}'], check=True, capture_output=True, text=True
  )
  return int(found.stdout.split()[-1]) / 2**20


def make_step(side: str, clips: int) -> Callable[[], object]:
  """A function that makes one update and returns when it is finished."""
  return {'jax': jax_step, 'torch': torch_step}[side](*batch(clips))


def batch(clips: int) -> tuple[np.ndarray, np.ndarray]:
  """PoTion-like maps `[b, j, h, w, 3]`, almost empty like real ones, and labels."""
  rng = np.random.default_rng(0)
  views = 2 * clips
  maps = np.zeros((views, JOINTS, HEIGHT, WIDTH, 3), np.float32)
  for view in range(views):
    for joint in range(JOINTS):
      row, column = rng.integers(0, HEIGHT - 20), rng.integers(0, WIDTH - 20)
      blob = rng.uniform(0, 0.3, (20, 12, 3))
      maps[view, joint, row : row + 20, column : column + 12] = blob
  return maps, np.repeat(rng.integers(0, CLASSES, clips), 2).astype(np.int32)


def jax_step(maps: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
  """A function for one update with the library's `train_step`, on a `batch`."""
  import jax
  import optax

  from configs.shared import base, jmrn_model
  from pose_action.runtime.compiler_options import convolution_options
  from pose_action.training.losses import LossSettings
  from pose_action.training.model_registry import build_model
  from pose_action.training.optimizers import make_optimizer, make_plateau
  from pose_action.training.step import initial_state, train_step

  config = base.base_config()
  jmrn_model.train_with_adam(
    config, batch_size=len(labels), epochs=1, learning_rate=RATE, patience=5
  )
  schedule = optax.constant_schedule(RATE)
  model = build_model(jmrn_model.jmrn(COMPRESSED), CLASSES)
  optimizer = make_optimizer(config.optimizer, schedule)
  example = jax.ShapeDtypeStruct((1, *maps.shape[1:]), np.float32)
  state = initial_state(
    model, optimizer, make_plateau(config.optimizer), example, jax.numpy.int32(0)
  )

  def one_step(state, batch):
    return train_step(
      state,
      batch,
      model=model,
      optimizer=optimizer,
      schedule=schedule,
      input_of_batch=lambda batch, key: batch['maps'],
      losses=LossSettings(contrastive_weight=WEIGHT, temperature=TEMPERATURE),
    )

  rows = {
    'maps': jax.numpy.asarray(maps),
    'label': jax.numpy.asarray(labels),
    'mask': jax.numpy.ones(len(labels)),
  }
  compiled = jax.jit(
    one_step,
    donate_argnums=0,
    compiler_options=convolution_options(jax.default_backend()),
  )
  held = [state]

  def step():
    held[0], metrics = compiled(held[0], rows)
    jax.block_until_ready((held[0], metrics))

  return step


def torch_step(maps: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
  """A function for one update in eager PyTorch, channels last, on a `batch`."""
  import torch  # pyright: ignore[reportMissingImports]

  from benchmarks.jmrn_torch import TorchJMRN

  torch.set_num_threads(len(os.sched_getaffinity(0)))
  model = TorchJMRN(CLASSES)
  model.to(memory_format=torch.channels_last)  # pyright: ignore
  optimizer = torch.optim.Adam(model.parameters(), lr=RATE)
  # Each joint's maps are contiguous with channels last, PyTorch's fast layout.
  rows = torch.from_numpy(maps).permute(0, 4, 1, 2, 3)
  classes = torch.from_numpy(labels).long()
  own = torch.eye(len(labels), dtype=torch.bool)
  positive = ((classes[:, None] == classes[None]) & ~own).float()

  def step():
    optimizer.zero_grad()
    logits, _, embeddings = model(rows)
    z = embeddings.transpose(0, 1)
    similarity = (z @ z.transpose(1, 2) / TEMPERATURE).masked_fill(own, float('-inf'))
    log_share = torch.log_softmax(similarity, -1).masked_fill(own, 0)
    contrastive = -((log_share * positive).sum(-1) / positive.sum(-1)).mean()
    loss = torch.nn.functional.cross_entropy(logits, classes) + WEIGHT * contrastive
    loss.backward()
    optimizer.step()

  return step


if __name__ == '__main__':
  main()
