"""The training step's running metrics, under jit."""

import jax
import jax.numpy as jnp
import numpy as np

from pose_action.training import step_metrics


@jax.jit
def _update(so_far, loss, contrastive_loss, logits, labels, mask, step):
  return so_far.merge(
    step_metrics.TrainMetrics.single_from_model_output(
      loss=loss,
      contrastive_loss=contrastive_loss,
      logits=logits,
      labels=labels,
      mask=mask,
      learning_rate=0.1 / (1 + step.astype(jnp.float32)),
      gradient_norm=2.0 + step.astype(jnp.float32),
      step=step,
    )
  )


LOGITS = jnp.eye(2)[jnp.array([0, 1, 0, 1])]
SINGLE = jnp.array([0, 1, 1, 0], jnp.int32)  # Rows 0 and 1 are right, 2 and 3 wrong.


def _run(losses, masks, contrastive=(0.0, 0.0, 0.0, 0.0), labels=SINGLE):
  """Steps 0, 1, … on batches of four rows."""
  so_far = step_metrics.TrainMetrics.empty()
  for step, (loss, mask) in enumerate(zip(losses, masks, strict=True)):
    so_far = _update(
      so_far,
      jnp.float32(loss),
      jnp.float32(contrastive[step]),
      LOGITS,
      labels,
      jnp.float32(mask),
      jnp.int32(step),
    )
  return so_far.compute()


def test_running_metrics_leave_padding_rows_out():
  values = _run([[1, 2, 3, 4], [5, 6, 99, 99]], [[1, 1, 1, 1], [1, 1, 0, 0]])
  # (1 + 2 + 3 + 4 + 5 + 6) / 6; with padding rows 27.375, as a mean over batches 4.
  np.testing.assert_allclose(values['loss'], 3.5)
  # 4 of 6; with padding rows 4 of 8, as a mean over batches 0.75.
  np.testing.assert_allclose(values['accuracy'], 4 / 6)
  np.testing.assert_allclose(
    values['learning_rate'], 0.05
  )  # The last value; the mean is 0.075.
  np.testing.assert_allclose(values['gradient_norm'], 2.5)
  assert values['first_nonfinite_step'] == step_metrics.NEVER


def test_a_loss_of_the_whole_batch_counts_for_each_real_row():
  values = _run([1.0, 4.0], [[1, 1, 1, 1], [1, 1, 0, 0]])
  np.testing.assert_allclose(values['loss'], 2.0)  # (4·1 + 2·4) / 6; per batch 2.5.


def test_first_nonfinite_step_is_the_first_and_ignores_padding():
  ones, half = [1, 1, 1, 1], [1, 1, 0, 0]
  fine, padding, broken = [1, 1, 1, 1], [1, 1, np.nan, np.inf], [1, np.inf, 1, 1]
  values = _run([fine, padding, broken, broken], [ones, half, ones, ones])
  assert (
    values['first_nonfinite_step'] == 2
  )  # 1 with padding rows, 3 if the last counted.
  assert values['first_nonfinite_step'].dtype == np.int32
  padded = _run([fine, padding], [ones, half])
  assert np.isfinite(padded['loss'])
  assert padded['first_nonfinite_step'] == step_metrics.NEVER
  assert _run([np.nan], [ones])['first_nonfinite_step'] == 0


def test_contrastive_loss_is_a_mean_over_steps():
  ones, half = [1, 1, 1, 1], [1, 1, 0, 0]
  values = _run([1.0, 1.0], [ones, half], contrastive=[2.0, 8.0])
  np.testing.assert_allclose(values['contrastive_loss'], 5.0)  # 4 if rows counted.
  np.testing.assert_allclose(values['loss'], 1.0)
  left_out = step_metrics.TrainMetrics.single_from_model_output(
    loss=jnp.ones(4),
    logits=LOGITS,
    labels=SINGLE,
    mask=jnp.ones(4),
    learning_rate=0.1,
    gradient_norm=jnp.float32(1),
    step=jnp.int32(0),
  ).compute()
  assert left_out['contrastive_loss'] == 0.0
  assert left_out['first_nonfinite_step'] == step_metrics.NEVER


def test_a_broken_contrastive_loss_is_seen_though_the_clips_are_fine():
  ones = [1, 1, 1, 1]
  values = _run([1.0] * 3, [ones] * 3, contrastive=[0.5, np.nan, 0.5])
  assert values['first_nonfinite_step'] == 1
  np.testing.assert_allclose(values['loss'], 1.0)


def test_accuracy_of_multi_hot_labels_is_a_hit_on_any_of_them():
  # The highest scores are for classes 0, 1, 0, 1; the last row has no label.
  labels = jnp.array([[1, 1], [1, 0], [1, 0], [0, 0]], jnp.float32)
  values = _run([1.0, 1.0], [[1, 1, 1, 1], [1, 0, 0, 0]], labels=labels)
  np.testing.assert_allclose(values['accuracy'], 3 / 5)  # With padding rows 4 / 8.


def test_merging_with_nothing_changes_nothing():
  once = _run([[1, 2, 3, 4]], [[1, 1, 1, 0]])
  np.testing.assert_allclose(once['loss'], 2.0)
  np.testing.assert_allclose(once['learning_rate'], 0.1)
  np.testing.assert_allclose(once['gradient_norm'], 2.0)
