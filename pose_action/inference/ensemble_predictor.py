"""EnsemblePredictor: the trained members of an ensemble, predicting as one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import ml_collections
import numpy as np

from input_pipeline.poses.notes import PoseWarning
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.examples import AnyClip
from pose_action.fusion.fused_members import FusedMembers
from pose_action.inference.call import CallMethods
from pose_action.inference.errors import PredictorError
from pose_action.inference.prediction import Prediction
from pose_action.inference.timelines.model_methods import TimelineMethods

if TYPE_CHECKING:
  from pose_action.inference.predictor import Predictor
  from pose_action.training.clip_times import ClipTimes


class EnsemblePredictor(CallMethods, TimelineMethods):
  """The members of an ensemble, fused as `ensemble.json` says.

  `pose_action.load` and `Predictor.from_workdir` return it for an ensemble's workdir. It
  predicts as a `Predictor` does. What a single model computes for a clip is asked of a
  member: `model.members['joints'].activations(clip)`.

  Attributes:
    members: each member's own model, by name.
    fused: weights and temperature.
    class_names: names by class index.
    threshold: below this probability the label is "none of these"; None for a model that
      always answers.
    bout_threshold: see `Predictor`.

  Raises:
    PredictorError: if the members do not know the same classes.
  """

  def __init__(
    self,
    members: Mapping[str, Predictor],
    fused: FusedMembers,
    threshold: float | None = None,
    bout_threshold: float | None = None,
  ):
    self.threshold = threshold
    self.bout_threshold = bout_threshold
    self.members = dict(members)
    self.fused = fused
    first = self._first
    self.class_names = first.class_names
    for name, member in self.members.items():
      if member.class_names != self.class_names:
        raise PredictorError(
          f'member {name!r} has the classes {", ".join(member.class_names)}, but the'
          f' first member has {", ".join(self.class_names)}; train the ensemble again'
        )

  @property
  def config(self) -> ml_collections.ConfigDict:
    """The first member's config, whose data fields are those of all members."""
    return self._first.config

  @property
  def skeleton(self) -> Skeleton:
    """The joint layout that the first member reads."""
    return self._first.skeleton

  @property
  def step(self) -> int:
    """The largest training step of the members."""
    return max(member.step for member in self.members.values())

  @property
  def clip_times(self) -> ClipTimes | None:
    """Lengths and frame rates of the first member's training clips; None if unknown."""
    return self._first.clip_times

  @property
  def background_class(self) -> str:
    """The first member's class that is no action; '' if there is none."""
    return self._first.background_class

  @property
  def multi_label(self) -> bool:
    """Whether a clip may have several labels."""
    return self._first.multi_label

  @property
  def _first(self) -> Predictor:
    return next(iter(self.members.values()))

  def start(
    self, clips: Sequence[AnyClip], *, batch_size: int = 32
  ) -> Callable[[], list[Prediction]]:
    """Starts the prediction of at most `batch_size` clips, as `Predictor.start` does."""
    started = [self._started(name, clips, batch_size) for name in self.members]

    def finish() -> list[Prediction]:
      of_members = [member() for member in started]
      return [self._fused(of_clip) for of_clip in zip(*of_members, strict=True)]

    return finish

  def _started(
    self, name: str, clips: Sequence[AnyClip], batch_size: int
  ) -> Callable[[], list[Prediction]]:
    member = self.members[name]
    with warnings.catch_warnings():
      if member is not self._first:
        warnings.simplefilter('ignore', PoseWarning)
      try:
        return member.start(clips, batch_size=batch_size)
      except PredictorError as error:
        raise PredictorError(f'member {name!r}: {error}') from error

  def _fused(self, predictions: Sequence[Prediction]) -> Prediction:
    """One clip's predictions by all members as one."""
    own = np.stack([one.probabilities for one in predictions])
    (probabilities,) = self.fused.fuse(own[:, None])
    joints, joint_weights = self._joint_weights(predictions)
    return Prediction(
      video_id=predictions[0].video_id,
      class_names=self.class_names,
      probabilities=probabilities.astype(np.float32),
      joints=joints,
      joint_weights=joint_weights,
      multi_label=self.multi_label,
      members=dict(zip(self.members, own, strict=True)),
      threshold=self.threshold,
    )

  def _joint_weights(
    self, predictions: Sequence[Prediction]
  ) -> tuple[tuple[str, ...], np.ndarray | None]:
    """The mean over the members that weigh joints, by their weights in the fusion.

    Only members with the same joints as the first of these. A negative weight counts as
    0; without a positive one, all count the same.
    """
    shares = self.fused.weights.reshape(len(predictions), -1).mean(axis=1)
    weighing = [
      (one, max(float(share), 0.0))
      for one, share in zip(predictions, shares, strict=True)
      if one.joint_weights is not None
    ]
    if not weighing:
      return predictions[0].joints, None
    joints = weighing[0][0].joints
    alike = [(one, share) for one, share in weighing if one.joints == joints]
    own = np.stack([np.asarray(one.joint_weights) for one, _ in alike])
    of_each = np.array([share for _, share in alike])
    of_each = of_each if of_each.sum() > 0 else np.ones(len(alike))
    mean = np.average(own.astype(np.float64), axis=0, weights=of_each)
    return joints, mean.astype(np.float32)
