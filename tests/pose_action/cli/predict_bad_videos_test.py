"""Videos, sounds and cameras that cannot be used, through `pose-action predict`."""

import numpy as np
import pytest
import tiny_run
import untrained_run
from fake_pose_network import FakePoseNetwork, frames_with_dots
from mp4_files import av, write_changing_video, write_timed_mp4  # noqa: F401
from program_calls import call
from video_files import cv2, write_torn_video, write_video  # noqa: F401

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.extraction import registry


@pytest.fixture(scope='module')
def workdir(tmp_path_factory):
  folder = tmp_path_factory.mktemp('model') / 'run'
  config = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
  untrained_run.write_workdir(folder, config, get_skeleton('coco_17'), ('0', '1'))
  return folder


@pytest.fixture
def predict(workdir, monkeypatch):
  """Runs the command with a pose network that needs no weights."""
  monkeypatch.setattr(registry, 'make_extractor', lambda *a, **k: FakePoseNetwork())

  def run(*args):
    network = '--extractor=tf_graph', '--weights=x.pb'
    done = call(
      'predict', f'--workdir={workdir}', '--class_names=wave,sit', *network, *args
    )
    return done.returncode, done.stdout.splitlines(), done.stderr

  return run


@pytest.fixture
def write_sound(av):  # noqa: F811
  """A function (path) that writes a second of silence as AAC, without a picture."""

  def write(path):
    with av.open(str(path), 'w', format='mp4') as file:
      stream = file.add_stream('aac', rate=8000)
      for start in range(0, 8192, 1024):
        frame = av.AudioFrame.from_ndarray(
          np.zeros((1, 1024), np.float32), format='fltp', layout='mono'
        )
        frame.sample_rate, frame.pts = 8000, start
        file.mux(stream.encode(frame))
      file.mux(stream.encode(None))

  return write


def without_frames(path):
  """A whole header, and zeros where its frames should be."""
  content = bytearray(path.read_bytes())
  start = content.index(b'mdat') + 4
  end = content.find(b'moov', start) - 4
  content[start:end] = bytes(max(0, end - start))
  path.write_bytes(content)


@pytest.fixture
def folder(
  tmp_path,
  write_timed_mp4,  # noqa: F811
  write_changing_video,  # noqa: F811
  write_torn_video,  # noqa: F811
  write_sound,
):
  """One good video among bad ones."""
  times = np.arange(8) / 25
  dots = frames_with_dots(8)
  write_timed_mp4(tmp_path / 'good.mp4', dots, times)
  write_timed_mp4(tmp_path / 'nobody.mp4', np.zeros_like(dots), times)
  write_timed_mp4(tmp_path / 'unreadable.mp4', dots, times)
  without_frames(tmp_path / 'unreadable.mp4')
  cut = write_timed_mp4(tmp_path / 'cut.mp4', dots, times)
  cut.write_bytes(cut.read_bytes()[:-200])  # Its index is at the end.
  write_torn_video(tmp_path / 'torn.avi', frames_with_dots(12))
  (tmp_path / 'empty.mp4').write_bytes(b'')
  write_sound(tmp_path / 'sound.mp4')
  write_changing_video(tmp_path / 'changing.mpg', dots, np.repeat(dots, 2, axis=1))
  return tmp_path


def test_bad_videos_are_named_and_the_others_go_on(predict, folder):
  status, lines, error = predict(folder)
  assert status == 1
  assert error == 'error: 6 clips could not be used; see above\n'

  def about(name):
    (line,) = [
      line
      for line in lines
      if f'{name!r}: ' in line or line.startswith(f'{name}: cannot be used')
    ]
    return line

  assert 'no joint is visible in any frame' in about('nobody')
  assert 'no frame can be decoded' in about('unreadable')
  assert 'cannot be opened as a video; it may be broken' in about('cut')
  assert 'cannot be opened as a video; it may be broken' in about('empty')
  assert 'cannot be opened as a video; it may be broken' in about('sound')
  height, width = frames_with_dots(1).shape[1:3]
  changed = about('changing')
  assert (
    f'frames of {height}×{width} pixels (height × width), but from second' in changed
  )
  assert f'of {2 * height}×{width}; all frames must have the same size' in changed
  # What can be read of the torn one is used, and said.
  assert 'header says 12 frames, but only' in about('torn')
  assert [line.split()[0] for line in lines[-2:]] == ['good', 'torn']
  assert all(line.split()[2] in ('wave', 'sit') for line in lines[-2:])


def test_a_camera_that_is_not_there_and_a_video(predict, folder, cv2, monkeypatch):  # noqa: F811
  opened = cv2.VideoCapture
  monkeypatch.setattr(
    cv2, 'VideoCapture', lambda which: opened('' if which == 7 else which)
  )
  status, lines, error = predict(folder / 'good.mp4', '7')
  assert (status, error) == (1, 'error: 1 source could not be used; see above\n')
  assert any(
    line.startswith('7: cannot be used: there is no camera 7, or another program')
    for line in lines
  )
  assert any(line.startswith('good ') for line in lines)
  status, _, error = predict('7')
  assert status == 1 and error.startswith('error: there is no camera 7')
  assert error.count('\n') == 1
