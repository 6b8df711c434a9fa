"""Compares evaluation and prediction with the forward pass alone.

    python -m benchmarks.evaluation --workdirs=RUN,RUN --data_dir=DIR --poses=POSES

A table for docs/performance.md: for each model, clips per second (and CPU ms per clip, of
all threads) of

- evaluating the test split for the first time, as `pose-action evaluate` does;
- evaluating it again, as a training does: the batches are kept;
- the compiled evaluation step alone on the same batches, which are on the device;
- predicting on clips of POSES, read and answered as `pose-action predict` does;
- the compiled prediction alone on the same batches.

The best of several runs counts, because other work only adds to it. Pictures and results
files are not part of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import itertools
import os
import pathlib
import platform
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax

import pose_action
from benchmarks.arguments import add_poses, add_workdirs, read_poses
from input_pipeline.loading.kept_batches import KeptBatches
from input_pipeline.loading.loader import evaluation_batches
from pose_action.inference.predict_sources import BATCH_SIZE, predict_clips
from pose_action.inference.usable_clips import UsableClips, offered_clips
from pose_action.runtime import sharding
from pose_action.runtime.compilation_cache import use_compilation_cache
from pose_action.training.run import Run, open_run
from pose_action.training.saved_checkpoints import SavedCheckpoints
from pose_action.training.saved_config import get_config


class Rate(NamedTuple):
  """Clips per second, and milliseconds of CPU time per clip."""

  clips: float
  cpu: float


def main():
  """Prints one row per model and figure as soon as it is measured."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  add_workdirs(parser)
  parser.add_argument('--data_dir', required=True, help='folder of their data sets')
  add_poses(parser)
  parser.add_argument('--repeats', type=int, default=5, help='runs per figure')
  asked = parser.parse_args()
  source = read_poses(asked)
  print(
    f'{len(os.sched_getaffinity(0))} core(s), load {os.getloadavg()[0]:.1f}; Python'
    f' {platform.python_version()}, jax {jax.__version__}'
  )
  print('| run | what | clips/s | CPU ms per clip | share of the forward pass |')
  print('|---|---|---|---|---|')
  for workdir in asked.workdirs.split(','):
    for figures in (
      evaluation(workdir, asked.data_dir, asked.repeats),
      prediction(workdir, source, asked.repeats),
    ):
      forward = figures.pop('forward pass')
      for what, rate in [('forward pass alone', forward), *figures.items()]:
        print(
          f'| {pathlib.Path(workdir).name} | {what} | {rate.clips:.0f} |'
          f' {rate.cpu:.2f} | {rate.clips / forward.clips:.0%} |',
          flush=True,
        )


def evaluation(workdir: str, data_dir: str, repeats: int) -> dict[str, Rate]:
  """The rates of evaluating the test split."""
  config = get_config(f'{workdir}/config.json').unlock()
  config.data.data_dir = data_dir
  run = open_run(config, workdir, sharding.make_mesh())
  saved = SavedCheckpoints(workdir)
  shapes = run.program.state_shapes.variables()
  variables = saved.restore_variables(saved.latest_step, shapes, config.eval.weights)
  split = run.data.test
  if split is None:
    raise SystemExit(f'{workdir} has no test split to evaluate')
  batches = [
    sharding.global_batch(batch, run.program.mesh)
    for batch in evaluation_batches(
      split.records,
      split.indices,
      run.data.clip_settings,
      batch_size=config.eval.batch_size,
      num_views=config.eval.views,
    )
  ]
  rate = functools.partial(best_rate, len(split.indices), repeats)
  again = _emptied(run)
  again.predict(variables, split)
  return {
    'forward pass': rate(lambda: _all(run.program.evaluation_step, variables, batches)),
    'evaluation, the first': rate(lambda: _emptied(run).predict(variables, split)),
    'evaluation, a further one': rate(lambda: again.predict(variables, split)),
  }


def prediction(workdir: str, source: Any, repeats: int) -> dict[str, Rate]:
  """The rates of predicting on every clip of a source."""
  model = pose_action.load(workdir)
  if not isinstance(model, pose_action.Predictor):
    raise SystemExit(f'{workdir} holds an ensemble; give the workdirs of its members')
  ids = offered_clips(source, None)

  def predict() -> list[Any]:
    clips = UsableClips(source, ids, model, lambda line: None)
    return list(itertools.chain(*predict_clips(model, workdir, clips)))

  clips = [source.load(video_id) for video_id in ids]
  batches = list(_ready(model, clips))
  rate = functools.partial(best_rate, len(ids), repeats)
  return {
    'forward pass': rate(lambda: _all(model._evaluate, model._variables, batches)),
    'prediction': rate(predict),
    'prediction, clips in memory': rate(
      lambda: model.predict(clips, batch_size=BATCH_SIZE)
    ),
  }


def best_rate(clips: int, repeats: int, work: Callable[[], object]) -> Rate:
  """The best rates of several runs, after one to warm up."""
  work()
  walls, cpus = [], []
  for _ in range(repeats):
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    walls.append(time.perf_counter() - wall)
    cpus.append(time.process_time() - cpu)
  return Rate(clips / min(walls), 1000 * min(cpus) / clips)


def _emptied(run: Run) -> Run:
  """The run with no batches kept."""
  return dataclasses.replace(run, kept=KeptBatches())


def _all(step: Callable[..., Any], variables: Any, batches: list[Any]):
  jax.block_until_ready([step(variables, batch) for batch in batches])


def _ready(model: Any, clips: list[Any]) -> Iterator[Any]:
  """The batches of `model.predict`, on the device."""
  for first in range(0, len(clips), BATCH_SIZE):
    some = clips[first : first + BATCH_SIZE]
    records = [model._record(clip) for clip in some]
    size = min(1 << (len(some) - 1).bit_length(), BATCH_SIZE)
    yield jax.device_put(model._batch(records, size))


if __name__ == '__main__':
  use_compilation_cache()
  main()
