"""Videos to a data set of pose: maps of a pose network, and keypoints out of them."""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import UInt8

from input_pipeline.catalog.protocols import PathLike
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.export.export import export_dataset
from input_pipeline.export.summary import ExportSummary
from input_pipeline.storage.dataset import dataset_dir
from pose_action.extraction.extractor import PoseExtractor
from pose_action.extraction.maps import DEFAULT_THRESHOLD, stored_maps
from pose_action.extraction.peaks import cells_to_pixels, pick_peaks
from pose_action.extraction.spool import Spool, open_spool
from pose_action.extraction.spooled_source import heatmap_source, keypoint_source
from pose_action.extraction.video_list import Video
from pose_action.extraction.videos import FrameReader, kept_frames
from pose_action.host.progress import Progress


@dataclasses.dataclass(frozen=True)
class ExtractionOptions:
  """What is made of the frames.

  Attributes:
    modalities: that are stored, of those that the extractor offers.
    stride: every which frame is read.
    short_side: of stored maps, in cells.
    threshold: what is lower in maps is nothing, see `maps.stored_maps`; of keypoints, a
      joint with a lower peak is missing.
    clip_frames: a longer video becomes several clips.
    batch_size: frames that the extractor is given at once.

  Raises:
    ValueError: for a value that makes no sense.
  """

  modalities: tuple[str, ...] = ('joints',)
  stride: int = 1
  short_side: int = 64  # Cells; as rendered maps have by default.
  threshold: float = DEFAULT_THRESHOLD
  clip_frames: int = 500  # Ours: a record of joints and parts is then below 200 MB.
  batch_size: int = 8

  def __post_init__(self):
    for name in ('stride', 'short_side', 'clip_frames', 'batch_size'):
      if getattr(self, name) < 1:
        raise ValueError(f'{name} is {getattr(self, name)}, but must be at least 1')
    if not 0 <= self.threshold < 1:
      raise ValueError(f'threshold is {self.threshold}, but must lie in 0..1, below 1')

  def for_extractor(self, extractor: PoseExtractor) -> dict[str, Any]:
    """All that the stored maps depend on, for JSON; `network` is the extractor's own.

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
    del own['batch_size']  # Changes no map.
    return {'network': dict(extractor.settings), **own}


@dataclasses.dataclass(frozen=True)
class ExtractionSummary:
  """What became of the videos.

  Attributes:
    exports: the data sets written, as heatmaps and as keypoints.
    broken: (video id, reason) of videos left out.
    notes: (video id, what is odd) of others.
  """

  exports: tuple[ExportSummary, ...]
  broken: tuple[tuple[str, str], ...]
  notes: tuple[tuple[str, str], ...]

  def __str__(self) -> str:
    lines = [str(export) for export in self.exports]
    for title, videos in (('left out', self.broken), ('kept, but', self.notes)):
      if videos:
        lines.append(f'{len(videos)} videos {title}:')
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
  """Writes the data set of the videos as heatmaps and as keypoints.

  Memory does not grow with the length of a video. Killed and started again with the
  same settings, it goes on after the last finished clip. A video that cannot be read is
  reported at once, left out, and listed in the summary.

  Args:
    dataset, data_dir, overwrite, progress: as of `export_dataset`.

  Raises:
    PoseDatasetError: where the data set is already there, another process extracts it,
      an extraction with other settings has begun it, or no video can be used.
  """
  settings = options.for_extractor(extractor)
  with open_spool(data_dir, _checked_name(dataset), settings) as spool:
    unwritten = _unwritten(spool, dataset, data_dir, overwrite)
    broken = _extract_videos(videos, spool, extractor, options, progress)
    usable = _usable(videos, broken)
    sources = {
      'keypoints': keypoint_source(usable, spool, extractor),
      'heatmaps': heatmap_source(usable, spool, extractor, settings),
    }
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
  )


def _checked_name(dataset: str) -> str:
  """As `export_dataset` will want it, but before hours of work."""
  if not re.fullmatch(r'[A-Za-z]\w*', dataset):
    raise PoseDatasetError(
      f'{dataset!r} cannot name a data set; use letters, digits and _, a letter first'
    )
  return dataset


def _unwritten(
  spool: Spool, dataset: str, data_dir: PathLike, overwrite: bool
) -> list[str]:
  """The representations that are still to be written of this extraction."""
  unwritten = [r for r in ('keypoints', 'heatmaps') if not spool.is_exported(r)]
  for representation in unwritten:
    target = dataset_dir(data_dir, dataset, representation)
    if target.exists() and not overwrite:
      raise PoseDatasetError(
        f'data set {dataset!r} is already there as {representation}, at {target}; give'
        ' --overwrite (overwrite=True) to replace it'
      )
  return unwritten


def _usable(videos: Sequence[Video], broken: Mapping[str, str]) -> list[Video]:
  usable = [video for video in videos if video.video_id not in broken]
  if not usable:
    video_id, reason = next(iter(broken.items()), ('', 'there is none'))
    raise PoseDatasetError(
      f'none of the {len(videos)} videos can be used; the first: {video_id}: {reason}'
    )
  return usable


def _extract_videos(
  videos: Sequence[Video],
  spool: Spool,
  extractor: PoseExtractor,
  options: ExtractionOptions,
  progress: Callable[[str], object],
) -> dict[str, str]:
  """Brings every video to the spool; the reason, by video id, of those that cannot."""
  left = [video for video in videos if not spool.is_finished(video.video_id)]
  if len(left) < len(videos):
    progress(f'{len(videos) - len(left)} of {len(videos)} videos are there already')
  promised = {video.video_id: _promised(video, spool, options) for video in left}
  pace = Progress(sum(promised.values()), 'frames', progress)
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
    # Its header may have promised more frames, or fewer.
    pace.total -= promised[video.video_id] - (pace.done - before)
  pace.close()
  return broken


def _promised(video: Video, spool: Spool, options: ExtractionOptions) -> int:
  """Frames that its header promises beside those extracted before."""
  try:
    frames = kept_frames(video.path, options.stride)
  except PoseDataError:
    return 0  # Reported when its turn comes.
  return max(0, frames - sum(clip.num_frames for clip in spool.clips(video.video_id)))


def _extract_video(
  video: Video,
  spool: Spool,
  extractor: PoseExtractor,
  options: ExtractionOptions,
  pace: Progress,
  progress: Callable[[str], object],
) -> str | None:
  """Brings the clips of a video to the spool; says what is odd about it."""
  done = sum(clip.num_frames for clip in spool.clips(video.video_id))
  reader = FrameReader(video.path, stride=options.stride, start=done)
  chunks = reader.chunks(options.batch_size, options.clip_frames)
  for part, chunks_of_part in itertools.groupby(chunks, key=lambda chunk: chunk[0]):
    writer = spool.begin_clip(video.video_id, part)
    frame_size = (0, 0)
    for _, frames in chunks_of_part:
      frame_size = frames.shape[1:3]
      writer.append(extracted(frames, extractor, options))
      pace.add(len(frames), label=video.video_id)
    writer.finish(frame_size)
  return reader.shortfall()


def extracted(
  frames: UInt8[np.ndarray, 't h w 3'],
  extractor: PoseExtractor,
  options: ExtractionOptions,
) -> Mapping[str, np.ndarray]:
  """What is stored of some frames.

  Returns:
    The modalities, see `maps.stored_maps`; and 'keypoints' float32 `[t, j, 3]`: x and y
    in pixels, score.
  """
  maps = extractor(frames)
  frame_size = frames.shape[1:3]
  # The network's own maps: what resampling adds, it adds to the error.
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
