"""Runs `predict`, `visualize` and `train` on pose files, in one process with limits.

The programs of limited_doors.py run in forks, which JAX does not survive. So one process
runs all cases here; a case that ends it is named, and another process runs the rest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import functools
import io
import json
import os
import pathlib
import pickle
import re
import resource
import subprocess
import sys
import tempfile
import traceback
from typing import TypeVar

from hostile_files import annotation
from limited_doors import MEMORY, SECONDS, Outcome
from places import PYTHON_PATH, ROOT

Case = TypeVar('Case')
Answer = TypeVar('Answer')

_WAIT = 60
_ERROR = re.compile(r'error: |\w+Error: ')  # Training names the kind.


def outcomes(workdir: pathlib.Path, cases: list[list[str]]) -> list[Outcome]:
  """Runs programs with their flags; --workdir is added unless they give another.

  Args:
    workdir: of a model that reads joints of the skeleton coco_17.
  """
  return [
    answer if isinstance(answer, Outcome) else Outcome(answer, '', '', 0.0, 0)
    for _, answer in answered(__file__, str(workdir), cases, Outcome)
  ]


def answered(
  program: str, argument: str, cases: list[Case], kind: type[Answer]
) -> list[tuple[Case, Answer | str]]:
  """Each case with the answer that a program printed as JSON, or how it ended instead.

  The program reads the cases from its input. One that ends it costs no other: it is
  started again for the rest.
  """
  first = dataclasses.fields(kind)[0].name  # pyright: ignore[reportArgumentType]
  found: list[Answer | str] = []
  while len(found) < len(cases):
    run = subprocess.run(
      [sys.executable, program, argument],
      input=json.dumps(cases[len(found) :]),
      capture_output=True,
      text=True,
      cwd=ROOT,
      env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'JAX_PLATFORMS': 'cpu'},
    )
    lines = [x for x in run.stdout.splitlines() if x.startswith(f'{{"{first}"')]
    found += [kind(**json.loads(line)) for line in lines]
    if run.returncode:
      assert found, run.stderr  # It must not fail before its first case.
      found.append(f'ended the process with {run.returncode}: {run.stderr[-2000:]}')
  return list(zip(cases, found, strict=True))


def _serve(workdir: str):
  from pose_action.inference.predictor import Predictor

  # The model is the same in all cases, and is not what they attack.
  Predictor.from_workdir = functools.cache(Predictor.from_workdir)
  _warm_up(workdir)
  for case in json.loads(sys.stdin.read()):
    faulthandler.dump_traceback_later(_WAIT, exit=True)
    outcome = _outcome([case[0], f'--workdir={workdir}', *case[1:]])
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(dataclasses.asdict(outcome)), flush=True)


def _warm_up(workdir: str):
  """Predicts on a sound clip, so that imports and compilation are paid once."""
  with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder) / 'sound.pkl'
    path.write_bytes(pickle.dumps([annotation()]))
    for verb in ('predict', 'visualize'):
      flags = [f'--workdir={workdir}', f'--poses={path}', '--format=pyskl']
      outcome = _outcome([verb, *flags], limit=None)
      assert not (outcome.error or outcome.fault), outcome


def _outcome(words: list[str], limit: int | None = MEMORY) -> Outcome:
  from pose_action.cli.launch import program

  pathlib.Path('/proc/self/clear_refs').write_text('5')  # The peak starts again.
  before, start = memory_of('VmRSS'), processor_seconds()
  if limit is not None:
    most = memory_of('VmSize') + limit
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
  printed = io.StringIO()
  fault = error = ''
  with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
    try:
      program.run(words[0], words[1:])
    except SystemExit as exit:
      lines = printed.getvalue().splitlines()
      error = '\n'.join(line for line in lines if _ERROR.match(line))
      fault = '' if error or not exit.code else 'ended without an error'
    except BaseException:
      fault = traceback.format_exc()
  seconds, memory = processor_seconds() - start, memory_of('VmHWM') - before
  if limit is not None and seconds > SECONDS:
    fault = f'took {seconds:.1f} s of the processor'
  if limit is not None and memory > limit:
    fault = f'took {memory:,} bytes'
  return Outcome(fault, error, printed.getvalue()[:20_000], seconds, memory)


def processor_seconds() -> float:
  """Returns the seconds of processor time, child processes included."""
  return sum(os.times()[:4])


def memory_of(name: str) -> int:
  for line in pathlib.Path('/proc/self/status').read_text().splitlines():
    if line.startswith(f'{name}:'):
      return int(line.split()[1]) * 1024
  raise ValueError(f'no {name}')


if __name__ == '__main__':
  _serve(sys.argv[1])
