"""Measures how fast a config trains: a table for docs/performance.md.

    python -m benchmarks.training --config=configs/demo.py --data_dir=/tmp/data

The figures are those of a `main.py` process. Arguments after `--` are passed to it.
`benchmarks.startup` measures how fast it starts.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile

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
  with tempfile.TemporaryDirectory() as folder:
    scratch = pathlib.Path(folder)
    # First use exports the data set, which is not part of training.
    _run([*command, '--config.train.epochs=1', f'--workdir={scratch}/export'])
    workdir = scratch / 'throughput'
    peak = _run([*command, f'--config.train.epochs={epochs}', f'--workdir={workdir}'])
    lines = (workdir / 'metrics.jsonl').read_text().splitlines()
    paces = [json.loads(line) for line in lines if 'clips_per_second' in line]
    yield 'training, clips per second', f'{paces[-1]["train/clips_per_second"]:.0f}'
    yield 'share of time waiting for data', f'{paces[-1]["train/data_share"]:.1%}'
  yield 'peak memory of a process', f'{peak / 2**20:.1f} GiB'


def _run(arguments: list[str]) -> int:
  """Runs main.py to its end; returns its peak memory in KiB."""
  done = subprocess.run(
    [sys.executable, str(_MAIN), *arguments],
    capture_output=True,
    text=True,
    cwd=_MAIN.parent,
  )
  if done.returncode:
    raise RuntimeError(f'main.py failed:\n{done.stdout}{done.stderr}')
  return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


if __name__ == '__main__':
  main()
