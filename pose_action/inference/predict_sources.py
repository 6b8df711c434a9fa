"""Predicts on every clip of any sources; what fails is named and never ends the rest."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from input_pipeline.errors import PoseDataError, PoseDatasetError, SkeletonError
from input_pipeline.poses.notes import PoseWarning, as_lines, gathering_warnings
from input_pipeline.poses.sources import ClipSource, source_notes
from input_pipeline.storage.examples import AnyClip
from pose_action.host.progress import Progress
from pose_action.inference.clip_rate import unknown_training_rate
from pose_action.inference.errors import PredictorError
from pose_action.inference.prediction import Prediction, Predictions
from pose_action.inference.usable_clips import UsableClips, offered_clips
from pose_action.sources.footage import with_footage
from pose_action.sources.opener import Opened, Reading, open_any
from pose_action.sources.stored import own_clips

if TYPE_CHECKING:
  from pose_action.inference.ensemble_predictor import EnsemblePredictor
  from pose_action.inference.predictor import Predictor

  AnyPredictor = Predictor | EnsemblePredictor

BATCH_SIZE = 32  # Clips per call of the model (our choice).
_MAPS_AT_ONCE = 4  # A clip of maps may take 100 MB (our choice).
_UNUSABLE = (PoseDataError, PoseDatasetError, SkeletonError, PredictorError, OSError)


class SourceClips:
  """Opens sources one after another, with the joints of one model.

  Attributes:
    failed: (source, reason) for each source that cannot be used at all.
    missing: requested clips that none of several sources has, after the last source.

  Args:
    names: see `open_any`; none: the clips that the model was not trained on.
    reading: what the user says about the sources.
    video_ids: the clips to load; None for all.
  """

  def __init__(
    self,
    predictor: AnyPredictor,
    names: Sequence[str],
    reading: Reading,
    video_ids: Sequence[str] | None = None,
  ):
    self.failed: list[tuple[str, str]] = []
    self.missing: tuple[str, ...] = ()
    self._predictor = predictor
    self._names = tuple(names)
    self._reading = reading
    self._asked = video_ids

  def __iter__(self) -> Iterator[tuple[str, UsableClips]]:
    """Yields the name of each source, and its clips.

    Raises:
      ValueError, OSError: what is wrong with the only source.
    """
    found: set[str] = set()
    if line := unknown_training_rate(self._predictor.clip_times):
      self._reading.say(line)
    for name in self._names or ('',):
      try:
        opened = self._open(name)
        offered = offered_clips(opened.source, self._wanted(opened.source))
      except _UNUSABLE as error:
        if len(self._names) < 2:
          raise
        self.failed.append((name, str(error)))
        self._reading.say(f'{name}: cannot be used: {error}')
        continue
      found |= {*offered}
      clips = UsableClips(
        opened.source,
        offered,
        self._predictor,
        self._reading.say,
        is_temporary=opened.is_temporary,
      )
      clips.refused += opened.broken  # The extraction has said so.
      yield opened.name, clips
    self.missing = tuple(name for name in self._asked or () if name not in found)
    for name in self.missing:
      self._reading.say(f'{name}: cannot be used: no source has a clip of this name')

  def _wanted(self, source: ClipSource) -> Sequence[str] | None:
    """The requested clips that a source has; with one source, all requested clips."""
    if self._asked is None or len(self._names) < 2:
      return self._asked
    offered = {video_id for ids in source.splits.values() for video_id in ids}
    return [video_id for video_id in self._asked if video_id in offered]

  def _open(self, name: str) -> Opened:
    config, skeleton = self._predictor.config, self._predictor.skeleton
    if name:
      opened = open_any(name, self._reading, config=config, model=skeleton)
    else:
      own = own_clips(config, self._reading.data_dir or config.data.data_dir)
      self._reading.say(own.words)
      opened = Opened(config.data.dataset, own.source)
    for line in as_lines(('', note) for note in source_notes(opened.source)):
      self._reading.say(line)
    return opened


def predict_clips(
  predictor: AnyPredictor, name: str, clips: UsableClips
) -> Iterator[list[Prediction]]:
  """Predicts on a source's clips, a batch at a time.

  A clip that the model refuses is added to `clips.refused`. What the model warns of is
  said once, at the end.

  Args:
    name: of the source, for the predictions.
  """
  size = _MAPS_AT_ONCE if clips.are_maps else BATCH_SIZE
  warned: dict[str, None] = {}
  remaining = iter(clips)
  started: collections.deque[_Started] = collections.deque()
  try:
    while batch := list(itertools.islice(remaining, size)):
      with gathering_warnings(warned):
        started.append(_Started(batch, _start(predictor, batch, size, clips)))
      # The device computes a batch while the host loads the next; of maps, one is enough.
      if len(started) > 1 or clips.are_maps:
        yield _finished(started.popleft(), predictor, name, clips)
    if started:
      yield _finished(started.popleft(), predictor, name, clips)
  finally:
    for message in warned:
      clips.say(f'warning: {message}')


# Waits for the device; each clip's identity and prediction.
_Finish = Callable[[], list[tuple[int, Prediction]]]


class _Started(NamedTuple):
  """Clips whose prediction has started."""

  clips: Sequence[AnyClip]
  finish: _Finish


def _start(
  predictor: AnyPredictor, batch: Sequence[AnyClip], size: int, clips: UsableClips
) -> _Finish:
  """Starts the prediction of a batch; of each clip alone if the model refuses any."""
  try:
    finish = predictor.start(batch, batch_size=size)
    return lambda: [(id(c), one) for c, one in zip(batch, finish(), strict=True)]
  except _UNUSABLE as error:
    if len(batch) == 1:
      clips.refuse(batch[0].video_id, str(error))
      return list
  alone = [_start(predictor, [c], size, clips) for c in batch]
  return lambda: [found for finish in alone for found in finish()]


def _finished(
  started: _Started, predictor: AnyPredictor, name: str, clips: UsableClips
) -> list[Prediction]:
  """The predictions, with what is known of their clips."""
  of_clip = {id(clip): clip for clip in started.clips}
  return [
    dataclasses.replace(
      one,
      source=name,
      labels=_names(predictor, of_clip[key]),
      load_clip=clips.again(of_clip[key]),
    )
    for key, one in started.finish()
  ]


def _names(predictor: AnyPredictor, clip: AnyClip) -> tuple[str, ...]:
  classes = predictor.class_names
  return tuple(classes[label] for label in clip.labels if 0 <= label < len(classes))


def predictions_of(
  predictor: AnyPredictor,
  source: str | os.PathLike[str] | ClipSource | Sequence[str | os.PathLike[str]],
  reading: Reading,
) -> Predictions:
  """Predicts on all clips of one or several sources, for use from Python.

  Raises:
    ValueError, OSError: what is wrong with the only source.

  Warns:
    PoseWarning: for each clip or source that cannot be used, and for what is doubtful.
  """
  said: list[str] = []
  reading = dataclasses.replace(reading, say=said.append)
  refused: list[tuple[str, str]] = []
  predictions: list[Prediction] = []
  if isinstance(source, str | os.PathLike):
    source = [source]
  if isinstance(source, Sequence):
    opened = SourceClips(predictor, [os.fspath(name) for name in source], reading)
    pairs = iter(opened)
    failed = opened.failed
  else:
    if reading.footage:
      source = with_footage(source, reading.footage)
    ids = offered_clips(source, None)
    pairs = iter([('', UsableClips(source, ids, predictor, said.append))])
    failed = []
  for name, clips in pairs:
    for batch in predict_clips(predictor, name, clips):
      predictions += batch
    refused += clips.refused
  for line in said:
    if not line.startswith('note: '):
      warnings.warn(line.removeprefix('warning: '), PoseWarning, stacklevel=3)
  return Predictions(predictions, (*failed, *refused))


def with_progress(
  batches: Iterator[list[Prediction]], count: int, say: Callable[[str], object]
) -> Iterator[list[Prediction]]:
  """Passes batches on, and shows how many of `count` clips are done."""
  pace = Progress(count, 'clips', say)
  try:
    for batch in batches:
      yield batch
      pace.add(len(batch))
  finally:
    pace.close()
