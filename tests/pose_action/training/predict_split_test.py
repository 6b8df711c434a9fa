"""Predictions are exact: padding rows never count, for any batch size."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from input_pipeline.loading import loader
from input_pipeline.loading.kept_batches import KeptBatches
from input_pipeline.loading.loader import evaluation_batches
from pose_action.evaluation import metrics
from pose_action.training import step
from pose_action.training.evaluation_step import EvaluationOutput
from pose_action.training.predict_split import predict_split

VIEWS = 2


@pytest.fixture(scope='module')
def all_clips(data_dir):
  """All 37 training clips in one split."""
  config = tiny_run.get_config().unlock()
  config.data.data_dir = str(data_dir)
  config.data.validation_folds = 0
  return tiny_run.open_run_data(config)


def _on_mesh(variables, program):
  places = program.state_shapes.variables()
  return jax.tree.map(
    lambda value, shape: jax.device_put(np.asarray(value), shape.sharding),
    variables,
    places,
  )


def _predict(variables, split, data, program, batch_size):
  return predict_split(
    _on_mesh(variables, program),
    split,
    data,
    program.evaluation_step,
    program.mesh,
    batch_size=batch_size,
    num_views=VIEWS,
  )


@pytest.fixture(scope='module')
def oracle(variables, program, all_clips):
  """Scores for the 37 clips in one batch without padding."""
  (batch,) = evaluation_batches(
    all_clips.train.records,
    all_clips.train.indices,
    all_clips.clip_settings,
    batch_size=37,
    num_views=VIEWS,
  )
  assert batch['mask'].all()
  evaluate = program.evaluation_step.__wrapped__
  prediction, index = jax.jit(evaluate)(variables, batch)
  scores = prediction.probabilities
  np.testing.assert_array_equal(index, all_clips.train.indices)
  assert (
    np.ptp(scores, axis=0).min() > 0.2
  )  # Otherwise rows could be swapped unnoticed.
  return np.asarray(scores)


@pytest.mark.parametrize('batch_size', [5, 8, 16])
def test_scores_of_an_odd_set_are_exact(
  variables, all_clips, program, program_of_eight, oracle, batch_size
):
  for each in (program, program_of_eight):
    # On 8 devices a batch size of 5 is rounded up to 8.
    prediction = _predict(variables, all_clips.train, all_clips, each, batch_size)
    scores = prediction.probabilities
    assert prediction.joint_weights is None  # This model does not weigh joints.
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, oracle, atol=2e-5)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_padding_would_have_changed_the_accuracy(all_clips, oracle):
  """A mean over all rows in five batches of 8 would give another result."""
  labels = all_clips.train.labels
  exact = metrics.accuracy(oracle, labels)
  padding = np.zeros(3, int)  # The first clip pads the last batch.
  rows = np.concatenate([np.arange(37), padding])
  blind = metrics.accuracy(oracle[rows], labels[rows])
  assert exact == (oracle.argmax(axis=1) == labels).sum() / 37
  assert abs(blind - exact) > 0.005


def test_scores_stand_in_the_order_of_the_split(variables, data, program, oracle):
  """The held-out clips are scattered over the records."""
  split = data.validation
  assert (np.diff(split.indices) > 1).any()
  scores = _predict(variables, split, data, program, 8).probabilities
  np.testing.assert_allclose(scores, oracle[split.indices], atol=2e-5)


def test_joint_weights_stand_in_the_order_of_the_split(jmrn_data, one_device):
  """With a step that returns each row's index; padding rows have index -1."""

  def evaluation_step(variables, batch):
    index = batch['index']
    weights = jnp.stack([index, 2 * index], axis=1).astype(jnp.float32)
    scores = jnp.ones((len(index), 3))
    return EvaluationOutput(probabilities=scores, joint_weights=weights), index

  split = jmrn_data.validation
  prediction = predict_split(
    {}, split, jmrn_data, evaluation_step, one_device, batch_size=4, num_views=1
  )
  assert isinstance(prediction.joint_weights, np.ndarray)
  wanted = np.stack([split.indices, 2 * split.indices], axis=1)
  np.testing.assert_array_equal(prediction.joint_weights, wanted)
  assert prediction.probabilities.shape == (8, 3)


def test_scores_that_are_not_finite_are_refused(variables, data, program):
  broken = jax.tree.map(lambda leaf: leaf * np.float32(np.nan), variables)
  message = r"'validation': the scores of 8 of 8 clips are not finite\. Lower config"
  with pytest.raises(step.TrainingDiverged, match=message):
    _predict(broken, data.validation, data, program, 8)


def test_kept_batches_give_the_same_bits(variables, data, program, monkeypatch):
  kept = KeptBatches()

  def predict(kept):
    return predict_split(
      _on_mesh(variables, program),
      data.validation,
      data,
      program.evaluation_step,
      program.mesh,
      batch_size=3,
      num_views=VIEWS,
      kept=kept,
    ).probabilities

  plain, first = predict(None), predict(kept)
  monkeypatch.setattr(loader, 'evaluation_row', None)  # No record can be read.
  np.testing.assert_array_equal(predict(kept), first)
  np.testing.assert_array_equal(first, plain)
