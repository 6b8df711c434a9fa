"""Dropout that starts at a later epoch, and a run resumed on either side of its start."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run
from interrupted_run import (
  latest_step,
  run,
  saved_bits,
  signalled_at,
  stopped_after,
  undisturbed,
)

from pose_action.runtime import sharding
from pose_action.training.model_registry import without_dropout
from pose_action.training.program import build_program

FIRST_WITH_DROPOUT = 7  # Epochs 0 and 1 have three steps each.
LAST_STEP = 12


def late(config):
  config.train.dropout_from_epoch = 2
  config.train.checkpoint_every_steps = 2
  return config


@pytest.fixture
def config(config):
  return late(config)


@pytest.fixture(scope='module')
def whole(tmp_path_factory, data_dir, one_device):
  config = late(tiny_run.get_config().unlock())
  workdir = tmp_path_factory.mktemp('late') / 'run'
  return undisturbed(config, workdir, data_dir, one_device)


def test_the_step_with_dropout_begins_with_its_epoch(config, data, one_device):
  program = build_program(config, data, one_device)
  assert program.early_steps == FIRST_WITH_DROPOUT - 1
  for step in range(1, LAST_STEP + 1):
    early = step < FIRST_WITH_DROPOUT
    wanted = program.early_train_step if early else program.train_step
    assert program.step_function(step) is wanted


def test_a_step_without_dropout_is_that_of_a_model_without(config, data, one_device):
  """And the step with dropout is that of a run that has it from the start."""

  def stepped(function, program):
    batch = sharding.global_batch(tiny_run.training_batch(data), one_device)
    state = program.initial_state(jnp.int32(0))
    state, _ = function(state, program.empty_metrics(), batch)
    return jax.device_get(state.params)

  program = build_program(config, data, one_device)
  config.train.dropout_from_epoch = 0
  always = build_program(config, data, one_device)
  assert always.step_function(1) is always.train_step
  config.model.dropout = 0.0
  never = build_program(config, data, one_device)
  assert_same = np.testing.assert_array_equal
  wanted = stepped(never.train_step, never)
  without = stepped(program.early_train_step, program)
  jax.tree.map(assert_same, without, wanted)
  with_dropout = stepped(program.train_step, program)
  jax.tree.map(assert_same, with_dropout, stepped(always.train_step, always))
  kernels = [p['action_cnn']['classifier']['kernel'] for p in (without, with_dropout)]
  assert np.abs(kernels[0] - kernels[1]).max() > 0


@pytest.mark.parametrize(
  'steps',
  [
    pytest.param(5, marks=pytest.mark.long),
    FIRST_WITH_DROPOUT - 1,
    pytest.param(FIRST_WITH_DROPOUT + 1, marks=pytest.mark.long),
  ],
)
def test_resuming_across_the_start_of_dropout_is_exact(
  steps, whole, config, data, tmp_path, one_device, no_tensorboard
):
  """Killed in the epoch before, right before, and after dropout starts."""
  workdir, results = whole
  with stopped_after(steps):
    run(config, tmp_path, one_device)
  assert latest_step(tmp_path) == min(steps, 8) // 2 * 2
  assert run(config, tmp_path, one_device) == results
  program = build_program(config, data, one_device)
  bits = saved_bits(tmp_path, program, LAST_STEP)
  assert bits == saved_bits(workdir, program, LAST_STEP)


def test_a_stop_at_the_start_of_dropout_changes_nothing(
  whole, config, tmp_path, one_device, no_tensorboard
):
  workdir, results = whole
  with signalled_at(8, 'stopped at step 6;'):  # The evaluations at 3 and 6 poll too.
    run(config, tmp_path, one_device)
  assert run(config, tmp_path, one_device) == results
  lines = tiny_run.metrics_without_speeds(tmp_path)
  assert lines == tiny_run.metrics_without_speeds(workdir)


def test_a_negative_epoch_is_refused(config, data, one_device):
  config.train.dropout_from_epoch = -1
  with pytest.raises(
    ValueError, match=r'config\.train\.dropout_from_epoch is -1; give'
  ):
    build_program(config, data, one_device)


def test_a_model_without_dropout_is_refused():
  message = (
    r'no field dropout \(config\.model is a Dense\); set dropout_from_epoch to 0'
  )
  with pytest.raises(ValueError, match=message):
    without_dropout(nn.Dense(3))
