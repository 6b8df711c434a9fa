"""A run samples classes and weighs losses according to its config."""

import jax.numpy as jnp
import numpy as np
import tiny_run

from pose_action.training import experiment, program, resume
from pose_action.training.program import build_program


def _first_loss(config, data, one_device):
  made = build_program(config, data, one_device)
  state = made.initial_state(jnp.int32(0))
  batch = tiny_run.training_batch(data)
  return made.train_step(state, made.empty_metrics(), batch)[1].compute()['loss']


def test_class_weights_reach_the_training_loss(config, data, one_device, monkeypatch):
  plain = _first_loss(config, data, one_device)
  asked = []

  def make_class_weights(rule, labels, num_classes):
    asked.append((rule, labels.tolist(), num_classes))
    return (2.0, 2.0, 2.0)

  monkeypatch.setattr(program, 'make_class_weights', make_class_weights)
  config.train.class_weights = 'inverse_frequency'
  np.testing.assert_allclose(_first_loss(config, data, one_device), 2 * plain)
  assert asked == [('inverse_frequency', data.train.labels.tolist(), 3)]


def test_a_run_draws_its_training_clips_by_class(
  config, one_device, monkeypatch, tmp_path, no_tensorboard
):
  drawn = []
  training_batches = resume.training_batches

  def spy(*args, **options):
    batches = training_batches(*args, **options)
    drawn.append((options['classes'], next(batches)['label']))
    return training_batches(*args, **options)

  monkeypatch.setattr(resume, 'training_batches', spy)
  config.train.epochs = 1
  for balance in ('', 'inverse_frequency'):
    config.data.balance = balance
    experiment.train_and_evaluate(
      config,
      str(tmp_path / f'run_{balance}'),
      evaluates=False,
      mesh=one_device,
    )
  (plain, _), (classes, labels) = drawn
  assert plain is None
  assert len(classes) == 29
  # Rounds of the three classes: 8 = 3 + 3 + 2.
  assert sorted(np.bincount(labels)) == [2, 3, 3]
