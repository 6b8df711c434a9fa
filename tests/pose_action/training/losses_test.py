"""The training losses against numpy, and the contrastive loss's ramp by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.shared import base
from model_lib.output import ModelOutput
from pose_action.training import losses
from pose_action.training.losses import LossSettings

LOGITS = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
LABELS = np.array([2, 0, 1, 1], np.int32)


def test_cross_entropy_with_label_smoothing():
  smoothing = 0.2
  logits = LOGITS.astype(np.float64)
  log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
  targets = np.full((4, 3), smoothing / 3)
  targets[np.arange(4), LABELS] += 1 - smoothing
  settings = LossSettings(label_smoothing=smoothing)
  got = losses.classification_losses(LOGITS, LABELS, settings)
  np.testing.assert_allclose(got, -(targets * log_p).sum(axis=1), rtol=1e-6)
  # Equal logits without smoothing: ln 3.
  got = losses.classification_losses(jnp.zeros((1, 3)), LABELS[:1], LossSettings())
  np.testing.assert_allclose(got, [np.log(3)], rtol=1e-6)


def test_binary_cross_entropy_is_the_mean_over_classes():
  settings = LossSettings(classification='binary_cross_entropy')
  labels = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], np.float32)
  p = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
  expected = -np.where(labels > 0, np.log(p), np.log(1 - p)).mean(axis=1)
  got = losses.classification_losses(LOGITS, labels, settings)
  np.testing.assert_allclose(got, expected, rtol=1e-5)
  # Logits of 0 give ln 2 for any labels; a sum would give 3 · ln 2.
  got = losses.classification_losses(jnp.zeros((4, 3)), labels, settings)
  np.testing.assert_allclose(got, np.full(4, np.log(2)), rtol=1e-6)


def test_binary_cross_entropy_with_label_smoothing():
  settings = LossSettings(classification='binary_cross_entropy', label_smoothing=0.2)
  labels = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0]], np.float32)
  p = 1 / (1 + np.exp(-LOGITS.astype(np.float64)))
  # A target of 1 becomes 0.9, a target of 0 becomes 0.1.
  targets = np.where(labels > 0, 0.9, 0.1)
  expected = -(targets * np.log(p) + (1 - targets) * np.log(1 - p)).mean(axis=1)
  got = losses.classification_losses(LOGITS, labels, settings)
  np.testing.assert_allclose(got, expected, rtol=1e-5)


@pytest.mark.parametrize('poison', [np.nan, np.inf])
@pytest.mark.parametrize('classification', losses.CLASSIFICATION_LOSSES)
def test_a_masked_row_reaches_neither_the_loss_nor_its_gradient(classification, poison):
  settings = LossSettings(classification=classification, label_smoothing=0.1)
  labels = LABELS
  if classification == 'binary_cross_entropy':
    labels = np.eye(3, dtype=np.float32)[LABELS]
    labels[1] = poison
  mask = jnp.array([1.0, 0, 1, 1])

  def total(logits):
    rows = losses.classification_losses(logits, labels, settings, mask)
    return losses.masked_mean(rows, mask)

  of_logits = jax.value_and_grad(total)
  value, gradient = of_logits(jnp.array(LOGITS).at[1].set(poison))
  clean_value, clean_gradient = of_logits(jnp.array(LOGITS))
  assert np.isfinite(value) and value == clean_value
  np.testing.assert_array_equal(gradient, clean_gradient)
  np.testing.assert_array_equal(gradient[1], 0)
  assert (np.abs(gradient[0]) > 0).all()


def test_inverse_frequencies_by_hand():
  # Six clips in two classes: 6 / (2 · 4) and 6 / (2 · 2); no clip has the middle class.
  labels = np.array([0, 2, 0, 0, 2, 0], np.int32)
  weights = losses.inverse_frequency_weights(labels, num_classes=3)
  assert weights == (0.75, 0, 1.5)
  assert np.mean([weights[label] for label in labels]) == 1
  # Four labels in two classes over three clips, one without labels: 4 / (2 · 1), …
  several = np.array([[1, 0, 1], [0, 0, 1], [0, 0, 0], [0, 0, 1]], np.uint8)
  weights = losses.inverse_frequency_weights(several, num_classes=3)
  assert weights == (2, 0, pytest.approx(2 / 3))
  assert (several * weights).sum() == pytest.approx(several.sum())


def test_logit_adjustment_adds_log_shares_to_the_logits():
  labels = np.array([0, 0, 0, 2])
  priors = losses.log_class_priors(2.0, labels, num_classes=3)
  # Class 1 has no clip and counts as one: shares 3/5, 1/5, 1/5.
  np.testing.assert_allclose(priors, 2 * np.log([0.6, 0.2, 0.2]))
  got = losses.classification_losses(
    jnp.zeros((2, 3)), np.array([0, 1]), LossSettings(log_priors=tuple(priors))
  )
  # exp(2 log p) = p²: 0.36, 0.04 and 0.04.
  np.testing.assert_allclose(got, -np.log([0.36 / 0.44, 0.04 / 0.44]), rtol=1e-6)
  assert losses.log_class_priors(0.0, labels, 3) == ()


@pytest.mark.parametrize(
  ('strength', 'labels', 'message'),
  [
    (-1.0, [0, 1], r'logit_adjustment is -1\.0; give 0 \(off\) or above, such as 1$'),
    (float('nan'), [0, 1], r'logit_adjustment is nan; give 0'),
    (1.0, [[0, 1]], r'logit_adjustment is 1\.0, but the clips have several labels'),
  ],
)
def test_what_a_logit_adjustment_cannot_be(strength, labels, message):
  with pytest.raises(ValueError, match=message):
    losses.log_class_priors(strength, np.array(labels), 2)


def test_class_weights_of_one_label_weigh_the_clip():
  weights = (0.5, 2.0, 3.0)
  plain = LossSettings(label_smoothing=0.2)
  weighted = LossSettings(label_smoothing=0.2, class_weights=weights)
  got = losses.classification_losses(LOGITS, LABELS, weighted)
  expected = losses.classification_losses(LOGITS, LABELS, plain)
  # For classes 2, 0, 1, 1; not divided by the batch's sum of weights, 7.5.
  np.testing.assert_allclose(got, expected * np.array([3, 0.5, 2, 2], 'f4'), rtol=1e-6)


def test_class_weights_of_several_labels_weigh_what_a_clip_has():
  settings = LossSettings(
    classification='binary_cross_entropy', class_weights=(3.0, 0.5)
  )
  labels = np.array([[1, 0], [0, 1], [0, 0], [1, 1]], np.float32)
  got = losses.classification_losses(jnp.zeros((4, 2)), labels, settings)
  # For logits of 0 each term is ln 2, times 3 or 0.5 if the clip has the class.
  expected = np.log(2) * np.array([3 + 1, 1 + 0.5, 1 + 1, 3 + 0.5]) / 2
  np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_class_weights_are_off_unless_asked_for():
  labels = np.array([0, 0, 1])
  assert base.base_config().train.class_weights == ''
  assert losses.make_class_weights('', labels, 2) == ()
  assert losses.make_class_weights('inverse_frequency', labels, 2) == (0.75, 1.5)
  with pytest.raises(ValueError, match=r"class_weights is 'inverse'; give one of"):
    losses.make_class_weights('inverse', labels, 2)


@pytest.mark.parametrize(
  ('start', 'length', 'expected'),
  [
    # For epochs 0, 1, 2, …: (epoch - start) / length, from 0 to 1.
    (2, 4, [0, 0, 0, 0.25, 0.5, 0.75, 1, 1]),
    (0, 2, [0, 0.5, 1, 1, 1, 1, 1, 1]),
    (3, 0, [0, 0, 0, 1, 1, 1, 1, 1]),
    (0, 0, [1, 1, 1, 1, 1, 1, 1, 1]),
  ],
)
def test_the_ramp_by_hand(start, length, expected):
  settings = LossSettings(
    contrastive_weight=0.5, ramp_start=start, ramp_epochs=length, steps_per_epoch=3
  )
  steps = jnp.arange(8 * 3)  # The weight changes between epochs, not within.
  weights = jax.vmap(settings.weight_at)(steps)
  np.testing.assert_allclose(weights, 0.5 * np.repeat(expected, 3), rtol=1e-6)
  assert weights.dtype == jnp.float32


def _numpy_contrastive(embeddings, labels, temperature):
  """Eq. (1) and (2) with loops; the sum over anchors and joints."""
  rows, joints, _ = embeddings.shape
  total = 0.0
  for j in range(joints):
    for i in range(rows):
      others = [a for a in range(rows) if a != i]
      powers = {
        a: np.exp(embeddings[i, j] @ embeddings[a, j] / temperature) for a in others
      }
      positives = [a for a in others if labels[a] == labels[i]]
      for p in positives:
        total -= np.log(powers[p] / sum(powers.values())) / len(positives)
  return total


@pytest.fixture
def output():
  """Embeddings for five rows and two joints."""
  embeddings = np.random.default_rng(2).normal(size=(5, 2, 4)).astype(np.float32)
  embeddings /= np.linalg.norm(embeddings, axis=-1, keepdims=True)
  return ModelOutput(logits=jnp.zeros((5, 3)), joint_embeddings=jnp.array(embeddings))


def test_contrastive_loss_takes_its_settings(output):
  labels, mask = np.array([0, 1, 0, 1, 0], np.int32), np.array([1, 1, 1, 1, 0.0])
  expected = _numpy_contrastive(
    np.asarray(output.joint_embeddings, np.float64)[:4], labels[:4], 0.5
  )
  for reduction, divisor in (('sum', 1), ('mean', 4 * 2)):
    settings = LossSettings(
      contrastive_weight=0.1, temperature=0.5, reduction=reduction
    )
    got = losses.contrastive_loss(
      output, labels, jnp.array(mask, jnp.float32), settings
    )
    # Without its weight.
    np.testing.assert_allclose(got, expected / divisor, rtol=1e-5)


def test_positives_reach_the_contrastive_loss(output):
  labels = jnp.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [0, 0, 1], [0, 1, 0]], float)
  values = {
    positives: losses.contrastive_loss(
      output,
      labels.astype(jnp.float32),
      jnp.ones(5),
      LossSettings(contrastive_weight=1.0, positives=positives),
    )
    for positives in ('shared_label', 'weighted')
  }
  assert values['shared_label'] != values['weighted']


def test_without_weight_nothing_is_asked_of_the_model():
  bare = ModelOutput(logits=jnp.zeros((2, 3)))
  labels, mask = jnp.zeros(2, jnp.int32), jnp.ones(2)
  assert losses.contrastive_loss(bare, labels, mask, LossSettings()) == 0
  message = r'contrastive\.weight is 0\.5, but the model has no joint embeddings .*to 0'
  with pytest.raises(ValueError, match=message):
    losses.contrastive_loss(bare, labels, mask, LossSettings(contrastive_weight=0.5))


def test_probabilities():
  logits = jnp.array([[np.log(3), 0.0]], jnp.float32)
  np.testing.assert_allclose(
    losses.class_probabilities(logits, LossSettings()), [[0.75, 0.25]], rtol=1e-6
  )
  several = LossSettings(classification='binary_cross_entropy')
  np.testing.assert_allclose(
    losses.class_probabilities(logits, several), [[0.75, 0.5]], rtol=1e-6
  )


def test_masked_mean():
  values, mask = jnp.array([1.0, 2.0, 100.0]), jnp.array([1.0, 1.0, 0.0])
  assert losses.masked_mean(values, mask) == 1.5  # 1 if the padding row counted.
  assert losses.masked_mean(values, jnp.zeros(3)) == 0
  assert losses.masked_mean(values.at[2].set(jnp.nan), mask) == 1.5


def test_settings_come_from_the_config():
  train = base.base_config().train
  train.label_smoothing = 0.1
  train.contrastive.update(
    {
      'weight': 0.2,
      'temperature': 0.3,
      'ramp_start_epoch': 4,
      'ramp_epochs': 5,
      'reduction': 'sum',
      'positives': 'weighted',
    }
  )
  weights = (1.5, 0.5)
  assert LossSettings.from_config(train, 7, weights) == LossSettings(
    classification='cross_entropy',
    label_smoothing=0.1,
    class_weights=weights,
    contrastive_weight=0.2,
    temperature=0.3,
    ramp_start=4,
    ramp_epochs=5,
    reduction='sum',
    positives='weighted',
    steps_per_epoch=7,
  )


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    ({'classification': 'hinge'}, r"train\.loss is 'hinge'; give one of .*'binary_cr"),
    ({'label_smoothing': 1.0}, r'label_smoothing is 1\.0; .* at least 0 and below 1'),
    ({'contrastive_weight': -1.0}, r'has weight -1\.0 .*must be at least 0, the temp'),
    ({'temperature': 0.0}, r'and temperature 0\.0; .* the temperature above 0'),
  ],
)
def test_settings_that_cannot_be(fields, message):
  with pytest.raises(ValueError, match=message):
    LossSettings(**fields)
