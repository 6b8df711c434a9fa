"""Trains one config with several seeds, one run after another.

Each run is the command for its one seed, in a process of its own. So it has the bits of
that command, frees all memory at its end, and resumes as that command does.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from pose_action.evaluation.seed_summary import summarize
from pose_action.host import atomic_files

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LARGEST = 2**31 - 1  # A run's seed is an int32.


def parse_seeds(words: Sequence[str]) -> tuple[int, ...]:
  """The seeds of `--seeds`.

  Raises:
    ValueError: for a word that is not a whole number from 0 to 2³¹ - 1, or a repetition.
  """
  for word in words:
    if not (word.isascii() and word.isdecimal() and int(word) <= _LARGEST):
      raise ValueError(
        f'--seeds has {word!r}; give whole numbers from 0 to {_LARGEST}, separated by'
        ' commas, such as --seeds=0,1,2'
      )
  seeds = tuple(int(word) for word in words)
  if repeated := [seed for i, seed in enumerate(seeds) if seed in seeds[:i]]:
    raise ValueError(
      f'--seeds has {repeated[0]} twice; the same seed gives the same run, so give each'
      ' seed once'
    )
  return seeds


def run_folder(workdir: pathlib.Path, seed: int) -> pathlib.Path:
  return workdir / f'seed{seed}'


def command(flags: Sequence[str], workdir: pathlib.Path, seed: int) -> list[str]:
  """The command that trains one seed.

  Args:
    flags: those of the command for all seeds; a flag that is repeated takes its last
      value.
  """
  # -P: this library is imported, whatever the current folder holds.
  return [
    *(sys.executable, '-P', '-m', 'pose_action', 'train'),
    *flags,
    f'--workdir={run_folder(workdir, seed)}',
    f'--config.seed={seed}',
    '--seeds=',
  ]


def train_seeds(
  flags: Sequence[str], workdir: pathlib.Path, seeds: Sequence[int]
) -> int:
  """Runs the seeds one after another; stops at the first that fails or is stopped.

  A summary of the seeds that succeed would be too good, so there is none unless all do.

  Returns:
    The exit status: 0, or that of the run that ended the series.
  """
  with _Runner() as runner:
    for i, seed in enumerate(seeds, start=1):
      folder = run_folder(workdir, seed)
      print(f'seed {seed} ({i} of {len(seeds)}): {folder}', flush=True)
      status = runner.run(command(flags, workdir, seed))
      if status:
        print(
          f'seed {seed} ended with exit status {status}; the same command continues with'
          ' it',
          file=sys.stderr,
        )
        return status
  return 0


def write_summary(workdir: pathlib.Path, seeds: Sequence[int]) -> dict[str, Any]:
  """Writes `seeds.json` from the results of all seeds, and returns its content."""
  results = {
    seed: json.loads((run_folder(workdir, seed) / 'results.json').read_text('utf-8'))
    for seed in seeds
  }
  summary = summarize(results)
  atomic_files.write_json(workdir / 'seeds.json', summary)
  return summary


class _Runner:
  """Runs processes, and passes signals on to them; a context manager.

  A process has a group of its own, so that Ctrl-C in a terminal reaches it only from
  here: once per key press, because a run takes a second one as an order to end at once.
  """

  def __init__(self):
    self._received = 0
    self._process: subprocess.Popen | None = None
    self._previous: dict[int, Any] = {}

  def __enter__(self) -> _Runner:
    for number in _FORWARDED:
      if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
        continue  # By nohup.
      self._previous[number] = signal.signal(number, self._forward)
    return self

  def __exit__(self, *exception) -> None:
    for number, handler in self._previous.items():
      # A handler that was not set from Python cannot be set again.
      signal.signal(number, signal.SIG_DFL if handler is None else handler)

  def run(self, arguments: Sequence[str]) -> int:
    """The exit status of a command; that of a signal if one arrived meanwhile."""
    if self._received:
      return 128 + self._received
    paths = [str(_ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]
    self._process = subprocess.Popen(
      arguments,
      env={**os.environ, 'PYTHONPATH': os.pathsep.join(paths)},
      process_group=0,
    )
    if self._received:  # Between the two lines above.
      self._process.send_signal(self._received)
    status = self._process.wait()
    self._process = None
    if status < 0:
      return 128 - status
    return status or (128 + self._received if self._received else 0)

  def _forward(self, number: int, frame: object) -> None:
    self._received = number
    if self._process is not None:
      self._process.send_signal(number)
