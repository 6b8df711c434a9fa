"""What a run has imported, compiled and written when its first step is done."""

import os
import re
import subprocess
import sys

import tiny_run
from places import PYTHON_PATH, ROOT

# The training program, which ends at its first log line as a kill would end it.
_TO_THE_FIRST_STEP = """
import os, sys
import jax
from pose_action.cli.launch import program
from pose_action.training.progress import TrainingProgress

hits = []
jax.monitoring.register_event_listener(
  lambda name, **_: hits.append(name) if name.endswith('/cache_hits') else None)
log = TrainingProgress.log

def first_log(self, step, figures):
  log(self, step, figures)
  print('from the cache:', len(hits))
  print('imported:', *sys.modules)
  sys.stdout.flush()
  os._exit(0)

TrainingProgress.log = first_log
program.run('train', sys.argv[1:])
"""


def _first_step(folder, name):
  done = subprocess.run(
    [
      *(sys.executable, '-c', _TO_THE_FIRST_STEP),
      '--config=tests/support/tiny_run.py',
      f'--workdir={folder / name}',
      f'--config.data.data_dir={folder / "data"}',
      '--config.train.log_every_steps=1',
    ],
    cwd=ROOT,
    env={
      **os.environ,
      'JAX_COMPILATION_CACHE_DIR': str(folder / 'xla'),
      'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS': '0',
      'PYTHONPATH': PYTHON_PATH,
      'XLA_FLAGS': '--xla_backend_optimization_level=0',  # Compiles twice as fast.
    },
    capture_output=True,
    text=True,
    timeout=300,
  )
  assert done.returncode == 0, done.stderr
  *lines, hits, imported = done.stdout.splitlines()
  (line,) = [line for line in lines if re.search(r'step 1/\d', line)]
  return line, int(hits.rpartition(' ')[2]), set(imported.split())


def test_the_first_step_comes_from_the_cache_and_needs_no_tensorflow(tmp_path):
  tiny_run.export(tmp_path / 'data')
  cold, none, _ = _first_step(tmp_path, 'cold')
  warm, hits, imported = _first_step(tmp_path, 'warm')
  assert none == 0
  assert hits >= 2  # At least the initial state and the step.
  assert warm.partition(' accuracy')[0] == cold.partition(' accuracy')[0]  # The loss.
  assert 'tensorboard.summary.writer.record_writer' in imported
  # Each takes between a fifth of a second and several seconds.
  late = {'tensorflow', 'keras', 'torch', 'sklearn', 'matplotlib', 'apache_beam'}
  late |= {'scipy.stats', 'scipy.optimize', 'scipy.linalg', 'clu.metric_writers'}
  assert not late & imported
