"""Many trainings and exports, killed or stopped at random moments, and run again.

The short form, two of each, is in the long suite; POSE_ACTION_KILLS=N kills N trainings,
and N * 12 / 31 exports.
"""

import hashlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest
import tiny_run
from places import PYTHON_PATH, ROOT
from process_runs import Runs, names

pytestmark = pytest.mark.long

_KILLS = int(os.environ.get('POSE_ACTION_KILLS', '2'))
_EXPORTS = max(2, _KILLS * 12 // 31)
_WAIT = 1200.0  # Seconds for a run on a busy machine.

_EXPORT = """
import sys, tiny_run
tiny_run.export(sys.argv[1], sys.argv[2])
"""


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
  return Runs(tmp_path_factory.mktemp('runs'))


@pytest.fixture(scope='module')
def whole(runs):
  """What an undisturbed run leaves, and the processor's seconds in its workdir."""
  runs.finish(runs.start('warm'), name='warm', seconds=_WAIT)  # Fills the cache.
  process = runs.start('whole')
  seconds = _seconds_in(runs.folder / 'whole', process)
  runs.finish(process, name='whole', seconds=_WAIT)
  return _left(runs, 'whole'), seconds


def _seconds_in(folder, process, most=float('inf'), end=None):
  """Seconds of the processor that a process takes after it has made a folder.

  Other programs change how long a run takes, but not these seconds.

  Args:
    most: returns as soon as it has taken these.
    end: returns as soon as this exists, too.
  """
  first = taken = 0.0
  while (now := _processor_seconds(process.pid)) is not None:
    if folder.exists():
      first = first or now
      taken = now - first
      if taken >= most or (end is not None and end.exists()):
        break
    time.sleep(0.005)
  return taken


def _processor_seconds(pid):
  """None if the process has ended."""
  try:
    fields = pathlib.Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
  except (FileNotFoundError, ProcessLookupError):
    return None
  if fields[0] == 'Z':
    return None
  return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _left(runs, name):
  """What must be equal: parameters, optimizer, metrics, figures, scores, names."""
  workdir = runs.folder / name
  return {
    'metrics': tiny_run.metrics_without_speeds(workdir),
    'figures': runs.figures(name),
    'scores': runs.scores(name).tobytes(),
    'files': names(workdir),
    'checkpoints': names(workdir / 'checkpoints'),
    'state': runs.saved_bits(name),
  }


def _stopped(runs, name, number, moment, environment):
  """Starts a run and sends a signal at a moment; False if the run ended before."""
  process = runs.start(name, **environment)
  _seconds_in(runs.folder / name, process, moment)
  process.send_signal(number)
  code = process.wait(timeout=_WAIT)
  if code == 0:
    return False
  killed = -signal.SIGKILL if number == signal.SIGKILL else 128 + number
  assert code == killed, runs.log(name)
  return True


def _place(runs, name):
  """Where a stopped run was, in words, for the report."""
  lines = [line for line in runs.log(name).splitlines() if line]
  checkpoints = runs.folder / name / 'checkpoints'
  found = sorted(path.name for path in checkpoints.glob('*'))
  return f'{lines[-1][:50] if lines else "nothing"!r}, checkpoints {found}'


def _check_resumed(runs, whole, name, number, part, **environment):
  """Stops a run in a part (0 to 1) of its time, resumes and compares it."""
  wanted, seconds = whole
  for attempt in range(20):
    tried = f'{name}_{attempt}'
    if _stopped(runs, tried, number, part * 0.9**attempt * seconds, environment):
      break
  else:
    raise AssertionError('runs end before their signal')
  print(f'{name}: {number.name} at {_place(runs, tried)}', flush=True)
  runs.finish(runs.start(tried, **environment), name=tried, seconds=_WAIT)
  found = _left(runs, tried)
  for part_of_it in wanted:
    assert found[part_of_it] == wanted[part_of_it], (part_of_it, runs.log(tried))


@pytest.mark.parametrize('number', range(_KILLS))
def test_a_killed_training(number, runs, whole, tmp_path):
  """Every fifth compiles, so that its time is that of compilations."""
  part = (number + random.Random(number).random()) / _KILLS
  own_cache = {} if number % 5 else {'JAX_COMPILATION_CACHE_DIR': str(tmp_path)}
  name = f'killed_{number}' + '_compiling' * bool(own_cache)
  _check_resumed(runs, whole, name, signal.SIGKILL, part, **own_cache)


@pytest.mark.parametrize(
  ('number', 'name'),
  list(enumerate(['SIGINT', 'SIGINT', 'SIGTERM'])),
  ids=['SIGINT_0', 'SIGINT_1', 'SIGTERM'],
)
def test_a_stopped_training(number, name, runs, whole):
  part = (number + random.Random(100 + number).random()) / 3
  _check_resumed(runs, whole, f'stopped_{number}', signal.Signals[name], part)


def _export(folder, representation):
  return subprocess.Popen(
    [sys.executable, '-c', _EXPORT, str(folder), representation],
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'JAX_PLATFORMS': 'cpu'},
  )


def _bytes(folder):
  return {
    str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
    for path in folder.rglob('*')
    if path.is_file()
  }


@pytest.fixture(scope='module', params=['keypoints', 'heatmaps'])
def exported(request, tmp_path_factory):
  """A representation, the files of an undisturbed export, and its seconds."""
  folder = tmp_path_factory.mktemp('exported') / 'data'
  assert _export(folder, request.param).wait() == 0  # Compiles.
  tried = folder.with_name('again')
  process = _export(tried, request.param)
  seconds = _seconds_in(tried, process, end=tried / 'tiny')  # Then it only ends.
  assert process.wait() == 0
  assert _bytes(tried) == _bytes(folder)
  return request.param, _bytes(folder), seconds


@pytest.mark.parametrize('number', range(-(-_EXPORTS // 2)))
def test_a_killed_export(number, exported, tmp_path):
  representation, wanted, seconds = exported
  part = (number + random.Random(200 + number).random()) / -(-_EXPORTS // 2)
  for attempt in range(20):
    folder = tmp_path / str(attempt)
    process = _export(folder, representation)
    _seconds_in(folder, process, part * 0.9**attempt * seconds)
    process.kill()
    if process.wait() == -signal.SIGKILL:
      break
  else:
    raise AssertionError('exports end before their signal')
  left = sorted(path.relative_to(folder).parts[0] for path in folder.glob('*'))
  print(f'{representation} {number}: killed with {left}, {len(_bytes(folder))} files')

  was_done = (folder / 'tiny').exists()  # Then another export is refused.
  assert (_export(folder, representation).wait() == 0) != was_done
  assert _bytes(folder) == wanted
  assert names(folder) == {'tiny'}
