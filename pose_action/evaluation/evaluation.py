"""One checkpoint's scores on one split: the input for metrics and result files."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8

from input_pipeline.skeletons.registry import Skeleton

Checkpoint = Literal['last', 'average', 'best']


@dataclasses.dataclass(frozen=True, eq=False)
class Evaluation:
  """One checkpoint's scores on one split; the constructor checks them.

  Attributes:
    split: the source's name for it (`test1`); part of file names.
    checkpoint: 'last'; 'average', the last with the moving average of its parameters; or
      'best' on the split that selects checkpoints.
    step: the checkpoint's step.
    video_ids: `b` unique names.
    scores: float32 `[b, k]` probabilities.
    labels: int32 `[b]` class indices, or uint8 `[b, k]`, multi-hot.
    class_names: `k` names.
    views: the number of views per video whose scores were averaged.
    asked: the protocol's additional figures, see `metrics.figures`.
    joint_weights: float32 `[b, j]` in 0..1, averaged over views; only for a model that
      weighs joints (JMRN Sec. 3.1).
    skeleton: the layout of the weighed joints or joint maps; required with
      `joint_weights`.

  Raises:
    ValueError: names the split, the field, its value and the allowed values.
  """

  split: str
  checkpoint: Checkpoint
  step: int
  video_ids: Sequence[str]
  scores: Float[np.ndarray, 'b k']
  labels: Int[np.ndarray, ' b'] | UInt8[np.ndarray, 'b k']
  class_names: Sequence[str]
  views: int
  asked: Sequence[str] = ()
  joint_weights: Float[np.ndarray, 'b j'] | None = None
  skeleton: Skeleton | None = None

  def __post_init__(self):
    set_field = object.__setattr__  # The dataclass is frozen for all other code.
    set_field(self, 'scores', np.asarray(self.scores, np.float32))
    set_field(self, 'labels', np.asarray(self.labels))
    if self.checkpoint not in get_args(Checkpoint):
      raise self._error(
        f"checkpoint is {self.checkpoint!r}; give 'last', 'average' or 'best'"
      )
    if not self.split or pathlib.PurePath(self.split).name != self.split:
      raise self._error('its name cannot be part of a file name; give another name')
    self._check_shapes()
    if self.multi_label and not np.isin(self.labels, (0, 1)).all():
      raise self._error('multi-hot labels must be 0 or 1')
    set_field(
      self, 'labels', self.labels.astype(np.uint8 if self.multi_label else np.int32)
    )
    self._check_probabilities(self.scores, 'scores')
    if self.joint_weights is not None:
      set_field(self, 'joint_weights', self._checked_weights(self.joint_weights))

  @property
  def multi_label(self) -> bool:
    return self.labels.ndim == 2

  @property
  def joint_names(self) -> tuple[str, ...]:
    """The names of `joint_weights`' columns; the background map is last."""
    if self.joint_weights is None or self.skeleton is None:
      return ()
    return (*self.skeleton.joints, 'background')[: self.joint_weights.shape[1]]

  @property
  def has_class(self) -> Int[np.ndarray, 'b k']:
    """Multi-hot labels as uint8, also for clips with one label each."""
    if self.multi_label:
      return self.labels
    return np.eye(len(self.class_names), dtype=np.uint8)[self.labels]

  def _check_shapes(self):
    n, k = len(self.video_ids), len(self.class_names)
    fits = self.labels.shape in ((n,), (n, k))
    if self.scores.shape != (n, k) or not fits or n == 0:
      raise self._error(
        f'scores have shape {self.scores.shape} and labels {self.labels.shape}, but'
        f' {n} videos and {k} classes need ({n}, {k}) and ({n},), or multi-hot ({n},'
        f' {k}), with at least one video'
      )
    if len(set(self.video_ids)) < n:
      raise self._error('a video is scored twice; average the views of each video')

  def _checked_weights(self, weights: np.ndarray) -> np.ndarray:
    weights = np.asarray(weights, np.float32)
    if self.skeleton is None:
      raise self._error("joint_weights need a skeleton; give the model's skeleton")
    n, joints, maps = (
      len(self.video_ids),
      self.skeleton.num_joints,
      self.skeleton.num_maps,
    )
    if weights.shape not in ((n, joints), (n, maps)):
      raise self._error(
        f'joint_weights have shape {weights.shape}, but {n} videos with skeleton'
        f' {self.skeleton.name!r} need ({n}, {joints}), or ({n}, {maps}) with the'
        ' background'
      )
    self._check_probabilities(weights, 'joint_weights')
    return weights

  def _check_probabilities(self, values: np.ndarray, what: str):
    low, high = values.min(), values.max()
    if not (
      low >= 0 and high <= 1 + 1e-4
    ):  # False for NaN too; float32 sums are rounded.
      raise self._error(
        f'{what} are in {low}..{high}, but must be in 0..1; apply softmax or sigmoid'
      )

  def _error(self, message: str) -> ValueError:
    return ValueError(f'evaluation of split {self.split!r}: {message}')
