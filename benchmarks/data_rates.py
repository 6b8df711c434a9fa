"""Measures how fast data sets are exported and read: tables for docs/scaling.md.

    python -m benchmarks.data_rates --poses=jhmdb_train1.pkl

Clips have three lengths: real clips from a PYSKL pickle of JHMDB (at most 40 frames),
and synthetic clips with 17 joints that are as long as those in Kinetics (10 s at 30
frames per second, two persons) and Charades (30 s at 24 frames per second, one person).

- Export: in this process, after a first export that compiles, with one thread and with
  one per core (keypoints always with one), and on Beam's DirectRunner. An export of two clips measures Beam's start-up time. "Once started" is
  the rate without it, given only if start-up takes less than half of the time.
- Loader: batches from `loader.training_batches` as in training, with T = 8 frames or
  whole PoTion maps; they are loaded but not used. Files are in the page cache.
- Chunks: the loader on stored heatmaps as long as Charades' in chunks of different
  lengths, and whole as releases before stored them.

CPU seconds include all threads and processes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib.util
import os
import pathlib
import pickle
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Float

from input_pipeline.catalog.source_spec import SourceSpec
from input_pipeline.export.beam import BeamSettings
from input_pipeline.export.export import export_dataset
from input_pipeline.loading.clip_rows import ClipSettings
from input_pipeline.loading.loader import training_batches
from input_pipeline.storage.dataset import REPRESENTATIONS, open_dataset
from input_pipeline.storage.frame_chunks import FRAMES_PER_CHUNK
from pose_action.host.threads import usable_cores

# Frames and persons of the synthetic clips. Kinetics: 10 s (Kinetics-700, Sec. 1) at
# the most common rate. Charades: 30 s on average (PA3D Sec. 4) at the rate of its
# frames.
LENGTHS = {'Kinetics': (300, 2), 'Charades': (720, 1)}
_FRAME_SIZE = (480, 640)
_SHARDS_FOR_BEAM = 8
_CANVAS = (64, 86)  # cells; JMRN's official code
_EXPORT_HEAD = (
  '| clips | stored as | export | seconds | clips/s | MB/s on disk'
  ' | clips/s once started | CPU ms per clip | kB per clip |'
  '\n|---|---|---|---|---|---|---|---|---|'
)
_LOADER_HEAD = (
  '| clips | stored as | loader, clips/s | MB/s of batches | CPU ms per clip |'
  '\n|---|---|---|---|---|'
)
_CHUNKS_HEAD = (
  '| stored heatmaps | kB per clip | loader, clips/s | CPU ms per clip |'
  '\n|---|---|---|---|'
)
_CHUNKS = (0, 4, 8, 16, 32)  # Frames; 0 is a whole clip.
_SETTINGS = ClipSettings(num_frames=8, rule='segments', max_persons=2, canvas=_CANVAS)


@dataclasses.dataclass(frozen=True)
class ClipSet:
  """Clips of one length: their name in the tables, data set and source."""

  name: str
  dataset: str
  spec: SourceSpec

  @property
  def num_frames(self) -> float:
    """Mean number of frames per clip."""
    source = self.spec.open()
    lengths = [
      source.load(video_id).num_frames
      for video_ids in source.splits.values()
      for video_id in video_ids
    ]
    return float(np.mean(lengths))


@dataclasses.dataclass(frozen=True)
class Measured:
  """The measurements of one export or one pass of the loader."""

  clips: int
  seconds: float
  cpu_seconds: float
  num_bytes: int = 0


def swaying_persons(
  seed: int, num_frames: int, num_persons: int
) -> Float[np.ndarray, 'm t j 2']:
  """Keypoints in pixels for swaying persons, with a noise of half a pixel."""
  rng = np.random.default_rng(seed)
  joints = (num_persons, 1, 17, 2)
  seconds = np.arange(num_frames)[:, None, None] / 24
  phase, pace = rng.uniform(0, 2 * np.pi, joints), rng.uniform(0.1, 2, joints)
  middle = rng.uniform(0.2, 0.8, joints) * _FRAME_SIZE[::-1]
  sway = 30 * np.sin(2 * np.pi * pace * seconds + phase)
  return middle + sway + rng.normal(0, 0.5, sway.shape)


def write_clips(path: pathlib.Path, count: int, num_frames: int, num_persons: int):
  """Writes a PYSKL pickle with `count` clips in one split."""
  annotations = [
    {
      'frame_dir': f'v{seed}',
      'label': seed % 2,
      'img_shape': _FRAME_SIZE,
      'total_frames': num_frames,
      'keypoint': swaying_persons(seed, num_frames, num_persons).astype(np.float32),
      'keypoint_score': np.full((num_persons, num_frames, 17), 0.9, np.float32),
    }
    for seed in range(count)
  ]
  names = [annotation['frame_dir'] for annotation in annotations]
  content = {
    'split': {'train': names},
    'classes': ['a', 'b'],
    'annotations': annotations,
  }
  path.write_bytes(pickle.dumps(content, protocol=4))


def measure_export(
  clips: ClipSet,
  representation: str,
  folder: pathlib.Path,
  *,
  beam: BeamSettings | None = None,
  threads: int | None = None,
  frames_per_chunk: int = FRAMES_PER_CHUNK,
) -> Measured:
  """Exports once and overwrites an earlier export; with Beam, all workers get shards.

  Files end with up to 128 KiB of padding, which matters if many files hold few clips.
  """
  with _clock() as measured:
    summary = export_dataset(
      clips.spec,
      dataset=clips.dataset,
      representation=representation,
      data_dir=folder,
      overwrite=True,
      min_shards=1 if beam is None else _SHARDS_FOR_BEAM,
      beam=beam,
      workers=threads,
      frames_per_chunk=frames_per_chunk,
      progress=lambda line: None,
    )
  num_clips = sum(split.num_clips for split in summary.splits)
  return measured(num_clips, summary.num_bytes)


def measure_loader(
  clips: ClipSet,
  representation: str,
  folder: pathlib.Path,
  *,
  batch: int,
  seconds: float,
) -> Measured:
  """Loads a first batch, then measures training batches for `seconds`."""
  dataset = open_dataset(folder, clips.dataset, representation)
  settings = dataclasses.replace(_SETTINGS, background=dataset.skeleton.background)
  records = dataset.records(dataset.splits[0])
  batches = training_batches(
    records, range(len(records)), settings, batch_size=batch, seed=0
  )
  next(batches)
  rows, num_bytes = 0, 0
  with _clock() as measured:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
      arrays = next(batches)
      rows += batch
      num_bytes += sum(array.nbytes for array in arrays.values())
  return measured(rows, num_bytes)


@contextlib.contextmanager
def _clock() -> Iterator[Callable[[int, int], Measured]]:
  """Times the block; then the yielded function (clips, bytes) returns a `Measured`."""
  before, started = _cpu_seconds(), time.monotonic()
  spent = []

  def measured(clips: int, num_bytes: int) -> Measured:
    return Measured(clips, spent[0], spent[1], num_bytes)

  yield measured
  spent += [time.monotonic() - started, _cpu_seconds() - before]


def _cpu_seconds() -> float:
  usages = [
    resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
  ]
  return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def export_rows(
  clips: ClipSet,
  representation: str,
  folder: pathlib.Path,
  workers: int,
  start: Measured | None,
) -> Iterator[str]:
  """Rows of the export table; `start` is the measurement of Beam's start-up."""
  measure_export(clips, representation, folder)
  of_threads = [1] if representation == 'keypoints' else sorted({1, usable_cores()})
  for threads in of_threads:
    yield _export_row(
      f'{clips.name} | {representation} | in-process, {threads}'
      f' thread{"s" * (threads > 1)}',
      measure_export(clips, representation, folder, threads=threads),
    )
  if start is not None:
    beam = BeamSettings(num_workers=workers)
    yield _export_row(
      f'{clips.name} | {representation} | Beam, {workers} workers',
      measure_export(clips, representation, folder, beam=beam),
      start,
    )


def _export_row(what: str, run: Measured, start: Measured | None = None) -> str:
  started = '–'
  if start is None:
    started = f'{run.clips / run.seconds:.1f}'
  elif run.seconds > 2 * start.seconds:  # Otherwise the difference is mostly noise.
    started = f'{run.clips / (run.seconds - start.seconds):.1f}'
  return (
    f'| {what} | {run.seconds:.1f} | {run.clips / run.seconds:.1f}'
    f' | {run.num_bytes / run.seconds / 1e6:.1f} | {started}'
    f' | {1000 * run.cpu_seconds / run.clips:.1f} | {run.num_bytes / run.clips / 1e3:.1f}'
    ' |'
  )


def loader_row(
  clips: ClipSet, representation: str, folder: pathlib.Path, batch: int, seconds: float
) -> str:
  """The table's line for batches read from one data set."""
  run = measure_loader(clips, representation, folder, batch=batch, seconds=seconds)
  return (
    f'| {clips.name} | {representation} | {run.clips / run.seconds:.0f}'
    f' | {run.num_bytes / run.seconds / 1e6:.0f}'
    f' | {1000 * run.cpu_seconds / run.clips:.2f} |'
  )


def chunk_rows(
  clips: ClipSet, folder: pathlib.Path, batch: int, seconds: float
) -> Iterator[str]:
  """Rows of the table of chunks: size and speed for each length."""
  for frames in _CHUNKS:
    size = measure_export(clips, 'heatmaps', folder, frames_per_chunk=frames)
    run = measure_loader(clips, 'heatmaps', folder, batch=batch, seconds=seconds)
    yield (
      f'| {f"in chunks of {frames} frames" if frames else "whole"}'
      f' | {size.num_bytes / size.clips / 1e3:.1f} | {run.clips / run.seconds:.0f}'
      f' | {1000 * run.cpu_seconds / run.clips:.2f} |'
    )


def main():
  """Prints the tables of exports, of the loader, and of chunks."""
  parser = argparse.ArgumentParser(
    prog='python -m benchmarks.data_rates',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument(
    '--poses', help='PYSKL pickle of JHMDB; without it, only the table of chunks'
  )
  parser.add_argument(
    '--clips', type=int, default=48, help='number of synthetic clips per length'
  )
  parser.add_argument(
    '--workers', type=int, default=2, help='number of Beam workers; 0 leaves Beam out'
  )
  parser.add_argument('--batch', type=int, default=32, help='clips per batch')
  parser.add_argument(
    '--seconds', type=float, default=10, help='duration of each loader measurement'
  )
  options = parser.parse_args()
  if (
    options.poses
    and options.workers
    and importlib.util.find_spec('apache_beam') is None
  ):
    parser.error(
      "Apache Beam is not installed; run pip install '.[beam]', or give --workers=0"
    )
  with tempfile.TemporaryDirectory() as folder:
    run(options, pathlib.Path(folder))


def run(options: argparse.Namespace, folder: pathlib.Path):
  """Prints the tables; the data sets stay in `folder`."""
  sets = []
  for name, (num_frames, num_persons) in LENGTHS.items():
    path = folder / f'{name}.pkl'
    write_clips(path, options.clips, num_frames, num_persons)
    sets.append(_clip_set(f'{name} length', f'{name.lower()}_length', path, 'coco_17'))
  longest = max(sets, key=lambda clips: clips.num_frames)
  if options.poses:
    sets.insert(0, _clip_set('JHMDB', 'jhmdb_length', options.poses, 'jhmdb'))
  load = ', '.join(f'{value:.2f}' for value in os.getloadavg())
  print(f'{platform.machine()}, {os.cpu_count()} cores, load before {load}')
  print(f'Frames per clip: {", ".join(f"{s.name} {s.num_frames:.1f}" for s in sets)}')

  if options.poses:
    _print_rates(options, sets, folder)
  print(f'\n{_CHUNKS_HEAD}')
  for row in chunk_rows(longest, folder, options.batch, options.seconds):
    print(row, flush=True)


def _print_rates(
  options: argparse.Namespace, sets: list[ClipSet], folder: pathlib.Path
):
  """Prints the tables of exports and of the loader."""
  start = None
  if options.workers:
    write_clips(folder / 'two.pkl', 2, num_frames=8, num_persons=1)
    two = _clip_set('two', 'two', folder / 'two.pkl', 'coco_17')
    beam = BeamSettings(num_workers=options.workers)
    start = measure_export(two, 'heatmaps', folder, beam=beam)
    print(f'Beam starts in {start.seconds:.1f} s ({start.cpu_seconds:.1f} s of CPU).')
  print(f'\n{_EXPORT_HEAD}')
  for clips in sets:
    for representation in REPRESENTATIONS:
      for row in export_rows(clips, representation, folder, options.workers, start):
        print(row, flush=True)
  print(f'\n{_LOADER_HEAD}')
  for clips in sets:
    for representation in REPRESENTATIONS:
      row = loader_row(clips, representation, folder, options.batch, options.seconds)
      print(row, flush=True)


def _clip_set(name: str, dataset: str, poses, skeleton: str) -> ClipSet:
  options = {'format': 'pyskl', 'poses': str(poses), 'skeleton': skeleton}
  return ClipSet(name, dataset, SourceSpec(dataset, options))


if __name__ == '__main__':
  main()
