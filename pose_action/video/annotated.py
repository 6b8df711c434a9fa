"""Scenes as the frames of a video: people, names, and a strip with the answer."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import PoseWarning
from pose_action.extraction.videos import Frame
from pose_action.host.video_libraries import opencv
from pose_action.plots.on_frames import (
  GROUND,
  Picture,
  Strip,
  draw_names,
  draw_people,
  strip_height,
)
from pose_action.video.footage_frames import FootageFrames
from pose_action.video.scene import MakeScene, People, Scene

# All ours, in pixels.
_SHORTEST_SIDE = 360  # Smaller frames are enlarged by a whole number.
_LONGEST_SIDE = 4096
_SAME_SHAPE = 0.02  # By how much the shapes of footage and poses may differ.


class TimedFrame(NamedTuple):
  """A frame to show.

  Attributes:
    seconds: from the beginning; later than those of the frame before.
    lasts: how long it is shown if it is the last, in seconds.
    picture: uint8 `[h, w, 3]` in red, green and blue; the same size for all.
  """

  seconds: float
  lasts: float
  picture: UInt8[np.ndarray, 'h w 3']


@dataclasses.dataclass(frozen=True)
class Canvas:
  """The size of the frames to show, in pixels.

  Attributes:
    height, width: of the part that shows a clip's frame; the width is even.
    strip: height of the strip below.
  """

  height: int
  width: int
  strip: int

  @property
  def size(self) -> tuple[int, int]:
    """(height, width) of the whole, both even."""
    return 2 * -(-(self.height + self.strip) // 2), self.width


def canvas_for(
  frame_size: tuple[int, int], num_lanes: int, longer_side: int | None = None
) -> Canvas:
  """The canvas for clips of a frame size.

  Args:
    frame_size: (height, width) in pixels.
    num_lanes: most lanes of a timeline.
    longer_side: that of the frames when shown. By default frames keep their size, but
      those with a side below 360 pixels are enlarged by a whole number, and those with
      one above 4096 reduced.
  """
  longest, shortest = max(frame_size), min(frame_size)
  scale = longer_side / longest if longer_side else -(-_SHORTEST_SIDE // shortest)
  scale = min(max(scale, 1) if longer_side is None else scale, _LONGEST_SIDE / longest)
  height, width = (max(2, round(side * scale)) for side in frame_size)
  width += width % 2  # H.264 with colours at half the resolution needs even sides.
  return Canvas(height, width, strip_height(width, num_lanes))


def annotated_frames(
  scenes: Iterable[MakeScene], *, num_lanes: int = 0, longer_side: int | None = None
) -> Iterator[TimedFrame]:
  """The frames of all scenes, one scene after another, each at its own times.

  The canvas is that of the first scene; others are fitted into it. Frames of footage keep
  their distances in time. Footage that cannot be read is replaced by a plain ground.

  Args:
    num_lanes: most lanes of a scene.
    longer_side: see `canvas_for`.

  Warns:
    PoseWarning: for footage that cannot be read, or of another shape than the poses say.
  """
  footage, canvas = FootageFrames(), None
  gone: dict[str, str] = {}  # The first clip of each video that does not exist.
  end, shift = 0.0, 0.0
  before: Scene | None = None
  for make in scenes:
    scene = make()
    if scene.footage is not None and not scene.footage.path.exists():
      gone.setdefault(str(scene.footage.path), scene.name)
      scene = dataclasses.replace(scene, footage=None)
    if canvas is None:
      canvas = canvas_for(scene.frame_size, num_lanes, longer_side)
    drawing = _SceneDrawing(scene, canvas)
    goes_on = (
      before is not None
      and scene.footage is not None
      and scene.footage.continues(before.footage, before.num_frames)
    )
    first = None
    for index, (seconds, frame) in enumerate(_frames(scene, footage)):
      if first is None and (frame is None or not goes_on):
        first = seconds
        shift = end - seconds
      shown = max(seconds + shift, 0.0)
      end = shown + 1 / scene.rate
      yield TimedFrame(shown, 1 / scene.rate, drawing.at(index, frame, shown))
    before = scene
  if gone:
    _warn(_without(gone))


def _without(gone: Mapping[str, str]) -> str:
  """What is said of videos that do not exist: the first one, and how many more."""
  path, clip = next(iter(gone.items()))
  others = len(gone) - 1
  whose = f', and {others} more videos do not; their' if others else '; its'
  return f'{clip}: {path} does not exist{whose} frames are drawn on a plain ground'


def _frames(
  scene: Scene, footage: FootageFrames
) -> Iterator[tuple[float, Frame | None]]:
  """Seconds and footage of each frame, by the frame rate where there is no footage."""
  count, seconds = 0, -1 / scene.rate
  if scene.footage is not None:
    try:
      for seconds, frame in footage.read(scene.footage, scene.num_frames, scene.rate):
        if not count:
          _compare_shapes(scene, frame)
        yield seconds, frame
        count += 1
    except PoseDataError as error:
      left = 'its' if not count else f'its last {scene.num_frames - count}'
      _warn(f'{scene.name}: {error}; {left} frames are drawn on a plain ground')
  for index in range(scene.num_frames - count):
    yield seconds + (index + 1) / scene.rate, None


def _compare_shapes(scene: Scene, frame: Frame):
  height, width = scene.frame_size
  own = frame.shape[1] / frame.shape[0]
  if abs(own / (width / height) - 1) > _SAME_SHAPE:
    _warn(
      f'{scene.name}: the video has {frame.shape[1]}x{frame.shape[0]} pixels, but its'
      f' poses are stated to be in frames of {width}x{height}; is it their video?'
    )


def _warn(text: str):
  warnings.warn(text, PoseWarning, stacklevel=3)


class _SceneDrawing:
  """Draws the frames of one scene on a canvas."""

  def __init__(self, scene: Scene, canvas: Canvas):
    self._scene, self._canvas = scene, canvas
    height, width = scene.frame_size
    self._scale = min(canvas.height / height, canvas.width / width)
    self._height = max(1, min(canvas.height, round(height * self._scale)))
    self._width = max(1, min(canvas.width, round(width * self._scale)))
    self._strip = Strip(
      canvas.width,
      canvas.size[0] - canvas.height,
      name=scene.name,
      lanes=scene.lanes,
      labels=scene.labels,
      num_frames=scene.num_frames,
    )

  def at(self, index: int, frame: Frame | None, seconds: float) -> Picture:
    """The whole canvas for a frame of the scene, on its footage if there is any."""
    scene, canvas = self._scene, self._canvas
    picture = self._ground(frame)
    people = self._in_picture(scene.people[index])
    draw_people(picture, people, scene.limbs, scene.limb_sides)
    draw_names(picture, people, scene.names_at(index))
    whole = np.full((*canvas.size, 3), 0, np.uint8)
    top = (canvas.height - self._height) // 2
    left = (canvas.width - self._width) // 2
    whole[top : top + self._height, left : left + self._width] = picture
    whole[canvas.height :] = self._strip.at(
      index, scene.caption_at(index), f'{seconds:.2f} s'
    )
    return whole

  def _ground(self, frame: Frame | None) -> Picture:
    if frame is None:
      return np.full((self._height, self._width, 3), GROUND, np.uint8)
    cv2 = opencv()
    if frame.shape[:2] == (self._height, self._width):
      return np.array(frame)  # A copy, in one piece.
    way = cv2.INTER_AREA if frame.shape[1] > self._width else cv2.INTER_LINEAR
    size = (self._width, self._height)
    return cv2.resize(np.ascontiguousarray(frame), size, interpolation=way)

  def _in_picture(self, people: People) -> People:
    """Poses in pixels of the picture; whole numbers are centres of pixels in both."""
    height, width = self._scene.frame_size
    scale = np.array([self._width / width, self._height / height])
    return {
      name: np.concatenate([(pose[:, :2] + 0.5) * scale - 0.5, pose[:, 2:]], axis=1)
      for name, pose in people.items()
    }
