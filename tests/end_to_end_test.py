"""Whole runs as processes: killed and resumed, as two processes, without TensorBoard."""

import random
import re
import signal
import socket
import time

import numpy as np
import pytest
import tiny_run
from process_runs import LAST_STEP, Runs, logged_step, names

# The training program with a first step that compiles for minutes, as one operation in C.
_COMPILES_LONG = """
import hashlib, sys
from pose_action.cli.launch import program
from pose_action.training.program import Program

def step_function(self, step):
  return lambda *_: hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)

Program.step_function = step_function
program.run('train', sys.argv[1:])
"""


@pytest.fixture(scope='module')
def runs(tmp_path_factory):
  return Runs(tmp_path_factory.mktemp('runs'))


@pytest.fixture(scope='module')
def whole(runs):
  """The name of an uninterrupted run."""
  runs.finish(runs.start('whole'), name='whole')
  return 'whole'


def test_a_run_without_tensorboard_completes_and_says_so_once(runs, whole):
  log = runs.log(whole)
  assert log.count('No TensorBoard events, only metrics.jsonl') == 1
  assert "pip install 'pose-action-jax[tensorboard]'" in log
  assert f'step {LAST_STEP}/{LAST_STEP}' in log
  found = names(runs.folder / whole)
  assert {'results.json', 'metrics.jsonl', 'confusion_matrix.png'} <= found
  assert not any(name.startswith('events') for name in found)


def test_killed_and_resumed_is_as_never_killed(runs, whole):
  moments = random.Random(0)
  workdir = runs.folder / 'killed'
  for step in (1, moments.randint(4, 13)):
    process = runs.start('killed')
    _wait_for_step(workdir, step, process)
    time.sleep(moments.uniform(0, 0.1))  # Anywhere in a step, a log or a save.
    process.kill()
    assert process.wait() == -signal.SIGKILL, runs.log('killed')
    assert not (workdir / 'results.json').exists()
  runs.finish(runs.start('killed'), name='killed')

  assert 'resuming from step' in runs.log('killed')
  assert tiny_run.metrics_without_speeds(workdir) == tiny_run.metrics_without_speeds(
    runs.folder / whole
  )
  assert runs.saved_bits('killed') == runs.saved_bits(whole)
  assert runs.figures('killed') == runs.figures(whole)
  np.testing.assert_array_equal(runs.scores('killed'), runs.scores(whole))
  assert names(workdir / 'checkpoints') == names(runs.folder / whole / 'checkpoints')


# The regrouped job below gets SIGTERM.
@pytest.mark.parametrize(
  'number',
  [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)],
)
def test_stopped_and_resumed_is_as_never_stopped(number, runs, whole):
  name = f'stopped_{number.name}'
  workdir = runs.folder / name
  process = runs.start(name)
  _wait_for_step(workdir, 2, process)
  process.send_signal(number)
  runs.finish(process, name=name, status=128 + number)
  log = runs.log(name)
  (step,) = re.findall(r'^stopped at step (\d+); the same command resumes$', log, re.M)
  assert log.endswith('the same command resumes\n')
  assert 'Traceback' not in log
  assert (workdir / 'checkpoints' / step).is_dir()
  if number == signal.SIGINT:
    _stop_in_a_compilation(number, runs, name, step)
  runs.finish(runs.start(name), name=name)

  assert f'resuming from step {step} of {LAST_STEP}' in runs.log(name)
  assert tiny_run.metrics_without_speeds(workdir) == tiny_run.metrics_without_speeds(
    runs.folder / whole
  )
  assert runs.saved_bits(name) == runs.saved_bits(whole)
  assert runs.figures(name) == runs.figures(whole)


def _stop_in_a_compilation(number, runs, name, step):
  process = runs.start(name, program=('-c', _COMPILES_LONG))
  while 'resuming from step' not in runs.log(name) and process.poll() is None:
    time.sleep(0.05)
  time.sleep(1)
  process.send_signal(number)
  sent = time.monotonic()
  runs.finish(process, name=name, status=128 + number)
  assert time.monotonic() - sent < 5
  log = runs.log(name)
  assert log.endswith(f'\nstopped at step {step}; the same command resumes\n')
  assert log.count('the same command resumes') == 2
  assert 'Traceback' not in log
  assert 'run.lock' not in names(runs.folder / name)


def _wait_for_step(workdir, step, process):
  while logged_step(workdir) < step and process.poll() is None:
    time.sleep(0.005)


def _free_port():
  with socket.socket() as listener:
    listener.bind(('localhost', 0))
    return listener.getsockname()[1]


def _start_two(runs, name):
  job = {
    'JAX_COORDINATOR_ADDRESS': f'localhost:{_free_port()}',
    'JAX_NUM_PROCESSES': '2',
  }
  return [runs.start(name, JAX_PROCESS_ID=str(rank), **job) for rank in (0, 1)]


@pytest.mark.parametrize(
  'back', [False, pytest.param(True, marks=pytest.mark.long)], ids=['once', 'twice']
)
def test_a_stopped_job_resumes_with_another_number_of_processes(back, runs, whole):
  """Two processes, of which the second gets SIGTERM; then one; at last two again."""
  name = 'regrouped_twice' if back else 'regrouped'
  processes = _start_two(runs, name)
  _wait_for_step(runs.folder / name, 2, processes[0])
  processes[1].send_signal(signal.SIGTERM)
  runs.finish(*processes, name=name, status=143)
  if back:
    process = runs.start(name)
    _wait_for_step(runs.folder / name, 8, process)
    process.send_signal(signal.SIGTERM)
    runs.finish(process, name=name, status=143)
  log = runs.log(name)
  assert log.count('the same command resumes') == 1 + back  # Process 0 says so for all.
  assert 'Traceback' not in log
  runs.finish(*(_start_two(runs, name) if back else [runs.start(name)]), name=name)
  _check_job(runs, whole, name)


@pytest.mark.long
def test_two_processes_train_as_one(runs, whole):
  runs.finish(*_start_two(runs, 'job'), name='job')
  _check_job(runs, whole, 'job')


def _check_job(runs, whole, name):
  """A job that two processes began is the same as a run of one."""
  assert 'on 2 device(s)' in runs.log(name)
  lines = tiny_run.metrics_without_speeds(runs.folder / name)
  alone = tiny_run.metrics_without_speeds(runs.folder / whole)
  assert [(line['step'], line.keys()) for line in lines] == [
    (line['step'], line.keys()) for line in alone
  ]
  np.testing.assert_allclose(lines[0]['train/loss'], alone[0]['train/loss'], rtol=1e-5)
  for line, wanted in zip(
    lines, alone, strict=True
  ):  # Rounding errors grow with each step.
    for key in line.keys() & {'train/loss', 'validation/loss'}:
      np.testing.assert_allclose(line[key], wanted[key], rtol=1e-3, err_msg=str(line))
  np.testing.assert_allclose(runs.scores(name), runs.scores(whole), atol=1e-3)
  assert names(runs.folder / name) == names(runs.folder / whole)
  # Only process 0 prints.
  assert 'step 2/' in runs.log_file(name, 0).read_text()
  assert 'step 2/' not in runs.log_file(name, 1).read_text()
