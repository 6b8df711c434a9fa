"""GIFs that were written are read by another library."""

import numpy as np
import pytest

from pose_action.video.annotated import TimedFrame
from pose_action.video.encoding import thinned, write_gif


@pytest.fixture
def images():
  pytest.importorskip('av', reason='PyAV is not installed')
  return pytest.importorskip('PIL.Image', reason='Pillow is not installed')


def timed(times, lasts=0.04):
  """White frames with a blue square that moves, at these times."""
  for index, seconds in enumerate(times):
    picture = np.full((60, 80, 3), 255, np.uint8)
    picture[20:40, index : index + 20] = (0, 114, 178)
    yield TimedFrame(float(seconds), lasts, picture)


def read_gif(images, path):
  """Its durations in seconds, and its frames."""
  durations, frames = [], []
  with images.open(path) as file:
    assert file.info['loop'] == 0  # For ever.
    for number in range(file.n_frames):
      file.seek(number)
      durations.append(file.info['duration'] / 1000)
      frames.append(np.asarray(file.convert('RGB')))
  return durations, frames


def test_frames_duration_and_colours_of_a_gif(images, tmp_path):
  times = np.arange(20) / 10
  write_gif(tmp_path / 'x.gif', lambda: timed(times, lasts=0.1))
  durations, frames = read_gif(images, tmp_path / 'x.gif')
  assert len(frames) == 20
  np.testing.assert_allclose(durations, 0.1)
  # The colours that the library draws with are exact.
  assert frames[7][30, 7].tolist() == frames[7][30, 26].tolist() == [0, 114, 178]
  assert frames[7][30, 6].tolist() == frames[7][30, 27].tolist() == [255, 255, 255]


def test_of_a_fast_video_every_third_frame_in_the_same_time(images, tmp_path):
  write_gif(tmp_path / 'x.gif', lambda: timed(np.arange(40) / 25))
  durations, frames = read_gif(images, tmp_path / 'x.gif')
  assert len(frames) == 14
  assert sum(durations) == pytest.approx(1.6)
  assert frames[1][30, 3].tolist() == [0, 114, 178]  # The fourth frame of the video.


def test_a_variable_rate(images, tmp_path):
  write_gif(tmp_path / 'x.gif', lambda: timed([0, 0.5, 0.6, 2.0], lasts=0.25))
  durations, _ = read_gif(images, tmp_path / 'x.gif')
  np.testing.assert_allclose(durations, [0.5, 0.1, 1.4, 0.25])


def test_a_long_video_has_three_hundred_frames_at_most():
  kept = list(thinned(timed(np.arange(2000) / 20, lasts=0.05), 100 / 300))
  assert 250 < len(kept) <= 300
  assert kept[-1].seconds + kept[-1].lasts == pytest.approx(100)


def test_nothing_to_write(images, tmp_path):
  with pytest.raises(ValueError, match='there is no frame to write'):
    write_gif(tmp_path / 'x.gif', lambda: iter(()))
  assert not list(tmp_path.iterdir())
