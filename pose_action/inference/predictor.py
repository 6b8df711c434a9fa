"""Predictor: the trained model of a workdir, ready to predict on clips."""

from __future__ import annotations

import functools
import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
from jaxtyping import Array, Float

from input_pipeline.errors import SkeletonError
from input_pipeline.loading.clip_rows import Batch, evaluation_batch
from input_pipeline.maps.modalities import stored_modalities
from input_pipeline.model_input import batch_input
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.poses.skeleton_mapping import map_clip, mapping_note
from input_pipeline.poses.sources import HeatmapClip, PotionClip
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.examples import AnyClip, clip_features
from input_pipeline.storage.map_settings import rendering_settings
from model_lib.output import ModelOutput
from pose_action.evaluation.calibration import with_temperature
from pose_action.fusion.fused_members import (
  is_ensemble,
  is_unfinished_ensemble,
  read_ensemble,
)
from pose_action.host.garbage import search_paused
from pose_action.host.user_paths import user_path
from pose_action.inference.activations import Activations, activations_of_clip
from pose_action.inference.call import CallMethods
from pose_action.inference.clip_rate import at_own_rate
from pose_action.inference.ensemble_predictor import EnsemblePredictor
from pose_action.inference.errors import PredictorError, naming_the_config
from pose_action.inference.prediction import Prediction
from pose_action.inference.saved_temperature import (
  saved_temperature,
  saved_threshold,
  stored_threshold,
)
from pose_action.inference.timelines.model_methods import TimelineMethods
from pose_action.runtime import sharding
from pose_action.runtime.compiler_options import convolution_options
from pose_action.training import input_settings
from pose_action.training.clip_times import ClipTimes
from pose_action.training.evaluation_step import EvaluationOutput, evaluation_step
from pose_action.training.losses import LossSettings, class_probabilities
from pose_action.training.saved_model import SavedModelError, load_model

_READS = {'frames': 'maps of single frames', 'trajectories': 'trajectories of joints'}


class Predictor(CallMethods, TimelineMethods):
  """A trained model, ready to predict; see `from_workdir`.

  Attributes:
    config: the run's config.
    class_names: names by class index.
    skeleton: the joint layout that the model reads; poses of others are mapped to it.
    step: the checkpoint's training step.
    threshold: below this probability the label is "none of these"; None for a model that
      always answers.
    bout_threshold: the run's threshold for "none of these", whether the model always
      answers or not; None if it has none. Actions in timelines begin at it.
    temperature: makes probabilities mean something, see `evaluation/calibration.py`; 1
      changes nothing, and is used unless `config.eval.calibrate` is set.
    clip_times: lengths and frame rates of the training clips; None if unknown. A clip of
      another known rate is resampled in time, with a warning.
    background_class: the class that is no action, such as that of time without a segment;
      '' if there is none.

  Example:
    >>> import pose_action
    >>> model = pose_action.Predictor.from_workdir('run')
    >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
    ...                                 frame_size=(240, 320))
    >>> many = model.predict(map(source.load, source.splits['all']), batch_size=8)
    >>> [prediction.video_id for prediction in many]
    ['clip1', 'clip2']
  """

  def __init__(
    self,
    *,
    config: ml_collections.ConfigDict,
    class_names: tuple[str, ...],
    skeleton: Skeleton,
    model: nn.Module,
    variables: dict[str, Any],
    step: int,
    temperature: float = 1.0,
    threshold: float | None = None,
    bout_threshold: float | None = None,
    clip_times: ClipTimes | None = None,
    background_class: str = '',
  ):
    self.config = config
    self.class_names = class_names
    self.skeleton = skeleton
    self.step = step
    self.temperature = temperature
    self.threshold = threshold
    self.bout_threshold = bout_threshold
    self.clip_times = clip_times
    self.background_class = background_class
    self._variables = variables
    self._losses = LossSettings.from_config(config.train, steps_per_epoch=1)
    self._clip_settings = input_settings.clip_settings(config, skeleton)
    input_of_batch = functools.partial(
      batch_input,
      skeleton=skeleton,
      settings=input_settings.map_settings(config),
      augmentation=input_settings.augment_settings(config),
      trajectories=input_settings.trajectory_settings(config),
    )
    options = None
    if config.train.fast_cpu_convolutions:
      options = convolution_options(jax.default_backend(), trains=False)
    self._evaluate = jax.jit(
      functools.partial(
        evaluation_step,
        model=model,
        input_of_batch=input_of_batch,
        losses=self._losses,
        average=config.eval.average,
        mirror=input_settings.mirror_permutation(config, skeleton),
      ),
      compiler_options=options,
    )
    self._activations = jax.jit(
      functools.partial(
        activations_of_clip,
        model=model,
        input_of_batch=input_of_batch,
        modalities=tuple(config.data.modalities),
      )
    )
    self._apply = jax.jit(
      functools.partial(model.apply, train=False), compiler_options=options
    )

  @classmethod
  def from_workdir(
    cls,
    workdir: str | os.PathLike[str],
    *,
    checkpoint: str = 'best',
    abstain: bool = False,
  ) -> Predictor | EnsemblePredictor:
    """Opens a workdir, whose checkpoint holds config, class names and skeleton.

    Args:
      workdir: the output folder of a run, of an ensemble, or of `pose-action import`.
      checkpoint: 'best' on validation ('last' if there was no validation), or 'last'; its
        averaged weights if the run is judged by them (`config.eval.weights`).
      abstain: whether the model may answer "none of these": below the threshold that
        keeps 95 % of its right answers on held-out clips.

    Returns:
      For an ensemble's workdir, an `EnsemblePredictor`.

    Raises:
      FileNotFoundError: if there is no checkpoint.
      PredictorError: for another checkpoint name, or an incompatible workdir.
    """
    if is_unfinished_ensemble(workdir):
      raise PredictorError(
        f'{workdir} holds an ensemble whose training has not ended; the command that'
        ' started it continues it'
      )
    if not is_ensemble(workdir):
      return cls._of_run(workdir, checkpoint, abstain)
    fused = read_ensemble(workdir)
    return EnsemblePredictor(
      {
        name: cls._of_run(user_path(workdir) / folder, checkpoint)
        for name, folder in fused.folders.items()
      },
      fused,
      saved_threshold(workdir, ('last',)) if abstain else None,
      stored_threshold(workdir, ('last',)),
    )

  @classmethod
  @search_paused()
  def _of_run(
    cls, workdir: str | os.PathLike[str], checkpoint: str, abstain: bool = False
  ) -> Predictor:
    mesh = sharding.make_mesh(jax.devices()[:1])
    try:
      saved = load_model(workdir, checkpoint=checkpoint, mesh=mesh)
    except SavedModelError as error:
      raise PredictorError(str(error)) from error
    with naming_the_config(workdir):
      # Without validation, the best checkpoint is the last.
      last = saved.config.eval.get('weights', 'last')
      names = ('best', last) if checkpoint == 'best' else (last,)
      temperature, threshold = 1.0, None
      calibrates = bool(saved.config.eval.calibrate)
      if calibrates:
        temperature = saved_temperature(workdir, names, saved.step)
      of_run = workdir, names, saved.step
      if abstain:
        threshold = saved_threshold(*of_run, calibrated=calibrates)
      return cls(
        config=saved.config,
        class_names=saved.class_names,
        skeleton=saved.skeleton,
        model=saved.model,
        variables=saved.variables,
        step=saved.step,
        temperature=temperature,
        threshold=threshold,
        bout_threshold=stored_threshold(*of_run, calibrated=calibrates),
        clip_times=saved.clip_times,
        background_class=saved.background_class,
      )

  def start(
    self, clips: Sequence[AnyClip], *, batch_size: int = 32
  ) -> Callable[[], list[Prediction]]:
    """Starts the prediction of at most `batch_size` clips.

    The batch has a power of two of rows, so that few shapes are compiled.

    Returns:
      A function that waits for the device and returns what `predict` returns. Until it is
      called, the host is free to load further clips.

    Raises:
      PredictorError: same as `predict`.
    """
    records = [self._record(clip) for clip in clips]
    started = []
    # Poses and ready maps have different fields, so they cannot share a batch.
    for _, alike in itertools.groupby(
      zip(clips, records, strict=True), key=lambda pair: sorted(pair[1])
    ):
      alike_clips, alike_records = zip(*alike, strict=True)
      batch = self._batch(alike_records, _padded_size(len(alike_records), batch_size))
      started.append((alike_clips, self._evaluate(self._variables, batch)))
    return lambda: [
      prediction
      for alike, output in started
      for prediction in self._predictions(alike, jax.device_get(output))
    ]

  def _predictions(
    self, clips: Sequence[AnyClip], output: EvaluationOutput
  ) -> Iterator[Prediction]:
    """Each clip's prediction, without the padding rows."""
    probabilities = np.asarray(output.probabilities)
    if self.temperature != 1:
      probabilities = with_temperature(
        probabilities, self.temperature, multi_label=self.multi_label
      ).astype(np.float32)
    for row, clip in enumerate(clips):
      weights = output.joint_weights
      yield Prediction(
        video_id=clip.video_id,
        class_names=self.class_names,
        probabilities=probabilities[row],
        joints=self.skeleton.map_names,
        joint_weights=None if weights is None else np.asarray(weights[row]),
        multi_label=self.multi_label,
        threshold=self.threshold,
      )

  def activations(self, clip: AnyClip) -> Activations:
    """Returns the model's activations for the middle view of one clip, as numpy arrays.

    Raises:
      PredictorError: for a clip whose joints cannot be mapped to the model's.

    Warns:
      PoseWarning: for a clip whose joints are mapped.
    """
    return jax.device_get(
      self._activations(self._variables, self._batch([self._record(clip)], 1))
    )

  def apply_potion(self, maps: Float[Array, 'b j h w c']) -> ModelOutput:
    """Applies a JMRN to ready PoTion maps whose joints are in `skeleton`'s order.

    Raises:
      PredictorError: if the model does not read PoTion maps, or the shape does not fit.
    """
    self._refuse_unless_potion()
    (example,) = jax.tree.leaves(
      input_settings.example_input(self.config, self.skeleton)
    )
    expected, shape = example.shape, np.shape(maps)
    # Height and width are free: the network averages over them.
    if len(shape) != 5 or shape[1] != expected[1] or shape[-1] != expected[-1]:
      raise PredictorError(
        f'maps have shape {shape}, but need [clips, {expected[1]} joints, height,'
        f' width, {expected[-1]} channels], the joints in the order'
        f' {", ".join(self.skeleton.map_names)}'
      )
    return self._apply(self._variables, jnp.asarray(maps, jnp.float32))

  def probabilities(self, output: ModelOutput) -> Float[np.ndarray, 'b k']:
    """Returns class probabilities for the output of `apply_potion`."""
    return np.asarray(class_probabilities(output.logits, self._losses))

  @property
  def multi_label(self) -> bool:
    """Whether a clip may have several labels."""
    return self._losses.classification == 'binary_cross_entropy'

  def _batch(self, records: Sequence[dict[str, Any]], size: int) -> Batch:
    """Returns the records as one evaluation batch, padded to `size` rows."""
    return evaluation_batch(
      records, self._clip_settings, size=size, num_views=self.config.eval.views
    )

  def _record(self, clip: AnyClip) -> dict[str, Any]:
    """Returns the clip as the run's data set would store it."""
    ready = isinstance(clip, HeatmapClip | PotionClip)
    if ready and self.config.data.encoding == 'trajectories':
      raise PredictorError(
        f'clip {clip.video_id!r} is ready maps, which hold no positions, but this model'
        ' reads trajectories of joints; give it clips of poses'
      )
    clip, changed = at_own_rate(clip, self.clip_times)
    if changed:
      warnings.warn(changed, PoseWarning, stacklevel=4)
    clip = self._with_own_joints(clip)
    if isinstance(clip, PotionClip):
      self._refuse_unless_potion()
    features = clip_features(
      clip, self.config.data.representation, self._stored_settings(clip)
    )
    return {'label': 0, **{name: make() for name, make in features.items()}}

  def _refuse_unless_potion(self):
    encoding = self.config.data.encoding
    if encoding != 'potion':
      raise PredictorError(
        f'this model reads {_READS[encoding]}, not PoTion maps; give it clips of poses'
      )

  def _with_own_joints(self, clip: AnyClip) -> AnyClip:
    """Maps poses of another skeleton, with a warning that says how."""
    if clip.skeleton.joints == self.skeleton.joints:
      return clip
    try:
      if not isinstance(clip, PoseClip):
        raise SkeletonError('ready maps cannot be mapped to another skeleton')
      mapped = map_clip(clip, self.skeleton)
    except SkeletonError as error:
      raise PredictorError(
        f'clip {clip.video_id!r} has the joints of {clip.skeleton.name!r}'
        f' ({", ".join(clip.skeleton.joints)}), but the model was trained on those of'
        f' {self.skeleton.name!r} ({", ".join(self.skeleton.joints)}): {error}'
      ) from error
    note = mapping_note(clip.skeleton, self.skeleton)
    warnings.warn(note.message, PoseWarning, stacklevel=4)
    return mapped

  def _stored_settings(self, clip: AnyClip) -> dict[str, Any]:
    """Returns the run's rendering settings, or the modalities to read from ready maps."""
    data = self.config.data
    modalities = stored_modalities(data.modalities)
    if isinstance(clip, PotionClip | HeatmapClip):
      return {'modalities': modalities}
    if 'features' in modalities:
      raise PredictorError(
        f'the model reads {", ".join(modalities)}, but poses have no features; give it'
        ' the maps of a pose network (a HeatmapClip)'
      )
    return rendering_settings(
      data.representation,
      self.skeleton,
      short_side=data.map_short_side,
      sigma=data.map_sigma,
      channels=data.potion.channels,
      weights=data.potion.weights,
      modalities=modalities,
      part_width=data.part_width,
    )


def _padded_size(count: int, batch_size: int) -> int:
  """Returns the next power of two, at most `batch_size`, so that few sizes occur."""
  return min(1 << (count - 1).bit_length(), batch_size)
