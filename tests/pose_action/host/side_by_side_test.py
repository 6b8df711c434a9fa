"""Jobs in processes of their own; tests/pose_action/sweeps has more of them."""

import signal
import sys

import pytest

from pose_action.host import side_by_side
from pose_action.host.side_by_side import Job, run_jobs

WAIT = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
workdir = pathlib.Path(sys.argv[1])
(workdir / 'config.json').touch()
time.sleep(60)
"""


@pytest.fixture
def job(tmp_path):
  def make(name, code, log=True):
    workdir = tmp_path / name
    workdir.mkdir()
    arguments = ['-c', code, str(workdir)]
    return Job(name, arguments, workdir, tmp_path / f'{name}.log' if log else None)

  return make


def test_jobs_that_succeed_are_told(job, capfd):
  ended = []
  jobs = [job('a', 'print("words")', log=False), job('b', 'raise SystemExit(2)')]
  failed = run_jobs(jobs, ended=lambda one: ended.append(one.name))
  assert ended == ['a']
  assert failed == {'b': str(jobs[1].log)}
  printed = capfd.readouterr().out
  assert '\nwords\n' in printed
  assert 'done a in 0 s; left: 1 runs, about ' in printed
  assert 'FAILED b (exit status 2) after 0 s; left: 0 runs' in printed


def test_a_stop_lets_running_jobs_end_and_starts_no_other(job, capfd):
  jobs = [job('a', WAIT), job('b', 'pass')]

  def stop():
    return signal.SIGTERM if (jobs[0].workdir / 'config.json').exists() else 0

  assert run_jobs(jobs, stop=stop) == {'a': str(jobs[0].log)}
  printed = capfd.readouterr().out
  assert 'stopped a after ' in printed and '[2/2]' not in printed


def test_the_time_left_goes_by_the_ended_runs():
  assert side_by_side.time_left([60, 120], 3) == 'left: 3 runs, about 4 min 30 s'
  left = side_by_side.time_left([60, 120], 3, spent=70, at_a_time=2)
  assert left == 'left: 3 runs, about 1 min 40 s'
  assert side_by_side.time_left([10], 1, spent=99) == 'left: 1 runs, about 0 s'


def test_a_command_is_shown_as_typed():
  assert side_by_side.shown(['main.py', '--x=P Q']) == "python main.py '--x=P Q'"
  assert sys.executable not in side_by_side.shown(['main.py'])
