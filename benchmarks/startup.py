"""Measures how fast commands start, cold and warm: a table for docs/performance.md.

    python -m benchmarks.startup --config=configs/demo.py --data_dir=/tmp/data

Each figure is measured by running the real command in a process of its own: `--help`,
training from the shell to the log line of the first step, and the prediction for one clip
from the shell to its end. "Cold" is an empty compilation cache, "warm" the cache that the
cold run left; the least of several runs counts, because other work only adds to it. CPU
seconds are user and system time of all threads. Arguments after `--` are passed to the
training.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

import numpy as np

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.runtime.compilation_cache import FOLDER

_ROOT = pathlib.Path(__file__).parents[1]
_FIRST_STEP = 'step 1/'
_SKELETON = 'coco_17'


class Start(NamedTuple):
  """One start of a command: seconds from the shell, and of CPU time."""

  wall: float
  cpu: float


def main():
  """Prints each figure as soon as it is measured, as a table."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--config', default='configs/demo.py', help='file of a config')
  parser.add_argument('--data_dir', required=True, help='folder of the data set')
  parser.add_argument('--repeats', type=int, default=5, help='warm runs per figure')
  options, more = parser.parse_known_args()
  versions = ', '.join(f'{name} {metadata.version(name)}' for name in ('jax', 'flax'))
  print(
    f'{options.config}; {platform.machine()}, {os.cpu_count()} cores, load'
    f' {os.getloadavg()[0]:.2f}; Python {platform.python_version()}, {versions}'
  )
  print('| from the shell to | cache | seconds | CPU seconds |\n|---|---|---|---|')
  training = [
    f'--config={options.config}',
    f'--config.data.data_dir={options.data_dir}',
    '--mode=train',
    *(flag for flag in more if flag != '--'),
  ]
  with tempfile.TemporaryDirectory() as scratch:
    for what, cache, starts in measure(
      training, pathlib.Path(scratch), options.repeats
    ):
      best = Start(*(min(column) for column in zip(*starts, strict=True)))
      print(f'| {what} | {cache} | {best.wall:.2f} | {best.cpu:.2f} |', flush=True)


def measure(
  training: list[str], scratch: pathlib.Path, repeats: int
) -> Iterator[tuple[str, str, list[Start]]]:
  """Yields (what is measured, state of the cache, its starts) one by one."""
  main = [str(_ROOT / 'main.py')]
  yield '`--help`', '–', [start([*main, '--help'], scratch) for _ in range(repeats)]
  # The first use exports the data set, which is no part of a start.
  one_epoch = [*main, *training, '--config.train.epochs=1']
  trained = [*one_epoch, f'--workdir={scratch}/trained']
  start(trained, scratch / 'export')
  first_step = [*one_epoch, '--config.train.log_every_steps=1']
  prediction = ['-m', 'pose_action', 'predict', f'--workdir={scratch}/trained']
  prediction += [*_one_clip(scratch / 'poses')]

  def first_steps(count: int) -> list[Start]:
    starts = []
    for _ in range(count):
      workdir = [f'--workdir={scratch}/run']
      starts.append(start([*first_step, *workdir], scratch, until=_FIRST_STEP))
      shutil.rmtree(scratch / 'run')  # Killed; a second run would resume it.
    return starts

  yield 'the first training step', 'cold', first_steps(1)
  yield 'the first training step', 'warm', first_steps(repeats)
  yield 'the answer for one clip', 'cold', [start(prediction, scratch)]
  warm = [start(prediction, scratch) for _ in range(repeats)]
  yield 'the answer for one clip', 'warm', warm


def start(arguments: list[str], scratch: pathlib.Path, until: str = '') -> Start:
  """Runs a command until it prints a line with `until`, or until it ends.

  Args:
    scratch: the folder in which compiled programs are cached.

  Raises:
    RuntimeError: with its output, if the command fails or never prints that.
  """
  began = time.monotonic()
  process = subprocess.Popen(
    [sys.executable, *arguments],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    env={
      **{name: value for name, value in os.environ.items() if name != FOLDER},
      'POSE_ACTION_CACHE': str(scratch),
    },
    cwd=_ROOT,
  )
  output, found = [], not until
  assert process.stdout is not None  # stdout=PIPE above.
  for line in process.stdout:
    output.append(line)
    if until and until in line:
      found = True
      break
  wall = time.monotonic() - began
  if until:
    process.kill()
  _, status, usage = os.wait4(process.pid, 0)
  process.returncode = status  # Not waited for again.
  if not found or (status and not until):
    raise RuntimeError(f'{" ".join(arguments)} failed:\n{"".join(output)}')
  return Start(wall, usage.ru_utime + usage.ru_stime)


def _one_clip(folder: pathlib.Path) -> list[str]:
  """Writes a clip of 40 frames; returns the arguments that name it."""
  folder.mkdir()
  joints = get_skeleton(_SKELETON).num_joints
  poses = np.ones((40, joints, 3), np.float32)
  poses[..., :2] = np.random.default_rng(0).uniform(20, 200, (40, joints, 2))
  np.save(folder / 'clip.npy', poses)
  return [str(folder), f'--skeleton={_SKELETON}', '--frame_size=320x240']


if __name__ == '__main__':
  main()
