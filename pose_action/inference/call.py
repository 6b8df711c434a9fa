"""The call `model(source)` of every model that predicts."""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, cast, overload

from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.footage import Footage
from input_pipeline.poses.sources import ClipSource, HeatmapClip, PotionClip
from input_pipeline.readers.options import ReadOptions
from input_pipeline.storage.examples import AnyClip
from pose_action.host.user_paths import user_path
from pose_action.inference.errors import PredictorError
from pose_action.inference.prediction import Prediction, Predictions

if TYPE_CHECKING:
  from pose_action.extraction.extractor import PoseExtractor
  from pose_action.inference.ensemble_predictor import EnsemblePredictor
  from pose_action.inference.predictor import Predictor
  from pose_action.sources.opener import Reading

PathLike = str | os.PathLike[str]
Sources = PathLike | ClipSource | Sequence[PathLike]


class CallMethods:
  """What a model answers for a clip, or for every clip of any source."""

  @overload
  def __call__(self, source: AnyClip) -> Prediction: ...

  @overload
  def __call__(
    self,
    source: Sources,
    *,
    format: str | None = None,
    skeleton: str | None = None,
    data_dir: PathLike | None = None,
    extractor: PoseExtractor | None = None,
    video: PathLike | None = None,
    **options: Any,
  ) -> Predictions: ...

  def __call__(
    self,
    source: AnyClip | Sources,
    *,
    format: str | None = None,
    skeleton: str | None = None,
    data_dir: PathLike | None = None,
    extractor: PoseExtractor | None = None,
    video: PathLike | None = None,
    **options: Any,
  ) -> Prediction | Predictions:
    """Predicts the action in one clip, or in every clip of any source.

    As an evaluation would, averaged over all views. Labels are not read.

    Args:
      source: a clip; or pose files of any format, a data set on disk by folder or name, a
        video, a folder of frames, a camera's number as text, several of these, or what
        `read_poses` returns.
      format, skeleton: those of pose files; recognised by default.
      data_dir: the folder for data sets that are named; by default the run's own.
      extractor: the pose network for videos, from `pose_action.make_extractor`.
      video: the video in which poses from elsewhere were found, or a folder of videos
        that are named as the clips; what `.save('x.mp4')` draws on.
      options: further ones of `read_poses`.

    Returns:
      A Prediction for a clip; else Predictions, a list with `.save(path)`.

    Raises:
      PredictorError: for a clip whose joints cannot be mapped to the model's.
      ValueError, OSError: for the only source, if it cannot be used.

    Warns:
      PoseWarning: for mapped joints, and for each clip or source that cannot be used.

    Example:
      >>> import pose_action
      >>> model = pose_action.load('run')
      >>> answers = model('poses', skeleton='coco_17', frame_size=(240, 320))
      >>> len(answers)
      2
      >>> answers.save('answers.csv')  # or .html, .mp4, .gif, .json, .npz
    """
    from pose_action.sources.opener import Reading

    model = cast('Predictor | EnsemblePredictor', self)
    if isinstance(source, PoseClip | HeatmapClip | PotionClip):
      return _of_clip(model, source, video)
    reading = Reading(
      format=format,
      skeleton=skeleton,
      options=ReadOptions(**options) if options else None,
      data_dir=os.fspath(data_dir or model.config.data.data_dir),
      footage=None if video is None else os.fspath(video),
    )
    return _of_sources(model, source, reading, extractor)

  def predict(
    self, clips: Iterable[AnyClip], *, batch_size: int = 32
  ) -> list[Prediction]:
    """Predicts the actions in clips of any length, in order.

    Batches have `batch_size` rows; the last one is padded to a power of two. So the model
    is compiled for few shapes, whatever the number of clips and their lengths.

    Args:
      clips: consumed one batch at a time, so a generator may load them lazily; the next
        batch is loaded while the device computes.
      batch_size: clips per batch, each with all its views.

    Raises:
      PredictorError: for a clip that the model cannot read, such as one whose joints
        cannot be mapped to the model's.

    Warns:
      PoseWarning: for a clip whose joints are mapped, once for all members.
    """
    if batch_size < 1:
      raise PredictorError(f'batch_size is {batch_size}, but must be at least 1')
    model = cast('Predictor | EnsemblePredictor', self)
    predictions: list[Prediction] = []
    remaining = iter(clips)
    finish: Callable[[], list[Prediction]] = list
    while some := list(itertools.islice(remaining, batch_size)):
      # The device computes a batch while the host loads the next.
      started = model.start(some, batch_size=batch_size)
      predictions += finish()
      finish = started
    return predictions + finish()


def _of_clip(
  model: Predictor | EnsemblePredictor, clip: AnyClip, video: PathLike | None
) -> Prediction:
  (one,) = model.predict([clip], batch_size=1)
  if video is not None and not isinstance(clip, PotionClip):
    clip = dataclasses.replace(clip, footage=Footage(user_path(video)))
  return dataclasses.replace(one, load_clip=lambda: clip)


def _of_sources(
  model: Predictor | EnsemblePredictor,
  source: Sources,
  reading: Reading,
  extractor: PoseExtractor | None,
) -> Predictions:
  """Predicts on all clips; poses are found in videos by the extractor, if there is one."""
  from pose_action.extraction.extract import ExtractionOptions
  from pose_action.inference.predict_sources import predictions_of
  from pose_action.sources.video_poses import VideoPoses

  if extractor is None:
    return predictions_of(model, source, reading)
  rate = None if reading.options is None else reading.options.frame_rate
  with VideoPoses(
    lambda: extractor, ExtractionOptions(frame_rate=rate), lambda line: None
  ) as videos:
    reading = dataclasses.replace(reading, videos=videos)
    return predictions_of(model, source, reading)
