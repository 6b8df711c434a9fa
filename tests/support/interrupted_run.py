"""Runs of the tiny config that stop early, and what they leave in their workdir."""

import contextlib
import signal

import jax
import numpy as np
import pytest

from pose_action.runtime import writers
from pose_action.runtime.stop_signals import StopSignals
from pose_action.training import experiment, loop
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.loop import TrainingStopped
from pose_action.training.progress import TrainingProgress


class Stopped(Exception):
  """Stops a run early."""


def undisturbed(config, workdir, data_dir, mesh):
  """(workdir, results) of a run that nothing stops, without TensorBoard."""
  config.data.data_dir = str(data_dir)
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(writers, '_tensorboard_writer', lambda workdir: None)
    return workdir, run(config, workdir, mesh)


@contextlib.contextmanager
def stopped_after(steps):
  """Training raises after this number of steps."""

  class Stopping(TrainingProgress):
    left = steps

    def waiting_for_data(self, computing):
      if self.left == 0:
        raise Stopped
      self.left -= 1
      return super().waiting_for_data(computing)

  with pytest.MonkeyPatch.context() as patch, pytest.raises(Stopped):
    patch.setattr(loop, 'TrainingProgress', Stopping)
    yield


@contextlib.contextmanager
def signalled_at(polls, message):
  """Ctrl-C arrives before the given poll: one per step, one per evaluated batch."""

  class Signals(StopSignals):
    left = polls

    def poll(self):
      self.left -= 1
      return signal.SIGINT if self.left <= 0 else 0

  with (
    pytest.MonkeyPatch.context() as patch,
    pytest.raises(TrainingStopped, match=message) as stopped,
  ):
    patch.setattr(experiment, 'StopSignals', Signals)
    yield
  assert stopped.value.exit_status == 130


def run(config, workdir, mesh, **options):
  # Optax's drop on plateau mixes int32 with float32.
  with jax.numpy_dtype_promotion('standard'):
    return experiment.train_and_evaluate(config, str(workdir), mesh=mesh, **options)


def saved_state(workdir, program, step):
  """A checkpoint's state."""
  with contextlib.closing(Checkpoints(workdir)) as checkpoints:
    return checkpoints.restore_state(step, program.state_shapes)


def saved_bits(workdir, program, step):
  """Every number in a checkpoint's state, as bytes."""
  state = saved_state(workdir, program, step)
  numbers = state.replace(key=jax.random.key_data(state.key))
  return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(numbers)]


def latest_step(workdir):
  with contextlib.closing(Checkpoints(workdir)) as checkpoints:
    return checkpoints.latest_step
