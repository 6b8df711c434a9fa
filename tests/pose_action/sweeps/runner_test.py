"""The runner's parts; tests/pose_action/cli/run_sweep_test.py runs whole sweeps."""

import os
import pathlib

import pytest

from configs.shared.sweep import Sweep, SweepRun
from pose_action.host import side_by_side
from pose_action.sweeps import runner

RUN = SweepRun('a', 'configs/a.py:quick', ('--config.seed=1',))


def test_a_command_names_the_program_the_run_and_its_flags(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  launch = runner.Launch(pathlib.Path('S'), ('--x=P Q',))
  flags = ['--config=configs/a.py:quick', '--workdir=S/a', '--config.seed=1', '--x=P Q']
  assert runner.command(RUN, launch) == ['-m', 'pose_action', 'train', *flags]
  (tmp_path / 'main.py').touch()
  assert runner.command(RUN, launch) == ['main.py', *flags]
  assert side_by_side.shown(runner.command(RUN, launch)).endswith(
    "--config.seed=1 '--x=P Q'"
  )


def test_runs_with_results_are_not_missing(tmp_path):
  other = SweepRun('b', 'configs/b.py')
  sweep = Sweep('jhmdb', 'quick', (RUN, other), ())
  (tmp_path / 'a').mkdir()
  assert runner.missing_runs(sweep, tmp_path) == [RUN, other]
  (tmp_path / 'a' / 'results.json').touch()
  assert runner.missing_runs(sweep, tmp_path) == [other]


def test_a_sweep_gets_the_options_after_the_colon(tmp_path):
  file = tmp_path / 'my_sweep.py'
  file.write_text('def get_sweep(arg): return f"<{arg}>"')
  assert runner.load_sweep(f'{file}:quick,folds=0') == '<quick,folds=0>'
  file.write_text('def get_config(arg): pass')
  with pytest.raises(ValueError, match=r'my_sweep\.py is not a sweep: it does not def'):
    runner.load_sweep(str(file))


def test_a_workdir_has_one_user_at_a_time(tmp_path):
  with (
    runner.sole_user(tmp_path / 'S'),
    pytest.raises(ValueError, match='another sweep is running in'),
    runner.sole_user(tmp_path / 'S'),
  ):
    pass
  with runner.sole_user(tmp_path / 'S'):
    pass


def test_failed_runs_are_returned_with_the_place_of_their_error(
  tmp_path, monkeypatch, capsys
):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'main.py').write_text('import sys; sys.exit("seed=1" in str(sys.argv))')
  runs = [RUN, SweepRun('b', 'configs/b.py')]
  launch = runner.Launch(tmp_path / 'S')
  assert runner.train_runs(runs, launch) == {'a': 'see its output above'}
  (tmp_path / 'S' / 'a').mkdir(parents=True)
  (tmp_path / 'S' / 'a' / 'error.log').touch()
  assert runner.train_runs(runs, launch) == {'a': f'{tmp_path}/S/a/error.log'}
  assert 'FAILED a (exit status 1) after ' in capsys.readouterr().out
  assert runner.train_runs([], launch) == {}


def test_side_by_side_runs_write_logs(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'S').mkdir()
  (tmp_path / 'main.py').write_text('print("words"); raise SystemExit(2)')
  launch = runner.Launch(tmp_path / 'S', jobs=2)
  assert runner.train_runs([RUN], launch) == {'a': f'{tmp_path}/S/a.log'}
  assert (tmp_path / 'S' / 'a.log').read_text() == 'words\n'


@pytest.mark.skipif(
  not hasattr(os, 'sched_setaffinity'), reason='only Linux can pin processes'
)
def test_side_by_side_runs_have_their_share_of_cores(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'S').mkdir()
  (tmp_path / 'main.py').write_text('import os; print(*os.sched_getaffinity(0))')
  before = os.sched_getaffinity(0)
  runner.train_runs([RUN], runner.Launch(tmp_path / 'S', jobs=len(before)))
  assert (tmp_path / 'S' / 'a.log').read_text() == f'{min(before)}\n'
  assert os.sched_getaffinity(0) == before
