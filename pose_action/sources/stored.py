"""Opens data sets on disk by name or folder, and the clips that a model was tested on."""

from __future__ import annotations

import dataclasses
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ml_collections

from input_pipeline.catalog.open_for_model import generated_clips
from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import ClipSource, PotionClip, with_notes
from input_pipeline.readers.videos.table import TABLE, read_table
from pose_action.extraction.pose_files import FOLDER
from pose_action.host.extras import naming_the_extra
from pose_action.host.user_paths import user_path

if TYPE_CHECKING:
  from input_pipeline.storage.dataset import PoseDataset

# Which form of a data set is taken if the reader does not prefer one.
_USUAL_ORDER = ('keypoints', 'heatmaps', 'potion')


def open_stored(
  name: str, *, data_dir: str | None, preferred: str | None = None
) -> ClipSource:
  """Opens a data set on disk as a source, with all its splits.

  Args:
    name: the data set's folder, that of one of its forms, or its name in `data_dir`.
    data_dir: the folder for data sets.
    preferred: 'keypoints', 'heatmaps' or 'potion', if the data set has several.

  Raises:
    PoseDataError: if the folder holds several data sets.
    PoseDatasetError: if the data set is damaged.
  """
  with naming_the_extra():
    from input_pipeline.storage.dataset import open_dataset
    from input_pipeline.storage.stored_source import stored_source
    from input_pipeline.validation.stored_dataset import datasets_at
  is_path = '://' in name or user_path(name).exists()
  place = name if is_path or not data_dir else os.path.join(data_dir, name)
  found = {folder.parts[-2]: folder for folder in datasets_at(place)}
  names = {folder.parts[-3] for folder in datasets_at(place)}
  if len(names) != 1:
    raise PoseDataError(
      f'{name} holds {len(names)} data sets ({", ".join(sorted(names))}); give the'
      ' folder of one'
    )
  order = (preferred, *_USUAL_ORDER) if preferred else _USUAL_ORDER
  directory = found[next(form for form in order if form in found)]
  dataset = open_dataset(directory.parents[2], *directory.parts[-3:-1])
  return _on_footage(stored_source(dataset), directory)


def _on_footage(source: ClipSource, directory: PathLike) -> ClipSource:
  """The source of an extracted data set, whose clips know the frames of their videos.

  Args:
    directory: of one form of the data set.
  """
  table = pathlib.Path(os.fspath(directory)).parents[1] / FOLDER / TABLE
  if '://' in os.fspath(directory) or not table.is_file():
    return source
  try:
    videos = read_table(table)
  except PoseDataError as error:
    note = Note('no_video', f'the videos of the clips are not known: {error}')
    return with_notes(source, (note,))
  found = {one.video_id: one.footage for one in videos if one.footage is not None}
  load = source.load

  def load_with_footage(video_id: str) -> Any:
    clip = load(video_id)
    if isinstance(clip, PotionClip) or video_id not in found:
      return clip
    return dataclasses.replace(clip, footage=found[video_id])

  return dataclasses.replace(source, load=load_with_footage) if found else source


@dataclasses.dataclass(frozen=True)
class OwnClips:
  """The clips that a model was not trained on.

  Attributes:
    source: the clips.
    words: which clips these are, for the user.
  """

  source: ClipSource
  words: str


def own_clips(config: ml_collections.ConfigDict, data_dir: str) -> OwnClips:
  """The test clips of a run, or its held-out clips if there is no test split.

  Args:
    config: the run's config.
    data_dir: the folder with the run's data set. The clips of a generated data set are
      generated again if they are not there.

  Raises:
    PoseDatasetError: if the data set is not there, or the run has neither test clips nor
      held-out clips.
  """
  data = config.data
  directory = user_path(data_dir) / data.dataset / data.representation
  if '://' not in data_dir and not any(directory.glob('*/dataset_info.json')):
    source = generated_clips(data.dataset, data.test_split)
    if source is None:
      raise PoseDatasetError(
        f'no SOURCE is given, and the own clips of this model, data set'
        f' {data.dataset!r} as {data.representation}, are not in {data_dir}; give'
        ' --data_dir=FOLDER where they are, or a SOURCE: pose files, a data set, a video'
      )
    words = f'clips are those of {data.dataset}, {data.test_split or "all splits"}'
    return OwnClips(source, words)
  with naming_the_extra():
    from input_pipeline.storage.dataset import open_dataset
    from input_pipeline.storage.stored_source import stored_source
  dataset = open_dataset(data_dir, data.dataset, data.representation)
  splits, words = _unseen(config, dataset)
  source = stored_source(dataset, splits)
  return OwnClips(_on_footage(source, dataset.directory), words)


def _unseen(
  config: ml_collections.ConfigDict, dataset: PoseDataset
) -> tuple[Mapping[str, Sequence[str]], str]:
  """Names of the clips to predict on, and which these are in words."""
  data = config.data
  if data.test_split:
    names = dataset.clips(data.test_split).video_ids
    return {
      data.test_split: names
    }, f'clips are those of {data.dataset}, {data.test_split}'
  from pose_action.training.run_data import held_out_clips

  holdout = held_out_clips(config, dataset) if data.validation_folds else None
  if holdout is None or not holdout.mask.any():
    raise PoseDatasetError(
      f'no SOURCE is given, and this model was trained on all clips of {data.dataset!r}:'
      ' it has neither test clips nor held-out clips; give a SOURCE'
    )
  all_names = dataset.clips(data.train_split).video_ids
  names = [name for name, out in zip(all_names, holdout.mask, strict=True) if out]
  words = f'clips are those of {data.dataset}, {data.train_split}, held out: {holdout}'
  return {data.train_split: names}, words
