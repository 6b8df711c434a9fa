"""The functions of `import pose_action`."""

from __future__ import annotations

import dataclasses
import os
import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from input_pipeline.errors import PoseDataError
from pose_action.host.extras import naming_the_extra
from pose_action.host.user_paths import user_path

if TYPE_CHECKING:
  import ml_collections

  from input_pipeline.poses.clip import PoseClip
  from input_pipeline.poses.sources import ClipSource, PoseSource
  from input_pipeline.validation.validate import Validation
  from pose_action.inference.ensemble_predictor import EnsemblePredictor
  from pose_action.inference.predictor import Predictor

PathLike = str | os.PathLike[str]


def load(
  workdir: PathLike,
  *,
  checkpoint: str = 'best',
  abstain: bool = False,
  class_names: Sequence[str] | PathLike | None = None,
) -> Predictor | EnsemblePredictor:
  """Opens a trained model, an ensemble, or imported weights, ready to predict.

  Args:
    workdir: the output folder of a run, of an ensemble, or of `pose-action import`. Its
      checkpoints hold config, class names and skeleton; nothing else is needed.
    checkpoint: 'best' on validation ('last' if there was no validation), or 'last'.
    abstain: whether the model may answer "none of these": below the threshold that keeps
      95 % of its right answers on held-out clips.
    class_names: names for classes that the model knows by number only, in this order: a
      list, or a file *.txt with one per line.

  Returns:
    A `Predictor`, or for an ensemble an `EnsemblePredictor`; both predict on clips.

  Raises:
    FileNotFoundError: if there is no checkpoint.
    PredictorError: for another checkpoint name, or an incompatible workdir.
    PoseDataError: for class names that do not fit.

  Example:
    >>> import pose_action
    >>> model = pose_action.load('run')
    >>> model.class_names
    ('sit', 'walk', 'wave')
    >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
    ...                                 frame_size=(240, 320))
    >>> prediction = model(source.load('clip1'))
    >>> prediction.label in model.class_names
    True
  """
  from pose_action.inference.predictor import Predictor

  model = Predictor.from_workdir(workdir, checkpoint=checkpoint, abstain=abstain)
  if class_names is None:
    return model
  from pose_action.sources.class_names import name_classes

  return name_classes(model, class_names)


def read_poses(
  path: PathLike | None = None,
  format: str = 'auto',
  *,
  skeleton: str | None = None,
  frame_size: tuple[int, int] | None = None,
  max_people: int | None = None,
  per_person: bool | None = None,
  short_side: int | None = None,
  normalized: bool | None = None,
  trust_order: bool | None = None,
  frame_rate: float | None = None,
  dataset: str | None = None,
  annotations: PathLike | None = None,
) -> ClipSource:
  """Opens the pose clips in a file or folder; each clip is loaded on demand.

  Args:
    path: file or folder. None for a `dataset` that the library generates.
    format: the tool or data set that wrote it: 'openpose', 'coco', 'numpy', …, see
      docs/data_formats.md. 'auto' recognises it; the source's notes say how.
    skeleton: the joint layout: a registered name, such as 'coco_17', or a file *.yaml
      or *.json. Not for formats or data sets that fix it.
    frame_size: (height, width) of the frames in pixels, if the files do not contain it.
    max_people: keep the most prominent people of each frame; 5 by default.
    per_person: one clip per person of a video, named VIDEO#0, VIDEO#1, ….
    short_side: for maps of a pose network: cells on the shorter side of the frame.
    normalized: positions are fractions of the frame, in a format that holds pixels.
    trust_order: take joints in the skeleton's order, whatever the files name them.
    frame_rate: frames per second, where the files do not state them.
    dataset: name of a known data set, whose splits and labels the clips must have.
    annotations: folder of its official annotation, for poses without splits or labels.

  Returns:
    A source with `splits` (clip names by split), `class_names`, `skeleton`, `load(name)`.

  Raises:
    PoseDataError: for an unknown format, another path, or options that it does not take.
    PoseDatasetError: if the clips do not belong to `dataset`.
    SkeletonError: for an unknown skeleton.

  Warns:
    PoseWarning: for doubtful content, also when a clip is loaded.

  Example:
    >>> import pose_action
    >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
    ...                                 frame_size=(240, 320))
    >>> source.splits
    {'all': ('clip1', 'clip2')}
    >>> source.load('clip1').keypoints.shape  # frames, people, joints, (x, y)
    (8, 1, 17, 2)
  """
  given = _given(
    frame_size=frame_size, max_people=max_people, per_person=per_person,
    short_side=short_side, normalized=normalized, trust_order=trust_order,
    frame_rate=frame_rate,
  )  # fmt: skip
  source = _open_poses(path, format, skeleton, given, dataset, annotations)
  return _warning_source(source)


def _given(**options: Any) -> dict[str, Any]:
  return {name: value for name, value in options.items() if value is not None}


def _warning_source(source: ClipSource) -> ClipSource:
  """Makes Python warnings of the source's notes, and of each clip's when it is loaded."""
  from input_pipeline.poses.notes import PoseWarning
  from input_pipeline.poses.sources import PoseSource, source_notes

  for note in source_notes(source):
    if note.is_warning:
      warnings.warn(note.message, PoseWarning, stacklevel=3)
  if not isinstance(source, PoseSource):
    return source
  return dataclasses.replace(source, load=_WarningLoad(source.load))


@dataclasses.dataclass(frozen=True)
class _WarningLoad:
  """Loads a clip with `silent`, and makes Python warnings of its notes."""

  silent: Callable[[str], PoseClip]

  def __call__(self, video_id: str) -> PoseClip:
    from input_pipeline.poses.notes import PoseWarning

    clip = self.silent(video_id)
    for note in clip.notes:
      if note.is_warning:
        warnings.warn(f'clip {video_id!r}: {note.message}', PoseWarning, stacklevel=2)
    return clip


def _open_poses(path, format, skeleton, given, dataset, annotations) -> ClipSource:
  from input_pipeline.catalog.open_source import load_source
  from input_pipeline.readers.options import ReadOptions
  from input_pipeline.readers.registry import read_poses as read

  options = ReadOptions(**given) if given else None
  if dataset is not None:
    return load_source(
      dataset,
      format=None if format == 'auto' else format,
      poses=path,
      skeleton=skeleton,
      options=options,
      annotations=annotations,
    )
  if annotations is not None:
    raise PoseDataError('annotations belong to a known data set: give dataset too')
  if path is None:
    raise PoseDataError(
      'give the path of a file or folder, or the name of a known dataset'
    )
  return read(format, path, skeleton=skeleton, options=options)


def cut_segments(
  source: ClipSource,
  segments: PathLike,
  *,
  window: str = '2s',
  stride: str = '1s',
  background: str = '',
  frame_rate: float | None = None,
  tiers: Sequence[str] = (),
) -> PoseSource:
  """Cuts whole videos into training windows with the labels of a segment file.

  Args:
    source: what `read_poses` returns for the poses of whole videos.
    segments: a file of ELAN (`.eaf`), or a CSV of BORIS, VIA 3, or with the columns
      video, person, start, stop (in seconds) and label.
    window, stride: length of a window, and distance between two in a long segment: '30'
      is frames, '2s' seconds.
    background: the class of the time without a segment; '' leaves it out.
    frame_rate: frames per second of all videos, where neither the pose files nor the
      segment file state it.
    tiers: names of an ELAN file's tiers to read; none for all.

  Returns:
    A source with one clip per window, named VIDEO#PERSON@FRAME, to export and train on.

  Raises:
    PoseDataError: for an invalid segment file, or segments that do not fit the videos.
    MissingExtraError: for an `.eaf` file without the extra `elan`.

  Example:
    >>> import pathlib, pose_action
    >>> text = 'video,start,stop,label\\nclip1,0,0.5,sit\\nclip1,0.5,1,walk\\n'
    >>> _ = pathlib.Path('segments.csv').write_text(text)
    >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
    ...                                 frame_size=(240, 320))
    >>> cut = pose_action.cut_segments(source, 'segments.csv', frame_rate=8)
    >>> cut.splits, cut.class_names
    ({'all': ('clip1#0@0', 'clip1#0@4')}, ('sit', 'walk'))
  """
  from input_pipeline.annotations.training_windows import (
    SegmentOptions,
    tier_names,
    with_segments,
  )

  path = os.fspath(segments)
  options = SegmentOptions(
    path, window, stride, background, frame_rate, tier_names(tiers)
  )
  return with_segments(source, options)


def validate(
  source: ClipSource,
  *,
  dataset: str | None = None,
  progress: Callable[[str], object] | None = None,
) -> Validation:
  """Loads every clip once, and reports errors and warnings about the poses.

  Args:
    source: what `read_poses` returns.
    dataset: name of a known data set, whose training and test splits are compared.
    progress: called with a line of text about once per second; silent by default.

  Returns:
    `errors` and `warnings`, each with a message and the clips concerned; `print` shows
    them. What is doubtful about a clip is among them, not a Python warning.

  Example:
    >>> import pose_action
    >>> source = pose_action.read_poses('poses', format='numpy', skeleton='coco_17',
    ...                                 frame_size=(240, 320))
    >>> pose_action.validate(source).errors
    ()
  """
  from input_pipeline.catalog.protocols import PROTOCOLS
  from input_pipeline.validation.validate import validate as check

  protocol = PROTOCOLS.get(dataset or '')
  pairs = protocol.splits if protocol else ()
  load = getattr(source.load, 'load', source.load)  # Inside the source's ClipLoader.
  if isinstance(load, _WarningLoad):  # The findings say what it would warn of.
    source = dataclasses.replace(source, load=load.silent)
  return check(source, pairs, progress or (lambda line: None))


def train(
  config: ml_collections.ConfigDict | str, workdir: PathLike
) -> dict[str, Any] | None:
  """Trains a model or an ensemble and evaluates it, or resumes the run in the workdir.

  Args:
    config: the experiment; with `members` it is an ensemble; or its file or name with options, such as
      'pa3d_jhmdb:split=1,quick'.
    workdir: output folder for checkpoints, metrics and results.

  Returns:
    The content of `results.json`.

  Raises:
    ValueError: for an invalid config, missing data, or a workdir that belongs to another
      run.

  Example:
    >>> import pose_action
    >>> results = pose_action.train('my_config.py', 'new_run')  # doctest: +ELLIPSIS
    validation: fold 0 of 5, ...
    >>> results['dataset'], results['evaluations'][0]['num_clips']
    ('tiny', 8)
  """
  with naming_the_extra():
    from pose_action.ensembles.experiment import train_and_evaluate

  return train_and_evaluate(_as_config(config), os.fspath(workdir))


def evaluate(
  workdir: PathLike, config: ml_collections.ConfigDict | str | None = None
) -> dict[str, Any] | None:
  """Evaluates a run or an ensemble again and writes its results files.

  Args:
    workdir: the run's output folder.
    config: another config, for example with another data folder; the run's own by
      default.

  Returns:
    The content of `results.json`.

  Example:
    >>> import pose_action
    >>> results = pose_action.evaluate('my_run')  # doctest: +ELLIPSIS
    validation: fold 0 of 5, ...
    >>> results['headline']['split']
    'test'
  """
  with naming_the_extra():
    from pose_action.ensembles.experiment import train_and_evaluate
    from pose_action.training import saved_config

  saved = user_path(workdir) / 'config.json'
  if config is None and not saved.is_file():
    raise FileNotFoundError(f'{saved} does not exist; give the workdir of a run')
  chosen = saved_config.get_config(saved) if config is None else _as_config(config)
  return train_and_evaluate(chosen, os.fspath(workdir), trains=False)


def _as_config(config: ml_collections.ConfigDict | str) -> ml_collections.ConfigDict:
  from pose_action.training.shipped_configs import load_config

  return load_config(config) if isinstance(config, str) else config
