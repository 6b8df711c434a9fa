"""Opens pose files in processes with limits, each as a program opens them.

`outcomes` starts this file as a process that imports the library once, and forks for
each case: so a crash, a hang or a large array ends only its own case.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import importlib
import io
import json
import os
import pathlib
import pickle
import resource
import select
import signal
import subprocess
import sys
import tempfile
import traceback

from hostile_files import annotation
from mutated_files import read_damaged
from places import PYTHON_PATH, ROOT

SECONDS = 5.0  # Of the processor, as other programs may share it.
_WAIT = 60.0
MEMORY = 1 << 30
_IMPORTED = (
  'input_pipeline.annotations.training_windows',
  'input_pipeline.export.export',
  'pose_action.cli.export_dataset',
  'pose_action.cli.label_dataset',
  'pose_action.extraction.relabel',
)


@dataclasses.dataclass(frozen=True)
class Outcome:
  """How a case ended.

  Attributes:
    fault: what must not happen, such as 'killed by SIGSEGV'; '' if nothing.
    error: the message of the error that the case ended with; '' if it succeeded.
    printed: what it printed.
    seconds: how long it used the processor.
    memory: bytes that it took beyond the library's own.
  """

  fault: str
  error: str
  printed: str
  seconds: float
  memory: int


def outcomes(cases: list[list[str]]) -> list[Outcome]:
  """Runs cases: `read FORMAT PATH SKELETON`, `skeleton PATH`,
  `fuzz FOLDER NAME SEED COUNT`, or a command's words.

  Commands are those of `pose-action`, such as `validate --format=pyskl --poses=a.pkl`.
  """
  run = subprocess.run(
    [sys.executable, __file__],
    input=json.dumps(cases),
    capture_output=True,
    text=True,
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'JAX_PLATFORMS': 'cpu'},
  )
  assert run.returncode == 0, run.stderr
  return [Outcome(**fields) for fields in json.loads(run.stdout.splitlines()[-1])]


def _serve():
  _warm_up()
  cases = json.loads(sys.stdin.read())
  print(json.dumps([dataclasses.asdict(_outcome(case)) for case in cases]))


def _warm_up():
  """Opens a sound file, so that imports are paid once.

  Exports nothing, because threads of the writer do not survive a fork.
  """
  for name in _IMPORTED:
    importlib.import_module(name)
  for name in ('defusedxml.ElementTree', 'pympi.Elan'):  # Of the extra `elan`.
    with contextlib.suppress(ImportError):
      importlib.import_module(name)
  with (
    tempfile.TemporaryDirectory() as folder,
    contextlib.redirect_stdout(io.StringIO()),
    contextlib.redirect_stderr(io.StringIO()),
  ):
    path = f'{folder}/sound.pkl'
    pathlib.Path(path).write_bytes(pickle.dumps([annotation()]))
    flags = [f'--poses={path}', '--format=pyskl', '--skeleton=coco_17']
    _open(['read', 'pyskl', path, 'coco_17'])
    with contextlib.suppress(SystemExit):
      _open(['validate', *flags])
  gc.freeze()  # So that forks share the memory.


def _outcome(case: list[str]) -> Outcome:
  """Runs a case in a fork of this process."""
  read_end, write_end = os.pipe()
  pid = os.fork()
  if pid == 0:
    os.close(read_end)
    _run(case, write_end)
  os.close(write_end)
  content = b''
  with os.fdopen(read_end, 'rb') as pipe:
    ready, _, _ = select.select([pipe], [], [], _WAIT)
    if ready:
      content = pipe.read()
    else:
      os.kill(pid, signal.SIGKILL)
  _, status, usage = os.wait4(pid, 0)
  seconds = usage.ru_utime + usage.ru_stime
  own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
  memory = max(0, usage.ru_maxrss - own) * 1024
  fault = '' if ready else f'took more than {_WAIT:.0f} s'
  if ready and os.WIFSIGNALED(status):
    fault = f'killed by {signal.Signals(os.WTERMSIG(status)).name}'
  fields = json.loads(content) if content else {'fault': '', 'error': '', 'printed': ''}
  if seconds > SECONDS:
    fault = f'took {seconds:.1f} s of the processor'
  if memory > MEMORY:
    fault = f'took {memory:,} bytes'
  return Outcome(
    fault or fields['fault'], fields['error'], fields['printed'], seconds, memory
  )


def _run(case: list[str], write_end: int):
  """Runs a case in this process, writes what happened, and ends."""
  if case[0] == 'fuzz':  # A sound copy, so that the libraries' memory does not count.
    _open([*case[:-1], '1'])
  size = (
    int(pathlib.Path('/proc/self/statm').read_text().split()[0])
    * resource.getpagesize()
  )
  resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, resource.RLIM_INFINITY))
  resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
  resource.setrlimit(resource.RLIMIT_CPU, (int(SECONDS) + 2, int(SECONDS) + 2))
  printed = io.StringIO()
  fault = error = ''
  with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
    try:
      _open(case)
    except SystemExit as exit:
      lines = [line for line in printed.getvalue().splitlines() if line]
      named = [line for line in lines if line.startswith('error: ')]
      error = '\n'.join(named) if exit.code else ''
      fault = '' if named or not exit.code else 'ended without an error'
    except (ValueError, ImportError) as raised:
      error = str(raised)
    except BaseException:
      fault = traceback.format_exc()
  fields = {'fault': fault, 'error': error, 'printed': printed.getvalue()[:20_000]}
  with os.fdopen(write_end, 'w') as pipe:
    json.dump(fields, pipe)
  os._exit(0)


def _open(case: list[str]):
  from input_pipeline.readers.registry import read_poses
  from input_pipeline.skeletons.registry import get_skeleton
  from pose_action.cli.launch import program

  if case[0] == 'skeleton':
    get_skeleton(case[1])
  elif case[0] == 'fuzz':
    read_damaged(pathlib.Path(case[1]), case[2], int(case[3]), int(case[4]))
  elif case[0] == 'read':
    source = read_poses(case[1], case[2], skeleton=case[3] or None)
    faults = []
    for video_id in dict.fromkeys(v for ids in source.splits.values() for v in ids):
      try:
        source.load(video_id)
      except ValueError as error:
        faults.append(str(error))
    if faults:
      raise ValueError('\n'.join(faults[:20]))
  else:
    program.run(case[0], case[1:])


if __name__ == '__main__':
  _serve()
