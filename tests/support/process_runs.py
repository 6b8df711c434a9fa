"""Whole runs as processes: one config, one data set, and what they leave."""

import contextlib
import json
import os
import subprocess
import sys

import jax
import numpy as np
import tiny_run
from places import ROOT, WITHOUT_TENSORBOARD

from pose_action.runtime import sharding
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.program import build_program

EPOCHS, LAST_STEP = 6, 18


class Runs:
  """Runs with one config and data set, which share compiled programs."""

  def __init__(self, folder):
    self.folder = folder
    self.config = tiny_run.get_config().unlock()
    self.config.data.data_dir = str(folder / 'data')
    tiny_run.export(folder / 'data')

  def start(self, name, *, program=('main.py',), flags=(), **environment):
    command = [
      sys.executable,
      *program,
      '--config=tests/support/tiny_run.py',
      f'--workdir={self.folder / name}',
      f'--config.data.data_dir={self.folder / "data"}',
      f'--config.train.epochs={EPOCHS}',
      '--config.train.eval_every_epochs=2',
      '--config.train.checkpoint_every_steps=2',
      *flags,
    ]
    environment = {
      **os.environ,
      'JAX_PLATFORMS': 'cpu',
      'XLA_FLAGS': '--xla_backend_optimization_level=0',  # Compiles twice as fast.
      'PYTHONPATH': WITHOUT_TENSORBOARD,
      **environment,
    }
    with self.log_file(name, environment.get('JAX_PROCESS_ID', '')).open('a') as log:
      return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
      )

  def finish(self, *processes, name, status=0, seconds=150):
    """Waits for processes, which must all end with this exit status."""
    try:
      codes = [process.wait(timeout=seconds) for process in processes]
    finally:
      for process in processes:
        process.kill()
    assert set(codes) == {status}, self.log(name)

  def log_file(self, name, process=''):
    return self.folder / f'{name}{process}.log'

  def log(self, name):
    logs = sorted(self.folder.glob(f'{name}*.log'))
    return '\n'.join(log.read_text() for log in logs)

  def saved_bits(self, name):
    """Every number in the last checkpoint's state, as bytes."""
    data = tiny_run.open_run_data(self.config)
    mesh = sharding.make_mesh(jax.devices()[:1])
    shapes = build_program(self.config, data, mesh).state_shapes
    with contextlib.closing(Checkpoints(self.folder / name)) as checkpoints:
      state = checkpoints.restore_state(LAST_STEP, shapes)
    numbers = state.replace(key=jax.random.key_data(state.key))
    return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(numbers)]

  def figures(self, name):
    return json.loads((self.folder / name / 'results.json').read_text())

  def scores(self, name):
    return np.load(self.folder / name / 'scores_test.npz')['scores']


def names(folder):
  return {path.name for path in folder.iterdir()}


def logged_step(workdir):
  path = workdir / 'metrics.jsonl'
  lines = path.read_text().splitlines(keepends=True) if path.exists() else []
  whole = [line for line in lines if line.endswith('\n')]
  return json.loads(whole[-1])['step'] if whole else 0
