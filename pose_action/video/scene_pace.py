"""The progress of a file that shows scenes, while it is written."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from pose_action.host.progress import Progress, Report
from pose_action.video.scene import MakeScene, Scene

Frame = TypeVar('Frame')


class ScenePace:
  """Counts the frames that are drawn, or the scenes, and shows the time left.

  The number of frames is known when all scenes have been made; before, the others are
  taken to be as long as those.

  Args:
    num_scenes: how many scenes the file shows.
    report: receives lines, see `Progress`; None for none.
    unit: 'frames' or 'clips'.
    passes: how often all scenes are gone through.
    clock: monotonic seconds.
  """

  def __init__(
    self,
    num_scenes: int,
    report: Report | None,
    unit: str,
    passes: int,
    *,
    clock: Callable[[], float] = time.monotonic,
  ):
    self._num_scenes = num_scenes
    self._passes = passes
    self._counts_frames = unit == 'frames'
    self._frames: list[int] = []  # Of the scenes made in the first pass.
    self._name = ''
    total = 0 if self._counts_frames else num_scenes * passes
    report = report or (lambda line: None)
    self._progress = Progress(total, unit, report, clock=clock)

  def made(self, make: MakeScene) -> Scene:
    """Makes the next scene, and counts it."""
    scene = make()
    self._name = scene.name
    if not self._counts_frames:
      self._progress.add(label=self._name)
    elif len(self._frames) < self._num_scenes:
      self._frames.append(scene.num_frames)
      mean = sum(self._frames) / len(self._frames)
      self._progress.total = round(mean * self._num_scenes) * self._passes
    return scene

  def counted(self, frames: Iterable[Frame]) -> Iterator[Frame]:
    """Passes frames on, and counts each when the next one is asked for."""
    for frame in frames:
      name = self._name
      yield frame
      self._progress.add(label=name)

  def close(self):
    """Removes the bar."""
    self._progress.close()
