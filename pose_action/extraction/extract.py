"""Turns videos into data sets: maps of a pose network, and keypoints from the maps."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import math
import pathlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.sources import PoseSource
from pose_action.extraction.extractor import PoseExtractor
from pose_action.extraction.maps import DEFAULT_THRESHOLD, stored_maps
from pose_action.extraction.peaks import cells_to_pixels, pick_peaks
from pose_action.extraction.pose_files import FOLDER, write_pose_files
from pose_action.extraction.spool import Spool, open_spool
from pose_action.extraction.spooled_source import heatmap_source, keypoint_source
from pose_action.extraction.video_list import Video
from pose_action.extraction.videos import FrameReader, check_one_size, kept_frames
from pose_action.host.progress import Progress
from pose_action.host.threads import read_ahead
from pose_action.host.user_paths import user_path

if TYPE_CHECKING:
  from input_pipeline.export.summary import ExportSummary

_CHUNKS_AHEAD = 2  # Batches of decoded frames that wait for the network.


@dataclasses.dataclass(frozen=True)
class ExtractionOptions:
  """How videos are read, and what is stored.

  Attributes:
    modalities: the maps to store, from those that the extractor offers.
    stride: every stride-th frame is read.
    short_side: cells on the shorter side of stored maps.
    threshold: lower values in maps are set to 0 (see `maps.stored_maps`), and a joint
      with a lower peak is a missing keypoint.
    clip_frames: maximum number of frames per clip; a longer video becomes several.
    batch_size: number of frames per call of the extractor.
    frame_rate: frames per second of videos that do not state theirs, before the stride;
      None if unknown.

  Raises:
    ValueError: for a value that is out of range.
  """

  modalities: tuple[str, ...] = ('joints',)
  stride: int = 1
  short_side: int = 64  # The default for rendered maps too.
  threshold: float = DEFAULT_THRESHOLD
  clip_frames: int = 500  # Our choice: records of joints and parts stay below 200 MB.
  batch_size: int = 8
  frame_rate: float | None = None

  def __post_init__(self):
    for name in ('stride', 'short_side', 'clip_frames', 'batch_size'):
      if getattr(self, name) < 1:
        raise ValueError(f'{name} is {getattr(self, name)}, but must be at least 1')
    if self.frame_rate is not None and not 0 < self.frame_rate < math.inf:
      raise ValueError(
        f'the frame rate (fps) is {self.frame_rate}, but must be frames per second above 0'
      )
    if not 0 <= self.threshold < 1:
      raise ValueError(f'threshold is {self.threshold}, but must be ≥ 0 and < 1')

  def for_extractor(self, extractor: PoseExtractor) -> dict[str, Any]:
    """Everything that the stored maps depend on, for JSON.

    Returns:
      These options, and the extractor's own settings as `network`.

    Raises:
      PoseDatasetError: for a modality that the extractor does not offer.
    """
    missing = [name for name in self.modalities if name not in extractor.modalities]
    if missing or not self.modalities:
      raise PoseDatasetError(
        f'modalities are {", ".join(self.modalities) or "none"}; extractor'
        f' {extractor.name!r} offers {", ".join(extractor.modalities)}'
      )
    own = dataclasses.asdict(self) | {'modalities': list(self.modalities)}
    for name in ('batch_size', 'frame_rate'):  # They do not affect the maps.
      del own[name]
    return {'network': dict(extractor.settings), **own}


@dataclasses.dataclass(frozen=True)
class ExtractionSummary:
  """The result of an extraction.

  Attributes:
    exports: the data sets that were written: heatmaps and keypoints.
    pose_files: the folder with the poses as files to edit, see `pose_files`.
    broken: (video id, reason) for each video that was left out.
    notes: (video id, what is unusual) for each other video that has a note.
  """

  exports: tuple[ExportSummary, ...]
  broken: tuple[tuple[str, str], ...]
  notes: tuple[tuple[str, str], ...]
  pose_files: pathlib.Path | None = None

  def __str__(self) -> str:
    lines = [str(export) for export in self.exports]
    if self.pose_files is not None:
      lines.append(
        f'poses and labels to edit: {self.pose_files} (videos.csv, and a file per clip);'
        ' pose-action label takes over what changes'
      )
    for title, videos in (('left out', self.broken), ('with a note', self.notes)):
      if videos:
        lines.append(f'{len(videos)} video{"s" * (len(videos) > 1)} {title}:')
        lines += [f'  {video_id}: {text}' for video_id, text in videos]
    return '\n'.join(lines)


def extract_dataset(
  videos: Sequence[Video],
  extractor: PoseExtractor,
  *,
  dataset: str,
  data_dir: PathLike,
  options: ExtractionOptions,
  overwrite: bool = False,
  progress: Callable[[str], object] = print,
) -> ExtractionSummary:
  """Writes the videos' data set, as heatmaps and as keypoints.

  Memory use does not depend on the length of a video. After a kill, another call with the
  same settings continues after the last finished clip. A video that cannot be read is
  reported at once, left out, and listed in the summary.

  Args:
    dataset, data_dir, overwrite, progress: same as in `export_dataset`.

  Raises:
    PoseDatasetError: if the data set already exists, another process is extracting it, an
      unfinished extraction has other settings, or no video can be used.
  """
  settings = options.for_extractor(extractor)
  with open_spool(data_dir, _checked_name(dataset), settings) as spool:
    unwritten = _unwritten(spool, dataset, data_dir, overwrite)
    broken = extract_videos(videos, spool, extractor, options, progress)
    usable = usable_videos(videos, broken)
    poses = keypoint_source(usable, spool, extractor, options.stride)
    folder = _write_pose_files(poses, spool, dataset, data_dir)
    sources = {
      'keypoints': poses,
      'heatmaps': heatmap_source(usable, spool, extractor, settings),
    }
    # Here, because reading videos for a prediction does without TFDS.
    from input_pipeline.export.export import export_dataset

    exports = []
    for representation in unwritten:
      summary = export_dataset(
        sources[representation],
        dataset=dataset,
        representation=representation,
        data_dir=data_dir,
        overwrite=overwrite,
        progress=progress,
      )
      exports.append(summary)
      spool.mark_exported(representation)
    notes = {video.video_id: spool.note(video.video_id) for video in usable}
    spool.remove()
  return ExtractionSummary(
    exports=tuple(exports),
    broken=tuple(broken.items()),
    notes=tuple((video_id, note) for video_id, note in notes.items() if note),
    pose_files=folder,
  )


def _write_pose_files(
  poses: PoseSource, spool: Spool, dataset: str, data_dir: PathLike
) -> pathlib.Path:
  """Writes the poses as files, unless this extraction has done so; returns the folder."""
  folder = user_path(data_dir) / dataset / FOLDER
  if not spool.is_exported(FOLDER):
    write_pose_files(poses, folder)
    spool.mark_exported(FOLDER)
  return folder


def _checked_name(dataset: str) -> str:
  """Refuses a name that `export_dataset` would refuse, but before hours of work."""
  if not re.fullmatch(r'[A-Za-z]\w*', dataset):
    raise PoseDatasetError(
      f'{dataset!r} cannot name a data set; use letters, digits and _, a letter first'
    )
  return dataset


def _unwritten(
  spool: Spool, dataset: str, data_dir: PathLike, overwrite: bool
) -> list[str]:
  """The representations that this extraction has not exported yet."""
  from input_pipeline.storage.dataset import dataset_dir

  unwritten = [r for r in ('keypoints', 'heatmaps') if not spool.is_exported(r)]
  for representation in unwritten:
    target = dataset_dir(data_dir, dataset, representation)
    if target.exists() and not overwrite:
      raise PoseDatasetError(
        f'data set {dataset!r} already exists as {representation}, in {target}; give'
        ' --overwrite (overwrite=True) to replace it'
      )
  return unwritten


def usable_videos(videos: Sequence[Video], broken: Mapping[str, str]) -> list[Video]:
  """The videos that are not broken.

  Raises:
    PoseDatasetError: if none is left.
  """
  usable = [video for video in videos if video.video_id not in broken]
  if not usable:
    video_id, reason = next(iter(broken.items()), ('', 'the list is empty'))
    raise PoseDatasetError(
      f'no video can be used; the first of {len(videos)} is {video_id}: {reason}'
    )
  return usable


def extract_videos(
  videos: Sequence[Video],
  spool: Spool,
  extractor: PoseExtractor,
  options: ExtractionOptions,
  progress: Callable[[str], object],
) -> dict[str, str]:
  """Extracts every video into the spool.

  Returns:
    For each video that cannot be read, by its id, the reason.
  """
  left = [video for video in videos if not spool.is_finished(video.video_id)]
  if len(left) < len(videos):
    progress(f'{len(videos) - len(left)} of {len(videos)} videos are already extracted')
  expected = {video.video_id: _expected_frames(video, spool, options) for video in left}
  pace = Progress(sum(expected.values()), 'frames', progress)
  broken = {}
  for video in left:
    before = pace.done
    try:
      note = _extract_video(video, spool, extractor, options, pace, progress)
    except PoseDataError as error:
      broken[video.video_id] = str(error)
      progress(f'left out {video.video_id!r}: {error}')
    else:
      spool.finish_video(video.video_id, note)
      if note:
        progress(f'{video.video_id!r}: {note}')
    # The video may have had more or fewer frames than its header says.
    pace.total -= expected[video.video_id] - (pace.done - before)
  pace.close()
  return broken


def _expected_frames(video: Video, spool: Spool, options: ExtractionOptions) -> int:
  """Number of frames left to extract, going by the video's header."""
  try:
    frames = kept_frames(video.path, options.stride)
  except PoseDataError:
    return 0  # The error is reported when the video is extracted.
  return max(0, frames - sum(clip.num_frames for clip in spool.clips(video.video_id)))


def _extract_video(
  video: Video,
  spool: Spool,
  extractor: PoseExtractor,
  options: ExtractionOptions,
  pace: Progress,
  progress: Callable[[str], object],
) -> str | None:
  """Extracts a video's clips into the spool.

  Returns:
    A note on what is unusual about the video; None if nothing is.
  """
  done = sum(clip.num_frames for clip in spool.clips(video.video_id))
  check_one_size(video.path)
  reader = FrameReader(video.path, stride=options.stride, start=done)
  # The next frames are decoded while the network computes.
  decoded = reader.chunks(options.batch_size, options.clip_frames)
  with contextlib.closing(read_ahead(decoded, _CHUNKS_AHEAD)) as chunks:
    for part, chunks_of_part in itertools.groupby(chunks, key=lambda chunk: chunk[0]):
      writer = spool.begin_clip(video.video_id, part)
      frame_size = (0, 0)
      for _, frames in chunks_of_part:
        frame_size = frames.shape[1:3]
        writer.append(extracted(frames, extractor, options))
        pace.add(len(frames), label=video.video_id)
      writer.finish(frame_size, reader.frame_rate or _after_stride(options))
  return reader.shortfall()


def _after_stride(options: ExtractionOptions) -> float | None:
  """The stated frame rate of the frames that are read; None if none is stated."""
  return None if options.frame_rate is None else options.frame_rate / options.stride


def extracted(
  frames: UInt8[np.ndarray, 't h w 3'],
  extractor: PoseExtractor,
  options: ExtractionOptions,
) -> Mapping[str, np.ndarray]:
  """The arrays to store for some frames of one video.

  Returns:
    The maps of each modality, see `maps.stored_maps`; and 'keypoints', float32
    `[t, j, 3]`: x and y in pixels, and score.
  """
  maps = extractor(frames)
  frame_size = frames.shape[1:3]
  # From the network's own maps: resampling would add to the error.
  joints = maps.by_modality['joints'][..., : extractor.skeleton.num_joints]
  cells, scores = pick_peaks(joints, threshold=options.threshold)
  pixels = cells_to_pixels(cells, maps.cell_size)
  stored = stored_maps(
    maps,
    options.modalities,
    skeleton=extractor.skeleton,
    frame_size=frame_size,
    short_side=options.short_side,
    threshold=options.threshold,
  )
  return {**stored, 'keypoints': np.concatenate([pixels, scores[..., None]], axis=-1)}
