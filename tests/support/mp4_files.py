"""Writes and reads MP4 files through PyAV, with times and a rotation of one's choice."""

import fractions
import pathlib
import struct

import numpy as np
import pytest

_TICKS = 90_000
# The matrix of a track header that turns frames by a quarter, clockwise.
_CLOCKWISE = struct.pack('>9i', 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)


@pytest.fixture
def av():
  pytest.importorskip('PIL', reason='Pillow is not installed')
  return pytest.importorskip('av', reason='PyAV is not installed')


@pytest.fixture
def write_timed_mp4(av, cv2):
  """A function (path, frames, times, turned=False) that writes an MP4 file.

  Frames are uint8 [t, h, w, 3] as they are seen; times are in seconds. If turned, the
  file holds them turned by a quarter, and says so.
  """

  def write(path: pathlib.Path, frames, times, *, turned=False) -> pathlib.Path:
    stored = np.rot90(frames, axes=(1, 2)) if turned else frames
    with av.open(str(path), 'w') as file:
      stream = file.add_stream('libx264', rate=25)
      stream.height, stream.width = stored.shape[1:3]
      stream.pix_fmt, stream.options = 'yuv420p', {'crf': '5'}
      stream.codec_context.time_base = fractions.Fraction(1, _TICKS)
      for frame, seconds in zip(stored, times, strict=True):
        image = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format='rgb24')
        image.pts = round(seconds * _TICKS)
        image.time_base = fractions.Fraction(1, _TICKS)
        file.mux(stream.encode(image))
      file.mux(stream.encode(None))
    if turned:
      content = bytearray(path.read_bytes())
      start = content.index(b'tkhd') + 4
      assert content[start] == 0  # Of the header's two forms the short one.
      content[start + 40 : start + 76] = _CLOCKWISE
      path.write_bytes(content)
    return path

  return write


@pytest.fixture
def write_changing_video(av):
  """A function (path, *parts) that writes a video whose frames change their size.

  Parts are uint8 [t, h, w, 3]. The file is an MPEG transport stream, 25 frames per second.
  """

  def write(path: pathlib.Path, *parts) -> pathlib.Path:
    content = b''
    for frames in parts:
      with av.open(str(path), 'w', format='mpegts') as file:
        stream = file.add_stream('libx264', rate=25)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = 'yuv420p'
        for frame in frames:
          file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format='rgb24')))
        file.mux(stream.encode(None))
      content += path.read_bytes()
    path.write_bytes(content)
    return path

  return write


@pytest.fixture
def read_mp4(av):
  """A function (path) that returns times in seconds and frames uint8 [t, h, w, 3]."""

  def read(path):
    with av.open(str(path)) as file:
      (stream,) = file.streams
      assert (stream.codec_context.name, stream.codec_context.pix_fmt) == (
        'h264',
        'yuv420p',
      )
      frames = list(file.decode(stream))
    times = [float(frame.pts * frame.time_base) for frame in frames]
    return times, np.stack([frame.to_ndarray(format='rgb24') for frame in frames])

  return read
