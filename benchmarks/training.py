"""Measures how fast a config starts and trains: a table for docs/performance.md.

    python -m benchmarks.training --config=configs/demo.py --data_dir=/tmp/data

Each figure is measured in a separate `main.py` process. Arguments after `--` are passed
to all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

_MAIN = pathlib.Path(__file__).parents[1] / 'main.py'


def main():
  """Prints each figure as soon as it is measured, as a table."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument('--config', default='configs/demo.py', help='file of a config')
  parser.add_argument('--data_dir', required=True, help='folder of the data set')
  parser.add_argument(
    '--epochs', type=int, default=2, help='epochs that measure the throughput'
  )
  options, more = parser.parse_known_args()
  flags = [flag for flag in more if flag != '--']
  command = [
    f'--config={options.config}',
    f'--config.data.data_dir={options.data_dir}',
    '--mode=train',
    *flags,
  ]
  print('| figure | value |\n|---|---|')
  for name, value in measure(command, options.epochs):
    print(f'| {name} | {value} |', flush=True)


def measure(command: list[str], epochs: int):
  """Yields (figure, value) one by one as they are measured."""
  yield '`main.py --help`', f'{_seconds_to_line(["--help"], None, {}):.1f} s'
  with tempfile.TemporaryDirectory() as folder:
    scratch = pathlib.Path(folder)
    one_step = [*command, '--config.train.epochs=1', '--config.train.log_every_steps=1']
    cache = {
      'JAX_COMPILATION_CACHE_DIR': str(scratch / 'cache'),
      'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
    }
    # First use exports the data set, which is not part of start-up.
    _seconds_to_line([*one_step, f'--workdir={scratch}/export'], 'step 1/', {})
    for name in ('cold', 'warm'):
      seconds = _seconds_to_line(
        [*one_step, f'--workdir={scratch / name}'], 'step 1/', cache
      )
      yield f'start to first step, {name} compilation cache', f'{seconds:.1f} s'
    workdir = scratch / 'throughput'
    _seconds_to_line(
      [*command, f'--config.train.epochs={epochs}', f'--workdir={workdir}'], None, cache
    )
    lines = (workdir / 'metrics.jsonl').read_text().splitlines()
    paces = [json.loads(line) for line in lines if 'clips_per_second' in line]
    yield 'training, clips per second', f'{paces[-1]["train/clips_per_second"]:.0f}'
    yield 'share of time waiting for data', f'{paces[-1]["train/data_share"]:.1%}'
  peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
  yield 'peak memory of a process', f'{peak / 2**20:.1f} GiB'


def _seconds_to_line(
  arguments: list[str], wanted: str | None, environment: dict[str, str]
) -> float:
  """Seconds until main.py prints a line with `wanted`; None: until it ends."""
  started = time.monotonic()
  process = subprocess.Popen(
    [sys.executable, str(_MAIN), *arguments],
    stdout=subprocess.PIPE,
    stderr=subprocess.STDOUT,
    text=True,
    env=os.environ | environment,
    cwd=_MAIN.parent,
  )
  output = []
  assert process.stdout is not None  # stdout=PIPE above.
  for line in process.stdout:
    output.append(line)
    if wanted is not None and wanted in line:
      process.kill()
      process.wait()
      return time.monotonic() - started
  if process.wait():
    raise RuntimeError(f'main.py failed:\n{"".join(output)}')
  return time.monotonic() - started


if __name__ == '__main__':
  main()
