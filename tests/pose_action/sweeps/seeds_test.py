"""A series of seeds: which commands run, and what ends the series."""

import json
import os
import signal
import sys
import threading
import time

import pytest

from pose_action.sweeps import seeds


@pytest.mark.parametrize('words', [['0'], ['2', '0', '1'], ['2147483647']])
def test_lists_of_seeds(words):
  assert seeds.parse_seeds(words) == tuple(map(int, words))


@pytest.mark.parametrize(
  ('words', 'message'),
  [
    (['0', 'one'], r"--seeds has 'one'; give whole numbers from 0 to 2147483647, sep"),
    (['-1'], r"--seeds has '-1'; give whole numbers"),
    (['1.5'], r"--seeds has '1\.5'"),
    (['0', ''], r"--seeds has ''"),
    (['2147483648'], r"--seeds has '2147483648'"),
    (['3', '1', '03'], r'--seeds has 3 twice; the same seed gives the same run'),
  ],
)
def test_bad_lists_are_refused(words, message):
  with pytest.raises(ValueError, match=message):
    seeds.parse_seeds(words)


def test_a_command_replaces_seed_and_workdir(tmp_path):
  flags = ['--config=demo', '--workdir=W', '--seeds=4,5', '--config.train.epochs=1']
  python, *arguments = seeds.command(flags, tmp_path, 5)
  assert python == sys.executable
  assert arguments == [
    *('-P', '-m', 'pose_action', 'train', *flags),
    *(f'--workdir={tmp_path}/seed5', '--config.seed=5', '--seeds='),
  ]


@pytest.fixture
def programs(monkeypatch, tmp_path):
  """Sets the Python program that stands for each seed's run."""

  def set_programs(by_seed):
    def command(flags, workdir, seed):
      code = f'seed = {seed}; folder = {str(workdir)!r}\n{by_seed[seed]}'
      return [sys.executable, '-c', code]

    monkeypatch.setattr(seeds, 'command', command)

  return set_programs


_DONE = "open(f'{folder}/ran{seed}', 'w').close()"


def _ran(folder):
  return sorted(path.name for path in folder.glob('ran*'))


def test_seeds_run_in_their_order(programs, tmp_path, capfd):
  programs({2: 'print(seed, flush=True)', 0: 'print(seed, flush=True)'})
  assert seeds.train_seeds([], tmp_path, (2, 0)) == 0
  assert capfd.readouterr().out.splitlines() == [
    f'seed 2 (1 of 2): {tmp_path}/seed2',
    '2',
    f'seed 0 (2 of 2): {tmp_path}/seed0',
    '0',
  ]


def test_a_failure_ends_the_series(programs, tmp_path, capfd):
  programs({0: _DONE, 1: 'raise SystemExit(3)', 2: _DONE})
  assert seeds.train_seeds([], tmp_path, (0, 1, 2)) == 3
  assert _ran(tmp_path) == ['ran0']
  assert 'seed 1 ended with exit status 3; the same command' in capfd.readouterr().err


def test_a_killed_run_ends_the_series(programs, tmp_path):
  programs({0: 'import os; os.kill(os.getpid(), 9)', 1: _DONE})
  assert seeds.train_seeds([], tmp_path, (0, 1)) == 137
  assert not _ran(tmp_path)


_STOPS = """
import signal, sys, time
def stop(number, frame):
  open(f'{folder}/stopped{number}', 'a').write('x')
  time.sleep(0.2)  # A second signal would be seen.
  sys.exit(status)
for number in (signal.SIGINT, signal.SIGTERM):
  signal.signal(number, stop)
open(f'{folder}/ready', 'w').close()
time.sleep(60)
"""


def _signal_once_ready(folder, number):
  while not (folder / 'ready').exists():
    time.sleep(0.02)
  os.kill(os.getpid(), number)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('saves', [True, False])
def test_a_signal_reaches_the_run_once_and_ends_the_series(
  number, saves, programs, tmp_path
):
  """With the run's status, or the signal's if the run had just succeeded."""
  status = 128 + number if saves else 0
  programs({0: f'status = {status}\n{_STOPS}', 1: _DONE})
  before = signal.getsignal(number)
  thread = threading.Thread(target=_signal_once_ready, args=(tmp_path, number))
  thread.start()
  try:
    assert seeds.train_seeds([], tmp_path, (0, 1)) == 128 + number
  finally:
    thread.join()
  assert (tmp_path / f'stopped{int(number)}').read_text() == 'x'
  assert not _ran(tmp_path)
  assert signal.getsignal(number) is before


def test_the_summary_is_written(tmp_path):
  for seed, accuracy in ((0, 0.5), (4, 0.75)):
    folder = tmp_path / f'seed{seed}'
    folder.mkdir()
    entry = {'split': 'test', 'checkpoint': 'last', 'num_clips': 4, 'views': 1}
    result = {
      'dataset': 'tiny',
      'headline': {'split': 'test', 'checkpoint': 'last'},
      'evaluations': [entry | {'accuracy': accuracy}],
    }
    (folder / 'results.json').write_text(json.dumps(result))
  summary = seeds.write_summary(tmp_path, (0, 4))
  assert json.loads((tmp_path / 'seeds.json').read_text()) == summary
  assert summary['evaluations'][0]['figures']['accuracy']['mean'] == 0.625
