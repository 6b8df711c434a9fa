"""From a source of clips to the pose data set on disk."""

from __future__ import annotations

import functools
import pathlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from input_pipeline.datasets import protocols
from input_pipeline.datasets.export_summary import ExportSummary, Pace, SplitSummary
from input_pipeline.datasets.pose_dataset import (
  PoseDataset,
  PoseDatasetBuilder,
  Shard,
  dataset_dir,
  open_dataset,
)
from input_pipeline.datasets.protocols import PathLike, PoseDatasetError
from input_pipeline.datasets.staging import staging_dir
from input_pipeline.datasets.stored_examples import load_usable_clip, make_example
from input_pipeline.datasets.stored_maps import DEFAULT_SHORT_SIDE, DEFAULT_SIGMA
from input_pipeline.datasets.stored_settings import check_same, source_settings
from input_pipeline.part_fields import DEFAULT_WIDTH
from input_pipeline.pose_clip import PoseDataError
from input_pipeline.pose_source import ClipSource
from input_pipeline.rendering import TRUNCATE

_CLIPS_PER_SHARD = 256
_OTHER_DATA = (
  'ask for what is there, replace it with tools/export_dataset.py --overwrite, or use'
  ' another data_dir'
)


def export_dataset(
  source: ClipSource,
  *,
  dataset: str,
  representation: str,
  data_dir: PathLike,
  short_side: int | None = None,
  sigma: float | None = None,
  channels: int | None = None,
  weights: str | None = None,
  modalities: Sequence[str] | None = None,
  part_width: float | None = None,
  splits: Sequence[str] | None = None,
  strict: bool = False,
  overwrite: bool = False,
  progress: Callable[[str], object] = print,
) -> ExportSummary:
  """Writes a data set to `<data_dir>/<dataset>/<representation>/<version>/`.

  The data set appears when it is complete, and not before. A clip that cannot be used
  is reported at once, left out, and listed in the summary and in the metadata.

  Args:
    source: the clips.
    dataset: its name, which is also its folder.
    representation: 'keypoints', 'heatmaps' or 'potion'.
    data_dir: where data sets lie.
    short_side: of maps: cells on the shorter side of the frame. This and the following
      five are by default those of the source's ready maps; where it has none, the ones
      of `stored_settings.rendering_settings`.
    sigma: of maps: of the Gaussians, in cells.
    channels: potion only: the colours of time.
    weights: potion only: of the frames, see `potion.PotionSettings`.
    modalities: heatmaps only: of 'joints', 'parts', 'features'.
    part_width: of the parts among them, in cells from a limb's axis.
    splits: which of the source's; by default all that name a clip.
    strict: raise at the first clip that cannot be used.
    overwrite: replace the data set where it is already there.
    progress: takes lines of text, at most about one a second while all goes well.

  Raises:
    PoseDatasetError: where the data set is already there, another process is writing
      it, no clip of a split can be used, or the source cannot be had like this.
    PoseDataError: with `strict`, the first clip's.
  """
  started = time.monotonic()
  target = dataset_dir(data_dir, dataset, representation)
  _check_names(source, dataset)
  settings = source_settings(
    source,
    representation,
    short_side=short_side,
    sigma=sigma,
    channels=channels,
    weights=weights,
    modalities=modalities,
    part_width=part_width,
  )
  chosen = _chosen_splits(source, splits)
  export = _Export(source, representation, settings, chosen, strict, progress)

  with staging_dir(target, pathlib.Path(data_dir).expanduser()) as staging:
    if target.exists() and not overwrite:
      raise PoseDatasetError(
        f'data set {dataset!r} is already there as {representation}, at {target}; give'
        ' --overwrite (overwrite=True) to replace it'
      )
    progress(f'{dataset} as {representation}: {export.num_offered} clips')
    builder = PoseDatasetBuilder(
      dataset=dataset,
      representation=representation,
      skeleton=source.skeleton,
      class_names=source.class_names,
      multi_label=source.multi_label,
      modalities=settings.get('modalities', ()),
      num_features=settings.get('num_features', 0),
      data_dir=staging,
    )
    built = builder.write(export.shards(), export.metadata)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
      target.rename(staging / 'replaced')
    built.rename(target)
  return ExportSummary(
    directory=target,
    splits=tuple(export.splits),
    num_bytes=sum(file.stat().st_size for file in target.iterdir()),
    seconds=time.monotonic() - started,
  )


def open_or_export(
  *,
  dataset: str,
  representation: str,
  data_dir: PathLike,
  format: str | None = None,
  poses: PathLike | None = None,
  skeleton: str | None = None,
  annotations: PathLike | None = None,
  seed: int = 0,
  short_side: int = DEFAULT_SHORT_SIDE,
  sigma: float = DEFAULT_SIGMA,
  channels: int = 3,
  weights: str = 'exact',
  modalities: Sequence[str] = ('joints',),
  part_width: float = DEFAULT_WIDTH,
  is_primary: bool = True,
  wait: Callable[[], object] = lambda: None,
  progress: Callable[[str], object] = print,
) -> PoseDataset:
  """Opens a data set, which the primary process exports first if it is not there.

  Args:
    dataset, representation, data_dir, short_side, sigma, channels, weights,
      part_width, progress: as in `export_dataset`.
    modalities: of heatmaps, those that must be there; an export adds the joints.
    format, poses, skeleton, annotations, seed: as in `protocols.load_source`.
    is_primary: whether this process is the one that exports.
    wait: returns once every process of the job has called it; each calls it once,
      whether or not there is something to wait for, and whether or not it failed.

  Raises:
    PoseDatasetError: also where the data set there was rendered with other settings,
      or has another skeleton, than asked for.
  """
  rendering = {
    'short_side': short_side,
    'sigma': sigma,
    'channels': channels,
    'weights': weights,
    'modalities': tuple(dict.fromkeys(('joints', *modalities))),
    'part_width': part_width,
  }
  try:
    if is_primary and not dataset_dir(data_dir, dataset, representation).exists():
      source = protocols.load_source(
        dataset,
        format=format,
        poses=poses,
        skeleton=skeleton,
        seed=seed,
        data_dir=data_dir,
        annotations=annotations,
      )
      summary = export_dataset(
        source,
        dataset=dataset,
        representation=representation,
        data_dir=data_dir,
        **rendering,
        progress=progress,
      )
      progress(str(summary))
  finally:
    wait()
  opened = open_dataset(data_dir, dataset, representation)
  _check_modalities(opened, modalities)
  # Which modalities are there beside those asked for makes no difference.
  asked = {'truncate': TRUNCATE, **rendering}
  asked = {n: asked[n] for n in asked if n in opened.settings and n != 'modalities'}
  check_same(
    f'{opened.directory} is rendered with', asked, opened.settings, _OTHER_DATA
  )
  if skeleton:
    asked, there = {'skeleton': skeleton}, {'skeleton': opened.skeleton.name}
    check_same(f'{opened.directory} is of', asked, there, _OTHER_DATA)
  return opened


def _check_modalities(opened: PoseDataset, asked: Sequence[str]):
  if opened.representation != 'heatmaps':
    return
  missing = [name for name in asked if name not in opened.modalities]
  if missing:
    wanted = ','.join(dict.fromkeys((*opened.modalities, *missing)))
    raise PoseDatasetError(
      f'{opened.directory} holds {", ".join(opened.modalities)}, but not'
      f' {", ".join(missing)}; replace it with tools/export_dataset.py --overwrite'
      f' --modalities={wanted}'
      + (
        ' (features come from tools/extract_poses.py)' if 'features' in missing else ''
      )
      + ', or use another data_dir'
    )


class _Export:
  """One export as it goes along: hands out examples, keeps count of them."""

  def __init__(
    self,
    source: ClipSource,
    representation: str,
    settings: dict[str, Any],
    splits: Sequence[str],
    strict: bool,
    progress: Callable[[str], object],
  ):
    self.splits = [SplitSummary(s, len(source.splits[s])) for s in splits]
    self._source = source
    self._representation = representation
    self._settings = settings
    self._strict = strict
    self._progress = progress
    self._pace = Pace(self.num_offered)

  @property
  def num_offered(self) -> int:
    return sum(split.num_offered for split in self.splits)

  def shards(self) -> dict[str, list[Shard]]:
    shards: dict[str, list[Shard]] = {}
    for split in self.splits:
      video_ids = self._source.splits[split.name]
      shards[split.name] = [
        functools.partial(
          self._examples, split, video_ids[start : start + _CLIPS_PER_SHARD]
        )
        for start in range(0, len(video_ids), _CLIPS_PER_SHARD)
      ]
    return shards

  def metadata(self) -> dict[str, Any]:
    """What is known of the clips without their frames, once all are written."""
    self._check_no_split_is_empty()
    return {
      'skeleton': self._source.skeleton.to_dict(),
      'class_names': list(self._source.class_names),
      'settings': self._settings,
      'multi_label': self._source.multi_label,
      'splits': {
        split.name: {
          'video_ids': split.video_ids,
          'labels': split.labels,
          'num_frames': split.num_frames,
        }
        for split in self.splits
      },
      'left_out': [
        [split.name, video_id, reason]
        for split in self.splits
        for video_id, reason in split.left_out
      ],
    }

  def _check_no_split_is_empty(self):
    for split in self.splits:
      if not split.num_clips:
        video_id, reason = split.left_out[0]
        raise PoseDatasetError(
          f'none of the {split.num_offered} clips of split {split.name!r} can be used;'
          f' the first: {video_id!r}: {reason}'
        )

  def _examples(
    self, split: SplitSummary, video_ids: Sequence[str]
  ) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for video_id in video_ids:
      try:
        clip = load_usable_clip(self._source, video_id)
      except PoseDataError as error:
        if self._strict:
          raise
        reason = str(error).removeprefix(f'clip {video_id!r}: ')
        split.left_out.append((video_id, reason))
        self._progress(f'{split.name}: left out {video_id!r}: {reason}')
      else:
        split.video_ids.append(video_id)
        labels = clip.labels
        split.labels.append(list(labels) if self._source.multi_label else labels[0])
        split.num_frames.append(clip.num_frames)
        yield (
          split.num_clips,
          make_example(self._source, clip, self._representation, self._settings),
        )
      line = self._pace.step()
      if line:
        self._progress(f'{split.name}: {line}')


def _check_names(source: ClipSource, dataset: str):
  """That TFDS can store these names (it makes file names and label files of them)."""
  if not re.fullmatch(r'[A-Za-z]\w*', dataset):
    raise PoseDatasetError(
      f'{dataset!r} cannot name a data set; use letters, digits and _, a letter first'
    )
  names = [name.strip() for name in source.class_names]
  if not names or len(set(names)) < len(names):
    raise PoseDatasetError(
      f'class names must be given and differ from each other, but are {names}'
    )


def _chosen_splits(source: ClipSource, asked: Sequence[str] | None) -> tuple[str, ...]:
  offered = [split for split in source.splits if source.splits[split]]
  chosen = tuple(dict.fromkeys(asked or offered))
  for split in chosen:
    if not source.splits.get(split):
      raise PoseDatasetError(
        f'the source has no clip in split {split!r}; it has'
        f' {", ".join(f"{s} ({len(ids)})" for s, ids in source.splits.items())}'
      )
    if not re.fullmatch(r'\w*[^\W_]', split):
      raise PoseDatasetError(
        f'{split!r} cannot name a split; use letters, digits and _, not _ at the end'
      )
  if not chosen:
    raise PoseDatasetError('the source has no clips at all')
  return chosen
