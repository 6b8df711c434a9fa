"""Measures how long trained models take for one clip, and for frames that arrive one by one.

    taskset -c 0 python -m benchmarks.latency --workdirs=RUN,RUN --poses=POSES

A table for docs/performance.md: for each model, the median and the 95th percentile of the
time for one clip, from poses to probabilities, over clips of all lengths; and the frames
per second of the stream with one and with two people, a window of 32 frames, and an answer
every 8 frames. The first clips warm each program up and do not count.
"""

from __future__ import annotations

import argparse
import itertools
import os
import pathlib
import platform
import time
from collections.abc import Sequence

import jax
import numpy as np

import pose_action
from benchmarks.arguments import add_poses, add_workdirs, read_poses
from input_pipeline.poses.clip import PoseClip

_WINDOW, _STRIDE = 32, 8  # Frames.


def main():
  """Prints one row per model as soon as it is measured."""
  parser = argparse.ArgumentParser(
    description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
  )
  add_workdirs(parser)
  add_poses(parser)
  parser.add_argument('--clips', type=int, default=100, help='clips that count')
  asked = parser.parse_args()
  source = read_poses(asked)
  names = list(dict.fromkeys(itertools.chain(*source.splits.values())))
  loaded = map(source.load, names[: 2 * asked.clips])
  clips = [clip for clip in loaded if isinstance(clip, PoseClip)]
  print(
    f'{len(os.sched_getaffinity(0))} core(s), load {os.getloadavg()[0]:.1f}; Python'
    f' {platform.python_version()}, jax {jax.__version__}'
  )
  print('| run | one clip, ms, p50 | p95 | frames/s, one person | two people |')
  print('|---|---|---|---|---|')
  for workdir in asked.workdirs.split(','):
    model = pose_action.load(workdir)
    took = clip_seconds(model, clips, asked.clips)
    rates = [frames_per_second(model, clips, people) for people in (1, 2)]
    p50, p95 = 1000 * np.quantile(took, (0.5, 0.95))
    print(
      f'| {pathlib.Path(workdir).name} | {p50:.1f} | {p95:.1f} |'
      f' {rates[0]:.0f} | {rates[1]:.0f} |',
      flush=True,
    )


def clip_seconds(model, clips: Sequence[PoseClip], count: int) -> list[float]:
  """Seconds for each of the last `count` clips, predicted one at a time."""
  seconds = []
  for clip in clips:
    start = time.perf_counter()
    list(model.predict([clip]))
    seconds.append(time.perf_counter() - start)
  return seconds[-count:]


def frames_per_second(model, clips: Sequence[PoseClip], people: int) -> float:
  """Frames of the stream in a second, with copies of one person beside each other."""
  height, width = clips[0].frame_size
  stream = model.stream(
    window=_WINDOW, stride=_STRIDE, frame_rate=25, frame_size=(height, people * width)
  )
  frames = [
    np.concatenate([person + np.array([k * width, 0, 0]) for k in range(people)])
    for clip in clips[:40]
    for person in np.concatenate([clip.keypoints, clip.scores[..., None]], -1)[:, :1]
  ]
  for frame in frames[: 4 * _WINDOW]:
    stream.push(frame, list(range(people)))
  start = time.perf_counter()
  for frame in frames[4 * _WINDOW :]:
    stream.push(frame, list(range(people)))
  return (len(frames) - 4 * _WINDOW) / (time.perf_counter() - start)


if __name__ == '__main__':
  main()
