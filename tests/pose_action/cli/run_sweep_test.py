"""A sweep from start to finish, with a stand-in for `main.py` that trains nothing."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from places import PYTHON_PATH, ROOT

from pose_action.sweeps.record import read_record
from pose_action.sweeps.table_csv import tables_csv

TOOL = ROOT / 'tools' / 'run_sweep.py'

SWEEP = """
from configs.shared import sweep

A, B = (sweep.Stream(name, f'{name}.py', (f'x={name}',)) for name in 'ab')

def get_sweep(arg=''):
  args = sweep.parse_options(arg, one_row=False)
  rows = [sweep.Row('A', {'jhmdb': 66.7}, (A,)), sweep.Row('B', {'jhmdb': 60.0}, (B,))]
  table = sweep.Table('t', 'The table', tuple(rows[: 1 if args.one_row else 2]))
  return sweep.make_sweep([table], args, dataset='jhmdb', notes=('some are left out',))
"""
# Logs its flags and cores, takes a while to open its data, and writes results; the files
# hang, fail and slow in its workdir make it do so.
MAIN = """
import json, os, pathlib, sys, time
flags = [arg for arg in sys.argv[1:] if arg != 'train']
config, workdir, *others = (arg.partition('=')[2] for arg in flags)
workdir = pathlib.Path(workdir)
workdir.mkdir(parents=True, exist_ok=True)
with open('calls.txt', 'a') as calls:
  print(workdir.name, config, *others, file=calls)
with open('opening.txt', 'a') as opening:
  print('open', len(os.sched_getaffinity(0)), file=opening, flush=True)
  time.sleep(0.1)
  print('opened', file=opening, flush=True)
(workdir / 'config.json').write_text('{}')
print('words of', workdir.name)
if (workdir / 'hang').exists():
  (workdir / 'hanging').write_text(str(os.getpid()))
  time.sleep(60)
if (workdir / 'fail').exists():
  (workdir / 'error.log').write_text('why')
  sys.exit(3)
if (workdir / 'slow').exists():
  time.sleep(2)
of = {'split': 'test', 'checkpoint': 'last'}
accuracy = {'a_fold0': 0.5, 'a_fold1': 0.6}.get(workdir.name, 0.7)
entry = {**of, 'accuracy': accuracy, 'mean_class_accuracy': accuracy / 2}
results = {'headline': of, 'evaluations': [entry]}
(workdir / 'results.json').write_text(json.dumps(results))
"""


@pytest.fixture
def checkout(tmp_path):
  (tmp_path / 'main.py').write_text(MAIN)
  (tmp_path / 'tiny_sweep.py').write_text(SWEEP)
  return tmp_path


def start(folder, *args):
  return subprocess.Popen(
    [sys.executable, str(TOOL), '--workdir=S', *args],
    cwd=folder,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def run(folder, *args):
  process = start(folder, *args)
  stdout, stderr = process.communicate(timeout=100)
  return subprocess.CompletedProcess(args, process.returncode, stdout, stderr)


def mark(folder, name, what):
  (folder / 'S' / name).mkdir(parents=True)
  (folder / 'S' / name / what).touch()


def calls(folder):
  return (folder / 'calls.txt').read_text().splitlines()


def test_a_failed_run_does_not_stop_the_rest_and_only_it_is_run_again(checkout):
  mark(checkout, 'a_fold1', 'fail')
  asked = '--config=tiny_sweep.py:quick,development,folds=0+1'
  done = run(checkout, asked, '--', '--config.data.poses=P')
  assert done.returncode == 1
  assert 'error: 1 of 4 runs failed:\n  a_fold1: S/a_fold1/error.log' in done.stderr
  assert calls(checkout) == [
    'a_fold0 configs/a.py:quick,fold=0,test=false,x=a P',
    'a_fold1 configs/a.py:quick,fold=1,test=false,x=a P',
    'b_fold0 configs/b.py:quick,fold=0,test=false,x=b P',
    'b_fold1 configs/b.py:quick,fold=1,test=false,x=b P',
  ]
  assert done.stdout.startswith('note: some are left out\nto do: 4 of 4 runs\n')
  assert '[2/4] python main.py --config=configs/a.py:quick,fold=1' in done.stdout
  assert 'words of a_fold0' in done.stdout
  assert 'FAILED a_fold1 (exit status 3) after' in done.stdout
  assert '; left: 2 runs, about ' in done.stdout
  assert '; left: 0 runs, about 0 s' in done.stdout
  assert '### The table' in done.stdout
  assert '| A | 50.0 | 25.0 | 1 of 2 | 66.7 |' in done.stdout
  assert '| B | 70.0 ± 0.0 | 35.0 ± 0.0 | 2 of 2 | 60.0 |' in done.stdout

  (checkout / 'S' / 'a_fold1' / 'fail').unlink()
  again = run(checkout, asked, '--', '--config.data.poses=P')
  assert again.returncode == 0, again.stderr
  assert calls(checkout)[4:] == ['a_fold1 configs/a.py:quick,fold=1,test=false,x=a P']
  assert 'to do: 1 of 4 runs' in again.stdout
  # √((5² + 5²) / (2 - 1))
  assert '| A | 55.0 ± 7.1 | 27.5 ± 3.5 | 2 of 2 | 66.7 |' in again.stdout
  assert 'pairs in the same order: 0 of 1' in again.stdout


def test_two_runs_train_at_a_time_but_open_their_data_in_turn(checkout):
  mark(checkout, 'a', 'slow')
  mark(checkout, 'b', 'fail')
  done = run(checkout, '--config=tiny_sweep.py:seeds=0+1', '--jobs=2')
  assert done.returncode == 1
  assert 'error: 1 of 4 runs failed:\n  b: S/b.log' in done.stderr
  assert (checkout / 'S' / 'b.log').read_text() == 'words of b\n'
  assert 'words of' not in done.stdout
  assert '> S/a_seed1.log\n' in done.stdout
  assert 'done a in' in done.stdout
  assert {line.split()[0] for line in calls(checkout)} == {
    *('a', 'a_seed1', 'b', 'b_seed1')
  }
  lines = done.stdout.splitlines()
  second = next(i for i, line in enumerate(lines) if line.startswith('[2/4]'))
  assert second < next(i for i, line in enumerate(lines) if line.startswith('done'))
  opening = (checkout / 'opening.txt').read_text().split()
  cores = len(os.sched_getaffinity(0))
  halves = {max(cores // 2, 1), (cores + 1) // 2}
  for i in range(0, len(opening), 3):
    assert (opening[i], opening[i + 2]) == ('open', 'opened')
    assert int(opening[i + 1]) in halves


def test_seeds_become_flags_and_the_default_seed_shows_nowhere(checkout):
  done = run(checkout, '--config=tiny_sweep.py:one_row,seeds=0+2', '--', '--x=P')
  assert done.returncode == 0, done.stderr
  assert calls(checkout) == ['a configs/a.py:x=a P', 'a_seed2 configs/a.py:x=a 2 P']


def test_a_later_sweep_adds_its_rows_and_runs(checkout):
  for arg in ('one_row', 'seeds=0+1', 'one_row'):
    done = run(checkout, f'--config=tiny_sweep.py:{arg}')
    assert done.returncode == 0, done.stderr
  assert [line.split()[0] for line in calls(checkout)] == [
    'a',
    'a_seed1',
    'b',
    'b_seed1',
  ]
  assert '| B | 70.0 ± 0.0 | 35.0 ± 0.0 | 2 of 2 | 60.0 |' in done.stdout
  record = json.loads((checkout / 'S' / 'sweep.json').read_text())
  assert record['tables'][0]['rows'][0] == {
    'title': 'A',
    'paper': {'jhmdb': 66.7},
    'samples': [['a'], ['a_seed1']],
  }


def test_a_sweep_over_ava_shows_rows_without_a_figure(checkout):
  """AVA's results hold the mAP of boxes, which papers do not report."""
  (checkout / 'ava_sweep.py').write_text(SWEEP.replace("'jhmdb'", "'ava'"))
  figures = "'accuracy': accuracy, 'mean_class_accuracy': accuracy / 2"
  (checkout / 'main.py').write_text(MAIN.replace(figures, "'box_mAP': accuracy"))
  done = run(checkout, '--config=ava_sweep.py')
  assert done.returncode == 0, done.stderr
  assert '| A | no figure | – | 1 of 1 | 66.7 |' in done.stdout
  assert '| B | no figure | – | 1 of 1 | 60.0 |' in done.stdout
  assert 'No figure for A, B: their results hold none that compares' in done.stdout
  assert 'order of rows' not in done.stdout
  record = read_record(checkout / 'S')
  first, *_ = csv.DictReader(io.StringIO(tables_csv(record, checkout / 'S').decode()))
  assert (first['metric'], first['mean'], first['done']) == ('', '', '1')
  assert first['figures'] == '–'


def test_a_sweep_of_another_setting_needs_another_workdir(checkout):
  assert run(checkout, '--config=tiny_sweep.py:one_row').returncode == 0
  done = run(checkout, '--config=tiny_sweep.py:quick')
  assert done.returncode == 1
  assert (
    'holds a sweep on jhmdb, official split, but this one is on jhmdb, quick'
    in done.stderr
  )
  assert len(calls(checkout)) == 1


def test_other_flags_after_the_dashes_need_another_workdir(checkout):
  asked = '--config=tiny_sweep.py:one_row', '--', '--config.train.epochs=3'
  assert run(checkout, *asked).returncode == 0
  record = json.loads((checkout / 'S' / 'sweep.json').read_text())
  assert record['runs'][0]['extra_flags'] == ['--config.train.epochs=3']
  done = run(checkout, '--config=tiny_sweep.py', '--', '--config.train.epochs=9')
  assert done.returncode == 1
  (said,) = done.stderr.splitlines()
  assert 'a run a with the flags --config.train.epochs=3 after --, but this' in said
  assert len(calls(checkout)) == 1


def test_a_dry_run_prints_the_missing_commands_and_does_nothing(checkout):
  done = run(checkout, '--config=tiny_sweep.py:seeds=3', '--dry_run', '--', '--x=P Q')
  assert done.returncode == 0, done.stderr
  assert done.stdout.splitlines()[1:] == [
    'to do: 2 of 2 runs',
    *(
      f'python main.py --config=configs/{r}.py:x={r} --workdir=S/{r}_seed3'
      " --config.seed=3 '--x=P Q'"
      for r in 'ab'
    ),
  ]
  assert not (checkout / 'S').exists()


def wait_for(file):
  until = time.monotonic() + 60
  while not (file.exists() and file.read_text()):
    assert time.monotonic() < until, f'{file} was not written'
    time.sleep(0.05)


def test_when_terminated_it_ends_its_runs_and_it_locks_its_workdir(checkout):
  mark(checkout, 'a', 'hang')
  process = start(checkout, '--config=tiny_sweep.py')
  wait_for(checkout / 'S' / 'a' / 'hanging')
  second = run(checkout, '--config=tiny_sweep.py')
  assert second.returncode == 1
  assert 'error: another sweep is running in S; wait until' in second.stderr
  process.send_signal(signal.SIGTERM)
  process.communicate(timeout=60)
  assert process.returncode == 143
  with pytest.raises(ProcessLookupError):
    os.kill(int((checkout / 'S' / 'a' / 'hanging').read_text()), 0)


def test_an_experiment_is_not_a_sweep(checkout):
  (checkout / 'experiment.py').write_text('def get_config(arg): pass')
  done = run(checkout, '--config=experiment.py')
  assert done.returncode == 1
  assert (
    'error: experiment.py is not a sweep: it does not define get_sweep' in done.stderr
  )


def test_a_mistyped_option_is_refused(checkout):
  sweep = ROOT / 'configs' / 'jmrn_table1_sweep.py'
  done = run(checkout, f'--config={sweep}:qick')
  assert done.returncode == 1
  assert "error: config string gives 'qick'" in done.stderr


def test_in_a_folder_without_main_py_the_package_trains_the_runs(checkout):
  # A package in the current folder stands in for the installed one.
  (checkout / 'pose_action').mkdir()
  (checkout / 'pose_action' / '__init__.py').touch()
  (checkout / 'main.py').rename(checkout / 'pose_action' / '__main__.py')
  done = run(checkout, '--config=tiny_sweep.py:one_row', '--', '--x=P')
  assert done.returncode == 0, done.stderr
  assert calls(checkout) == ['a configs/a.py:x=a P']
  command = 'python -m pose_action train --config=configs/a.py:x=a --workdir=S/a --x=P'
  assert f'[1/1] {command}\n' in done.stdout


def test_a_shipped_sweep_is_found_by_name(tmp_path):
  done = run(tmp_path, '--config=jmrn_table1_sweep:small,development', '--dry_run')
  assert done.returncode == 0, done.stderr
  assert 'python -m pose_action train --config=configs/jmrn_jhmdb.py:' in done.stdout
  done = run(tmp_path, '--config=jmrn_table2_sweep')
  assert done.returncode == 1
  assert "there is no config file 'jmrn_table2_sweep'; did you mean" in done.stderr
