"""Members in processes of their own, with a stand-in for main.py that trains nothing."""

import json
import pathlib
import signal
import sys

import pytest

from pose_action.ensembles import member_runs
from pose_action.ensembles.member_runs import MemberRun, train_members
from pose_action.runtime.stop_signals import StopSignals

MAIN = """
import json, pathlib, sys, time
flags = dict(arg.lstrip('-').split('=', 1) for arg in sys.argv[1:])
workdir = pathlib.Path(flags['workdir'])
config = json.loads(pathlib.Path(flags['config']).read_text())
print('mode', flags['mode'], 'seed', config['seed'])
(workdir / 'config.json').write_text('{}')
if (workdir / 'fail').exists():
  sys.exit(3)
if (workdir / 'wait').exists():
  import signal
  signal.signal(signal.SIGINT, lambda *_: sys.exit(130))
  (workdir / 'waiting').touch()
  time.sleep(60)
(workdir / 'results.json').write_text('{}')
"""


@pytest.fixture
def runs(config, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'main.py').write_text(MAIN)
  return [
    MemberRun(f'held_out/{name}', config, tmp_path / 'W' / 'held_out' / name, split)
    for name, split in (('a', 'validation'), ('b', 'validation'), ('c', ''))
  ]


def test_members_side_by_side_are_trained_once(runs, capsys):
  train_members(runs, jobs=2)
  assert [run.is_finished for run in runs] == [True] * 3
  printed = capsys.readouterr().out
  assert '[1/3] python main.py --config=' in printed
  assert 'done held_out/c in ' in printed and 'left: 0 runs' in printed
  log = runs[0].workdir.with_name('a.log')
  assert log.read_text() == 'mode train_and_evaluate seed 0\n'
  assert runs[2].workdir.with_name('c.log').read_text() == 'mode train seed 0\n'
  train_members(runs, jobs=2)
  assert capsys.readouterr().out == ''
  # Another test split is still to be predicted; so is one whose results are lost.
  other = MemberRun(runs[0].name, runs[0].config, runs[0].workdir, 'test')
  assert not other.is_finished
  (runs[1].workdir / 'results.json').unlink()
  assert not runs[1].is_finished


def test_a_failed_member_does_not_stop_the_others(runs, capsys):
  runs[0].workdir.mkdir(parents=True)
  (runs[0].workdir / 'fail').touch()
  message = (
    r'^1 of 3 members failed: held_out/a, see .*/a\.log\. The same command tries'
  )
  with pytest.raises(member_runs.MembersFailedError, match=message):
    train_members(runs, jobs=2)
  assert [run.is_finished for run in runs] == [False, True, True]
  assert 'FAILED held_out/a (exit status 3)' in capsys.readouterr().out


def test_a_signal_is_passed_on_once_and_members_end_by_themselves(
  runs, capsys, monkeypatch
):
  for run in runs[:2]:
    run.workdir.mkdir(parents=True)
    (run.workdir / 'wait').touch()

  class Signals(StopSignals):
    def poll(self):
      both = all((run.workdir / 'waiting').exists() for run in runs[:2])
      return signal.SIGINT if both else 0

  monkeypatch.setattr(member_runs, 'StopSignals', Signals)
  message = '^stopped; the same command resumes$'
  with pytest.raises(member_runs.MembersStopped, match=message) as stopped:
    train_members(runs, jobs=2)
  assert stopped.value.exit_status == 130
  printed = capsys.readouterr().out
  assert printed.count('stopped held_out/') == 2 and 'held_out/c' not in printed
  assert not any(run.is_finished for run in runs)


def test_a_broken_marker_is_no_finish(runs):
  marker = runs[2].workdir / 'finished.json'
  marker.parent.mkdir(parents=True)
  marker.write_text('{')
  assert not runs[2].is_finished
  runs[2].finish()
  assert runs[2].is_finished and json.loads(marker.read_text()) == {'split': ''}


def test_lines_begin_with_the_member(runs, capsys, monkeypatch):
  def pretend(config, workdir, *, trains, evaluates, mesh):
    print('one\ntwo')
    print('three ', end='', flush=True)
    print('four', file=sys.stdout)
    pathlib.Path(workdir).mkdir(parents=True, exist_ok=True)
    if evaluates:
      (pathlib.Path(workdir) / 'results.json').write_text('{}')

  monkeypatch.setattr(member_runs, 'train_and_evaluate', pretend)
  train_members(runs[:2])
  first, *lines, done = capsys.readouterr().out.splitlines()[:5]
  assert first == '[1/2] held_out/a'
  assert lines == ['held_out/a: one', 'held_out/a: two', 'held_out/a: three four']
  assert done.startswith('done held_out/a in ') and 'left: 1 runs' in done
