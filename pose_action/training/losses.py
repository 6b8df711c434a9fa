"""Classification and joint-contrastive losses."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import optax
from jaxtyping import Array, Float, Int, Shaped

from jmrn_jax.contrastive import joint_contrastive_loss
from model_lib.output import ModelOutput

CLASSIFICATION_LOSSES = ('cross_entropy', 'binary_cross_entropy')
CLASS_WEIGHTS = ('', 'inverse_frequency')

Labels = Int[Array, 'b'] | Float[Array, 'b k']


@dataclasses.dataclass(frozen=True)
class LossSettings:
  """The total loss: classification + λ(step) · joint-contrastive (JMRN Sec. 4.1).

  Attributes:
    classification: 'cross_entropy', or 'binary_cross_entropy' (the mean over classes)
      for multi-label clips.
    label_smoothing: s in 0..1, below 1. Cross entropy spreads s over all classes; binary
      cross entropy moves each class's target 0 or 1 to s/2 or 1 - s/2.
    class_weights: one per class, from `inverse_frequency_weights`, or none. Cross entropy
      weighs a clip by its class. Binary cross entropy weighs only the terms for classes
      that a clip has. The contrastive loss takes no weights.
    log_priors: one per class, added to the logits in the cross entropy, from
      `log_class_priors`, or none.
    contrastive_weight: λ; 0 turns the contrastive loss off.
    temperature: τ of the contrastive loss.
    ramp_start: the epoch from which λ grows from 0 (official code).
    ramp_epochs: epochs until λ reaches its full value; 0: at `ramp_start`.
    reduction: of the contrastive loss over anchors and joints: 'mean' (official code)
      or 'sum' (Eq. 1 and 2).
    positives: see `jmrn_jax.contrastive`.
    steps_per_epoch: λ changes once per epoch.
  """

  classification: str = 'cross_entropy'
  label_smoothing: float = 0.0
  class_weights: tuple[float, ...] = ()
  log_priors: tuple[float, ...] = ()
  contrastive_weight: float = 0.0
  temperature: float = 0.1
  ramp_start: int = 0
  ramp_epochs: int = 0
  reduction: str = 'mean'
  positives: str = 'shared_label'
  steps_per_epoch: int = 1

  def __post_init__(self):
    if self.classification not in CLASSIFICATION_LOSSES:
      raise ValueError(
        f'config.train.loss is {self.classification!r}; give one of'
        f' {CLASSIFICATION_LOSSES}'
      )
    if not 0 <= self.label_smoothing < 1:
      raise ValueError(
        f'config.train.label_smoothing is {self.label_smoothing}; it is a share of each'
        ' label, at least 0 and below 1'
      )
    if self.contrastive_weight < 0 or self.temperature <= 0:
      raise ValueError(
        f'config.train.contrastive has weight {self.contrastive_weight} and temperature'
        f' {self.temperature}; the weight must be at least 0, the temperature above 0'
      )

  @classmethod
  def from_config(
    cls,
    train: ml_collections.ConfigDict,
    steps_per_epoch: int,
    class_weights: tuple[float, ...] = (),
    log_priors: tuple[float, ...] = (),
  ) -> LossSettings:
    contrastive = train.contrastive
    return cls(
      classification=train.loss,
      label_smoothing=train.label_smoothing,
      class_weights=class_weights,
      log_priors=log_priors,
      contrastive_weight=contrastive.weight,
      temperature=contrastive.temperature,
      ramp_start=contrastive.ramp_start_epoch,
      ramp_epochs=contrastive.ramp_epochs,
      reduction=contrastive.reduction,
      positives=contrastive.positives,
      steps_per_epoch=steps_per_epoch,
    )

  def weight_at(self, step: Int[Array, '']) -> Float[Array, '']:
    """λ at a step: 0 before `ramp_start`, then a linear ramp (official code)."""
    epochs = (step // self.steps_per_epoch - self.ramp_start).astype(jnp.float32)
    if not self.ramp_epochs:
      return self.contrastive_weight * (epochs >= 0).astype(jnp.float32)
    return self.contrastive_weight * jnp.clip(epochs / self.ramp_epochs, 0, 1)


def make_class_weights(
  rule: str, labels: Int[np.ndarray, 'b'] | Int[np.ndarray, 'b k'], num_classes: int
) -> tuple[float, ...]:
  """The class weights for `config.train.class_weights`; none for ''.

  Args:
    rule: one of `CLASS_WEIGHTS`.
    labels: the training clips' class indices or multi-hot labels.

  Raises:
    ValueError: for an unknown rule.
  """
  if rule not in CLASS_WEIGHTS:
    raise ValueError(
      f'config.train.class_weights is {rule!r}; give one of {CLASS_WEIGHTS}'
    )
  return inverse_frequency_weights(labels, num_classes) if rule else ()


def inverse_frequency_weights(
  labels: Int[np.ndarray, 'b'] | Int[np.ndarray, 'b k'], num_classes: int
) -> tuple[float, ...]:
  """Class weights with which each class that has clips counts the same in the loss.

  The weight is N / (number of classes with clips · labels of the class) for N labels in
  total. The mean weight over all labels is 1; with one label per clip, so is the mean
  over clips. A class without clips has weight 0. Source: ours.

  Args:
    labels: class indices or multi-hot.
  """
  labels = np.asarray(labels)
  if labels.ndim == 2:
    counts = labels.sum(axis=0, dtype=np.int64)
  else:
    counts = np.bincount(labels, minlength=num_classes)
  share = counts.sum() / max(np.count_nonzero(counts), 1)
  return tuple(float(share / count) if count else 0.0 for count in counts)


def log_class_priors(
  strength: float,
  labels: Int[np.ndarray, 'b'] | Int[np.ndarray, 'b k'],
  num_classes: int,
) -> tuple[float, ...]:
  """What `config.train.logit_adjustment` adds to the logits in the loss; none for 0.

  strength · log(share of the training clips). A model trained so predicts as if all
  classes were equally frequent. Menon et al., "Long-tail learning via logit adjustment"
  (ICLR 2021), Eq. 10; with strength 1 the balanced softmax of Ren et al. (NeurIPS 2020).
  A class without clips counts as one with a single clip (ours).

  Args:
    strength: the paper's τ, 0 or above.
    labels: class indices of the training clips.

  Raises:
    ValueError: for a negative strength, or clips with several labels.
  """
  if not (strength >= 0 and np.isfinite(strength)):
    raise ValueError(
      f'config.train.logit_adjustment is {strength}; give 0 (off) or above, such as 1'
    )
  if not strength:
    return ()
  labels = np.asarray(labels)
  if labels.ndim == 2:
    raise ValueError(
      f'config.train.logit_adjustment is {strength}, but the clips have several labels,'
      ' for which it is not defined; set it to 0'
    )
  counts = np.maximum(np.bincount(labels, minlength=num_classes), 1)
  return tuple((strength * np.log(counts / counts.sum())).tolist())


def classification_losses(
  logits: Float[Array, 'b k'],
  labels: Labels,
  settings: LossSettings,
  mask: Float[Array, 'b'] | None = None,
) -> Float[Array, 'b']:
  """The loss of each row, in nats.

  A weighted loss is not divided by the batch's weights, so that a clip counts the same
  in every batch.

  Args:
    labels: class indices `[b]` for cross entropy, multi-hot `[b, k]` for binary cross
      entropy.
    mask: rows with 0 have loss 0 and no gradient, whatever their logits and labels.
  """
  if mask is None:
    return _losses_of_rows(logits, labels, settings)
  losses = _losses_of_rows(real_rows(logits, mask), real_rows(labels, mask), settings)
  return real_rows(losses, mask)


def real_rows(values: Shaped[Array, 'b *n'], mask: Float[Array, 'b']) -> jax.Array:
  """The values, with 0 in the rows whose mask is 0.

  Needed before layers and losses too: they multiply a gradient of 0 by a padding row's
  values, and 0 · NaN is NaN.
  """
  rows = mask.reshape(-1, *[1] * (values.ndim - 1))
  return jnp.where(rows > 0, values, jnp.zeros_like(values))


def _losses_of_rows(
  logits: Float[Array, 'b k'], labels: Labels, settings: LossSettings
) -> Float[Array, 'b']:
  weights = jnp.array(settings.class_weights, logits.dtype)
  if settings.classification == 'binary_cross_entropy':
    smoothing = settings.label_smoothing
    targets = labels * (1 - smoothing) + smoothing / 2 if smoothing else labels
    terms = optax.sigmoid_binary_cross_entropy(logits, targets)
    if settings.class_weights:
      terms *= jnp.where(labels > 0, weights[None], 1)
    return terms.mean(axis=-1)
  targets = jax.nn.one_hot(labels, logits.shape[-1])
  targets = optax.smooth_labels(targets, settings.label_smoothing)
  if settings.log_priors:
    logits += jnp.array(settings.log_priors, logits.dtype)[None]
  losses = optax.softmax_cross_entropy(logits, targets)
  return losses * weights[labels] if settings.class_weights else losses


def contrastive_loss(
  output: ModelOutput,
  labels: Labels,
  mask: Float[Array, 'b'],
  settings: LossSettings,
) -> Float[Array, '']:
  """The joint-contrastive loss without its weight λ; 0 if it is turned off.

  Raises:
    ValueError: if the model has no joint embeddings.
  """
  if not settings.contrastive_weight:
    return jnp.float32(0)
  if output.joint_embeddings is None:
    raise ValueError(
      f'config.train.contrastive.weight is {settings.contrastive_weight}, but the model'
      ' has no joint embeddings (config.model.projection_features is 0, or it is not a'
      ' JMRN); set the weight to 0'
    )
  return joint_contrastive_loss(
    output.joint_embeddings,
    labels,
    temperature=settings.temperature,
    reduction=settings.reduction,
    positives=settings.positives,
    mask=mask,
  )


def class_probabilities(
  logits: Float[Array, '*b k'], settings: LossSettings
) -> Float[Array, '*b k']:
  """Softmax over classes, or a sigmoid per class for multi-label clips."""
  if settings.classification == 'binary_cross_entropy':
    return jax.nn.sigmoid(logits)
  return jax.nn.softmax(logits)


def masked_mean(values: Float[Array, 'b'], mask: Float[Array, 'b']) -> Float[Array, '']:
  """The mean over the rows whose mask is 1."""
  # Multiplying by the mask would keep a NaN in a padding row.
  return real_rows(values, mask).sum() / jnp.maximum(mask.sum(), 1)
