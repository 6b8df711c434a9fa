"""Reads the frames of a video file or a folder of images, a few at a time."""

from __future__ import annotations

import pathlib
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from jaxtyping import UInt8

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.sources import known_rate
from input_pipeline.readers.frame_order import videos_of
from pose_action.host.extras import MissingExtraError
from pose_action.host.video_libraries import opencv, pyav

VIDEO_SUFFIXES = ('.avi', '.mp4', '.mkv', '.mov', '.webm', '.mpg', '.mpeg', '.m4v')
IMAGE_SUFFIXES = ('.png', '.jpg', '.jpeg', '.bmp', '.webp', '.tif', '.tiff')

# Frames per second, where a video states neither its rate nor its frames' times (ours).
UNKNOWN_RATE = 25.0

Frame = UInt8[np.ndarray, 'h w 3']


def is_video(path: pathlib.Path) -> bool:
  return path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith('.')


def is_image(path: pathlib.Path) -> bool:
  return path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')


def natural_key(name: str) -> list[tuple[int, str]]:
  """A sort key that puts 'frame2' before 'frame10'."""
  parts = re.split(r'(\d+)', name)
  return [(int(part), '') if part.isdecimal() else (-1, part) for part in parts]


class FrameReader:
  """Every `stride`-th frame of one video, in order.

  Frame 0 is kept, then frame `stride`, and so on. The first `start` of the kept frames
  are skipped: decoded, but not converted.

  Attributes:
    claimed: number of frames before the stride, from the file's header or as the number
      of images; 0 if the header does not say.
    decoded: number of frames decoded so far, before the stride.
    frame_rate: kept frames per second, going by the container; None if unknown, as for a
      folder of images.
    time: seconds of the last frame that was decoded, going by the container. A frame
      whose time is not stated, or not above the one before, follows at the frame rate.
      None for a folder of images, and before the first frame.

  Raises:
    PoseDataError: if the video does not exist or cannot be opened.
  """

  def __init__(self, path: pathlib.Path, *, stride: int = 1, start: int = 0):
    self._path = path
    self._stride = stride
    self._start = start
    self.decoded = 0
    self.time: float | None = None
    self._images = _images_of(path) if path.is_dir() else None
    self.frame_rate: float | None = None
    if self._images is not None:
      self.claimed = len(self._images)
    else:
      self.claimed, rate = _header(path)
      self.frame_rate = None if rate is None else rate / stride
      self._step = 1 / (rate or UNKNOWN_RATE)

  def __iter__(self) -> Iterator[Frame]:
    """The frames, uint8 `[h, w, 3]` in red, green and blue.

    Raises:
      PoseDataError: at a frame that cannot be read or has another size.
    """
    size = None
    for name, frame in self._frames():
      size = size or frame.shape[:2]
      if frame.shape[:2] != size:
        raise PoseDataError(
          f'{name} has {frame.shape[0]}×{frame.shape[1]} pixels (height × width), but'
          f' earlier frames have {size[0]}×{size[1]}; all frames must have the same size'
        )
      yield frame

  def chunks(self, size: int, clip_frames: int) -> Iterator[tuple[int, np.ndarray]]:
    """Frames uint8 `[t, h, w, 3]` in red, green and blue, with the number of their part.

    A chunk has `size` frames, or fewer at the end of a part. Parts have `clip_frames`
    kept frames each, counted from the video's first frame.
    """
    index = self._start
    gathered: list[np.ndarray] = []
    for frame in self:
      gathered.append(frame)
      index += 1
      if len(gathered) == size or index % clip_frames == 0:
        yield (index - 1) // clip_frames, np.stack(gathered)
        gathered = []
    if gathered:
      yield (index - 1) // clip_frames, np.stack(gathered)

  def shortfall(self) -> str | None:
    """After the last frame: how many frames are missing, if the header claims more."""
    if self.decoded >= self.claimed:
      return None
    return f'its header says {self.claimed} frames, but only {self.decoded} decode'

  def _frames(self) -> Iterator[tuple[str, Frame]]:
    if self._images is not None:
      return self._read_images(self._images)
    return self._decode()

  def _is_kept(self, index: int) -> bool:
    return index % self._stride == 0 and index // self._stride >= self._start

  def _read_images(self, images: list[pathlib.Path]) -> Iterator[tuple[str, Frame]]:
    cv2 = opencv()
    for index, image in enumerate(images):
      self.decoded += 1
      if self._is_kept(index):
        try:
          frame = cv2.imread(str(image), cv2.IMREAD_COLOR)
        except cv2.error as error:  # Such as more pixels than the limit.
          raise PoseDataError(
            f'{image} cannot be read as an image: {" ".join(str(error).split())}'
          ) from error
        if frame is None:
          raise PoseDataError(f'{image} cannot be read as an image')
        yield str(image), frame[..., ::-1]

  def _decode(self) -> Iterator[tuple[str, Frame]]:
    cv2 = opencv()
    with _Capture(self._path) as capture:
      while capture.grab():
        index = self.decoded
        self.decoded += 1
        stated = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        if self.time is None or stated > self.time:
          self.time = stated
        else:
          self.time += self._step
        if self._is_kept(index):
          found, frame = capture.retrieve()
          if not found:
            self.decoded -= 1
            break
          yield f'{self._path}: frame {index}', frame[..., ::-1]
    if not self.decoded:
      raise PoseDataError(f'{self._path}: no frame can be decoded')


def kept_frames(path: pathlib.Path, stride: int) -> int:
  """The number of frames after the stride, going by the header; for estimates.

  Raises:
    PoseDataError: same as in `FrameReader`.
  """
  return -(-FrameReader(path).claimed // stride)


def check_one_size(path: pathlib.Path):
  """Checks that the frames of a video file do not change their size.

  OpenCV scales later frames to the size of the first ones without a word, which stretches
  people. Frames can change their size only where a decoder may begin, at key frames, so
  only these are decoded here, by PyAV; without it nothing is checked. What cannot be
  decoded is left to `FrameReader`, and so is a folder of images.

  Raises:
    PoseDataError: if frames have different sizes.
  """
  if not path.is_file():
    return
  try:
    av = pyav()
  except MissingExtraError:
    return
  try:
    message = _change_of_size(av, path)
  except (av.error.FFmpegError, OSError, ValueError):
    return
  if message:
    raise PoseDataError(message)


def _change_of_size(av: Any, path: pathlib.Path) -> str | None:
  """What to say about the first change; None if there is none."""
  first = None
  with av.open(str(path)) as container:
    if not container.streams.video:
      return None
    stream = container.streams.video[0]
    stream.codec_context.skip_frame = 'NONKEY'
    for frame in container.decode(stream):
      size = (frame.height, frame.width)
      first = first or size
      if size != first:
        return _two_sizes(path, first, size, frame.time)
  return None


def _two_sizes(
  path: pathlib.Path,
  first: tuple[int, int],
  later: tuple[int, int],
  seconds: float | None,
) -> str:
  when = '' if seconds is None else f' from second {seconds:.1f} on'
  return (
    f'{path} has frames of {first[0]}×{first[1]} pixels (height × width), but'
    f'{when} of {later[0]}×{later[1]}; all frames must have the same size: cut the video'
    ' there, or scale it to one size'
  )


def _images_of(folder: pathlib.Path) -> list[pathlib.Path]:
  """The images of one video, in the order of the frame numbers in their names.

  Raises:
    PoseDataError: if there are none, or their names do not show the order of one video.
  """
  names = sorted(file.name for file in folder.iterdir() if is_image(file))
  if not names:
    raise PoseDataError(
      f'{folder} holds no images; frames are files *{", *".join(IMAGE_SUFFIXES)}'
    )
  if len(names) == 1:
    return [folder / names[0]]
  first, *others = videos_of(names, str(folder)).values()
  if others:
    raise PoseDataError(
      f'{folder} holds the frames of {len(others) + 1} videos, such as'
      f' {next(iter(first.values()))!r} and {next(iter(others[0].values()))!r}; give'
      ' each video its own folder'
    )
  return [folder / name for name in first.values()]


def _header(path: pathlib.Path) -> tuple[int, float | None]:
  """The number of frames and the frame rate that a file's header states."""
  cv2 = opencv()
  with _Capture(path) as capture:
    frames = max(0, round(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    return frames, known_rate(capture.get(cv2.CAP_PROP_FPS))


class _Capture:
  """A video file opened by OpenCV, as a context manager."""

  def __init__(self, path: pathlib.Path):
    cv2 = opencv()
    if not path.exists():
      raise PoseDataError(f'{path} does not exist')
    self._capture: Any = cv2.VideoCapture(str(path))
    if not self._capture.isOpened():
      raise PoseDataError(f'{path} cannot be opened as a video; it may be broken')

  def __enter__(self) -> Any:
    return self._capture

  def __exit__(self, *exception):
    self._capture.release()
