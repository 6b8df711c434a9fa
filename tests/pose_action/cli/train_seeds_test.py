"""`--seeds` from a user's view: refusals, two seeds from start to end, and again."""

import json
import os
import subprocess
import sys

import pytest
from places import ROOT
from program_calls import call

TINY = 'tests/support/tiny_run.py'


def _train(*flags, environment=()):
  return subprocess.run(
    [sys.executable, 'main.py', f'--config={TINY}', *flags],
    cwd=ROOT,
    env={**os.environ, 'JAX_PLATFORMS': 'cpu', 'XLA_FLAGS': '', **dict(environment)},
    capture_output=True,
    text=True,
    timeout=300,
  )


@pytest.mark.parametrize(
  ('flags', 'message'),
  [
    (['--seeds=0,x'], "error: --seeds has 'x'; give whole numbers"),
    (['--seeds=1,1'], 'error: --seeds has 1 twice'),
    (['--seeds=0,1', '--config.seed=3'], 'give --seeds or --config.seed, not both'),
    (['--seeds=0,1', '--distributed'], '--seeds works in a job of one process'),
  ],
)
@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_what_cannot_be_is_refused_in_one_line(flags, message, tmp_path):
  answer = call('train', f'--config={TINY}', f'--workdir={tmp_path}', *flags)
  assert answer.returncode == 1
  assert message in answer.stderr
  assert answer.stderr.count('\n') == 1
  assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_two_seeds_and_their_summary(data_dir, tmp_path):
  flags = [
    f'--workdir={tmp_path}',
    '--seeds=3,1',
    f'--config.data.data_dir={data_dir}',
    '--config.train.epochs=1',
  ]
  caches = {
    'JAX_COMPILATION_CACHE_DIR': str(tmp_path / 'xla'),
    'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
  }
  answer = _train(*flags, environment=caches)
  assert answer.returncode == 0, answer.stderr
  summary = json.loads((tmp_path / 'seeds.json').read_text())
  assert summary['seeds'] == [3, 1]
  for seed in (3, 1):
    results = json.loads((tmp_path / f'seed{seed}' / 'results.json').read_text())
    config = json.loads((tmp_path / f'seed{seed}' / 'config.json').read_text())
    assert config['seed'] == seed
    for entry, over_seeds in zip(
      results['evaluations'], summary['evaluations'], strict=True
    ):
      values = over_seeds['figures']['accuracy']['values']
      assert values[(3, 1).index(seed)] == entry['accuracy']
  assert 'mean ± sample standard deviation over seeds 3, 1' in answer.stdout

  only_one = [*flags, '--seeds=1', '--mode=evaluate']
  again = _train(*only_one, environment=caches)
  assert again.returncode == 0, again.stderr
  assert 'resuming' not in again.stdout
  evaluated = json.loads((tmp_path / 'seeds.json').read_text())
  assert evaluated['seeds'] == [1]
  for entry, of_both in zip(
    evaluated['evaluations'], summary['evaluations'], strict=True
  ):
    of_seed_1 = of_both['figures']['accuracy']['values'][1:]
    assert entry['figures']['accuracy']['values'] == of_seed_1
