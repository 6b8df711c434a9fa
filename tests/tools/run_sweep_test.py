"""A sweep from end to end, with a stand-in for `main.py` that trains nothing."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
TOOL = ROOT / 'tools' / 'run_sweep.py'

SWEEP = """
from configs.sweep import SweepRun

def get_sweep(arg=''):
  accuracies = {'a_fold0': 0.5, 'a_fold1': 0.6, 'b': 0.7}
  return tuple(
    SweepRun(name, f'configs/x.py:{accuracy},{arg}', name[0].upper(), 66.7)
    for name, accuracy in accuracies.items()
  )
"""
# Notes its flags; fails where its workdir has a file that says so; else writes results.
MAIN = """
import json, pathlib, sys
config, workdir, *others = (arg.partition('=')[2] for arg in sys.argv[1:])
workdir = pathlib.Path(workdir)
workdir.mkdir(parents=True, exist_ok=True)
with open('calls.txt', 'a') as calls:
  print(workdir.name, config, *others, file=calls)
if (workdir / 'fail').exists():
  sys.exit(3)
of = {'split': 'test', 'checkpoint': 'last'}
accuracy = float(config.partition(':')[2].partition(',')[0])
results = {'headline': of, 'evaluations': [{**of, 'accuracy': accuracy}]}
(workdir / 'results.json').write_text(json.dumps(results))
"""


@pytest.fixture
def checkout(tmp_path):
  (tmp_path / 'main.py').write_text(MAIN)
  (tmp_path / 'tiny_sweep.py').write_text(SWEEP)
  return tmp_path


def run(folder, *args):
  return subprocess.run(
    [sys.executable, str(TOOL), '--workdir=S', *args],
    cwd=folder,
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
    check=False,
  )


def calls(folder):
  return (folder / 'calls.txt').read_text().splitlines()


def test_a_failed_run_is_named_the_others_go_on_and_only_it_is_run_again(checkout):
  (checkout / 'S' / 'a_fold1').mkdir(parents=True)
  (checkout / 'S' / 'a_fold1' / 'fail').touch()
  done = run(checkout, '--config=tiny_sweep.py:quick', '--', '--config.data.poses=P')
  assert done.returncode == 1
  assert 'error: 1 of 3 runs failed: a_fold1' in done.stderr
  assert calls(checkout) == [
    'a_fold0 configs/x.py:0.5,quick P',
    'a_fold1 configs/x.py:0.6,quick P',
    'b configs/x.py:0.7,quick P',
  ]
  assert 'to do: 3 of 3 runs' in done.stdout
  assert '[2/3] python main.py --config=configs/x.py:0.6,quick' in done.stdout
  assert 'left: 1 runs, about 0 min' in done.stdout
  assert done.stdout.splitlines()[-2:] == [
    '| A | 50.0 | 1 of 2 | 66.70 |',
    '| B | 70.0 | 1 of 1 | 66.70 |',
  ]

  (checkout / 'S' / 'a_fold1' / 'fail').unlink()
  again = run(checkout, '--config=tiny_sweep.py:quick')
  assert again.returncode == 0, again.stderr
  assert calls(checkout)[3:] == ['a_fold1 configs/x.py:0.6,quick']
  assert 'to do: 1 of 3 runs' in again.stdout
  # √((5² + 5²) / (2 - 1))
  assert '| A | 55.0 ± 7.1 | 2 of 2 | 66.70 |' in again.stdout


def test_an_experiment_is_no_sweep(checkout):
  (checkout / 'experiment.py').write_text('def get_config(arg): pass')
  done = run(checkout, '--config=experiment.py')
  assert done.returncode == 1
  assert 'error: experiment.py is no sweep: it has no get_sweep; take' in done.stderr


def test_a_mistyped_option_is_refused(checkout):
  sweep = ROOT / 'configs' / 'jmrn_table1_sweep.py'
  done = run(checkout, f'--config={sweep}:qick')
  assert done.returncode == 1
  assert "error: config string gives 'qick'" in done.stderr


def test_it_runs_where_main_is(checkout):
  (checkout / 'main.py').unlink()
  done = run(checkout, '--config=tiny_sweep.py')
  assert done.returncode == 1
  assert 'error: there is no main.py in' in done.stderr
