"""Measures pose extraction on a real clip: tables of accuracy, speed and memory.

    python -m benchmarks.extraction --clip=FOLDER --weights=graph.pb

The clip's folder contains a folder of frames, and the true joints in `gt_pos_img.npy`,
float32 [t, 15, 2], (x, y) in pixels, in JHMDB's order. The weights are a frozen
TensorFlow graph. The spatial pose CNN runs with random weights, since we have no
trained ones; its speed is the same. Memory is measured for whole extractions of looped
videos, each in its own process. Needs the extras `tensorboard` (TensorFlow) and
`video`.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from input_pipeline.skeletons.registry import get_skeleton
from pa3d_jax.spatial_pose_cnn import PAPER_SCALES, SpatialPoseCNN
from pose_action.extraction.extract import ExtractionOptions, extract_dataset
from pose_action.extraction.extractor import (
  OPENPOSE_SKELETON,
  NetworkMaps,
  PoseExtractor,
)
from pose_action.extraction.maps import DEFAULT_THRESHOLD, map_size, resampled
from pose_action.extraction.openpose import OpenPoseExtractor
from pose_action.extraction.peaks import cells_to_pixels, pick_peaks
from pose_action.extraction.tf_graph import TfGraphExtractor
from pose_action.extraction.video_list import Video
from pose_action.extraction.videos import FrameReader, is_image
from pose_action.host.video_libraries import opencv

# OpenPose's joints that the ground truth has too: no nose, eyes or ears.
_JOINTS = [
  joint
  for joint in get_skeleton(OPENPOSE_SKELETON).joints
  if joint in get_skeleton('jhmdb').joints
]
_SPEED_FRAMES = 16


def main(argv: Sequence[str]):
  """Prints the tables that `--parts` names."""
  parser = argparse.ArgumentParser(
    prog='python -m benchmarks.extraction',
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
  )
  parser.add_argument('--clip', required=True, type=pathlib.Path, help='see above')
  parser.add_argument(
    '--weights', required=True, type=pathlib.Path, help='frozen TensorFlow graph'
  )
  parser.add_argument(
    '--parts', default='accuracy,speed,memory', help='tables to print'
  )
  parser.add_argument(
    '--frames', default='1000,10000', help='lengths of the looped videos, in frames'
  )
  parser.add_argument(
    '--memory_input',
    default='160x128',
    help="the graph's input size when measuring memory; a small one is fast",
  )
  parser.add_argument('--only_video', type=pathlib.Path, help=argparse.SUPPRESS)
  options = parser.parse_args(argv)
  if options.only_video:
    print(peak_memory(options.only_video, options.weights, size(options.memory_input)))
    return
  tables = {'accuracy': accuracy, 'speed': speed, 'memory': memory}
  print(f'{len(os.sched_getaffinity(0))} core(s), {jax.devices()[0].device_kind}')
  for part in options.parts.split(','):
    print()
    for line in tables[part](options):
      print(line, flush=True)


def clip_frames(clip: pathlib.Path) -> np.ndarray:
  """The frames from the only folder of images in the clip's folder."""
  (folder,) = {file.parent for file in clip.glob('*/*') if is_image(file)}
  return np.stack(list(FrameReader(folder)))


def size(text: str) -> tuple[int, int]:
  """Parses '432x368' as (width, height)."""
  width, height = text.split('x')
  return int(width), int(height)


def accuracy(options: argparse.Namespace) -> Iterator[str]:
  """The lines of a table: distance from the true joints, by input size and reading."""
  frames = clip_frames(options.clip)
  truth = np.load(options.clip / 'gt_pos_img.npy')
  truth = truth[:, [get_skeleton('jhmdb').joints.index(joint) for joint in _JOINTS]]
  yield f'{len(frames)} frames, {len(_JOINTS)} joints'
  yield '| input | pixels | read from | median, px | ≤ 10 px | ≤ 20 px |'
  yield '|---|---|---|---|---|---|'
  for text in ('320x240', '432x368', '656x496'):
    for pixels in ('raw', 'signed'):
      maps = TfGraphExtractor(options.weights, input_size=size(text), pixels=pixels)(
        frames
      )
      for place, found in found_joints(maps, frames.shape[1:3]).items():
        error = np.linalg.norm(found - truth, axis=-1)
        near = [f'{100 * np.mean(error <= limit):.1f} %' for limit in (10, 20)]
        yield (
          f'| {text} | {pixels} | {place} | {np.median(error):.1f} | {near[0]} |'
          f' {near[1]} |'
        )


def found_joints(
  maps: NetworkMaps, frame_size: tuple[int, int]
) -> dict[str, Float[np.ndarray, 't j 2']]:
  """Joint positions in pixels, read from the maps in three ways."""
  skeleton = get_skeleton(OPENPOSE_SKELETON)
  joints = maps.by_modality['joints'][..., : skeleton.num_joints]
  refined, _ = pick_peaks(joints, threshold=DEFAULT_THRESHOLD)
  grid = map_size(frame_size, 64)
  stored, _ = pick_peaks(
    resampled(joints, maps.cell_size, frame_size, grid), threshold=DEFAULT_THRESHOLD
  )
  stored_cell = (frame_size[0] / grid[0], frame_size[1] / grid[1])
  chosen = [skeleton.joints.index(joint) for joint in _JOINTS]
  return {
    'highest cell': cells_to_pixels(np.round(refined), maps.cell_size)[:, chosen],
    'refined (ours)': cells_to_pixels(refined, maps.cell_size)[:, chosen],
    'refined, stored grid': cells_to_pixels(stored, stored_cell)[:, chosen],
  }


def speed(options: argparse.Namespace) -> Iterator[str]:
  """The lines of a table: frames per second by extractor."""
  frames = clip_frames(options.clip)[:_SPEED_FRAMES]
  yield f'frames with {frames.shape[2]}×{frames.shape[1]} pixels'
  yield '| extractor | frames per second |'
  yield '|---|---|'
  for text in ('432x368', '656x496'):
    graph = TfGraphExtractor(options.weights, input_size=size(text))
    yield f'| tf_graph at {text} | {frames_per_second(graph, frames):.1f} |'
  variables = random_variables()
  for scales, count in (((1.0,), 4), (PAPER_SCALES, 2)):
    # Batches of one frame, since the largest scale needs much memory per frame.
    network = OpenPoseExtractor(variables, scales=scales, batch_size=1)
    rate = frames_per_second(network, frames[:count])
    yield f'| spatial pose CNN, scales {", ".join(map(str, scales))} | {rate:.2f} |'


def frames_per_second(extractor: PoseExtractor, frames: np.ndarray) -> float:
  """The extractor's speed after compiling."""
  extractor(frames[:1])  # Compiles.
  start = time.monotonic()
  extractor(frames)
  return len(frames) / (time.monotonic() - start)


def random_variables():
  """Random variables for the spatial pose CNN, small so that no layer overflows."""
  frames = jax.ShapeDtypeStruct((1, 16, 16, 3), jnp.float32)
  shapes = jax.eval_shape(SpatialPoseCNN().init, jax.random.key(0), frames)
  rng = np.random.default_rng(0)

  def drawn(leaf):
    spread = np.sqrt(2 / max(1, np.prod(leaf.shape[:-1])))
    return (spread * rng.standard_normal(leaf.shape)).astype(np.float32)

  return jax.tree.map(drawn, shapes)


def memory(options: argparse.Namespace) -> Iterator[str]:
  """The lines of a table: peak memory and time by length of the video."""
  frames = clip_frames(options.clip)
  height, width = frames.shape[1:3]
  yield (
    f'tf_graph at {options.memory_input}; joints and parts from looped frames with'
    f' {width}×{height} pixels'
  )
  yield '| frames in the video | peak memory, MiB | seconds |'
  yield '|---|---|---|'
  with tempfile.TemporaryDirectory() as folder:
    for count in map(int, options.frames.split(',')):
      video = pathlib.Path(folder) / f'{count}.avi'
      write_looped(video, frames, count)
      started = time.monotonic()
      peak = subprocess.run(
        [
          *(sys.executable, '-m', 'benchmarks.extraction'),
          f'--clip={options.clip}',
          f'--weights={options.weights}',
          f'--memory_input={options.memory_input}',
          f'--only_video={video}',
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
      ).stdout.split()[-1]
      took = time.monotonic() - started
      yield f'| {count:,} | {int(peak) / 1024:.0f} | {took:.0f} |'


def write_looped(path: pathlib.Path, frames: np.ndarray, count: int):
  """Writes a video of `count` frames that repeats `frames`."""
  cv2 = opencv()
  height, width = frames.shape[1:3]
  codec = cv2.VideoWriter.fourcc(*'MJPG')
  writer = cv2.VideoWriter(str(path), codec, 30, (width, height))
  for index in range(count):
    writer.write(np.ascontiguousarray(frames[index % len(frames), ..., ::-1]))
  writer.release()


def peak_memory(
  video: pathlib.Path, weights: pathlib.Path, input_size: tuple[int, int]
) -> int:
  """Extracts poses from a video and returns this process's peak memory in KiB."""
  with tempfile.TemporaryDirectory() as data_dir:
    summary = extract_dataset(
      [Video(video, 'looped')],
      TfGraphExtractor(weights, input_size=input_size),
      dataset='looped',
      data_dir=data_dir,
      options=ExtractionOptions(modalities=('joints', 'parts')),
      progress=lambda line: print(line, file=sys.stderr),
    )
  print(summary, file=sys.stderr)
  # On Linux, ru_maxrss starts at the parent's peak; VmHWM does not.
  status = pathlib.Path('/proc/self/status').read_text()
  (line,) = (line for line in status.splitlines() if line.startswith('VmHWM'))
  return int(line.split()[1])


if __name__ == '__main__':
  main(sys.argv[1:])
