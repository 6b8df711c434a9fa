"""A camera as a source: how long it is recorded, and what a faulty one costs."""

import errno
import pathlib

import pytest
from fake_pose_network import FakePoseNetwork, frames_with_dots

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.notes import PoseWarning
from pose_action.extraction.extract import ExtractionOptions
from pose_action.sources import camera
from pose_action.sources.opener import Reading, open_any
from pose_action.sources.video_poses import VideoPoses


@pytest.fixture
def videos():
  with VideoPoses(FakePoseNetwork, ExtractionOptions(), lambda line: None) as videos:
    yield videos


class FakeCamera:
  """Gives nine frames, or as many as `frames`; camera 0 is the only one."""

  frames = 9

  def __init__(self, number):
    self._open = number == 0
    self._frames = list(frames_with_dots(self.frames))

  def isOpened(self):
    return self._open

  def read(self):
    return (True, self._frames.pop(0)) if self._frames else (False, None)

  def release(self):
    pass


@pytest.fixture(autouse=True)
def _fake(cv2, monkeypatch):
  monkeypatch.setattr(cv2, 'VideoCapture', FakeCamera)


def every_quarter_of_a_second():
  seconds = iter(10 + 0.25 * i for i in range(100))
  return lambda: next(seconds)


def test_a_camera_that_ends_early(videos):
  said = []
  reading = Reading(videos=videos, camera_seconds=60, say=said.append)
  with pytest.warns(
    PoseWarning, match='camera 0 ended after .* of 60 s, and what it gave is used: it g'
  ):
    clip = open_any('0', reading).source.load('camera0')
  assert clip.num_frames == 9
  assert said[0] == 'camera 0: recording 60 s'


def test_a_camera_that_is_not_there(videos):
  with pytest.raises(PoseDataError, match='there is no camera 3, or another program'):
    open_any('3', Reading(videos=videos))


def test_a_recording_ends_and_measures_the_rate(tmp_path):
  # Four frames, a quarter of a second apart, reach one second.
  recording = camera.record(0, tmp_path, 1.0, clock=every_quarter_of_a_second())
  assert (recording.rate, recording.problem) == (4, None)
  assert sorted(file.name for file in tmp_path.iterdir())[-1] == '000003.jpg'


@pytest.mark.parametrize('frames', [1, 4])
def test_a_driver_that_breaks_an_assertion_of_opencv(
  frames, cv2, monkeypatch, tmp_path
):
  """OpenCV raises when a driver's answer contradicts itself."""

  class Faulty(FakeCamera):
    def read(self):
      if not self._frames:
        raise cv2.error('(-215:Assertion failed)\n memories.length == buf.length')
      return super().read()

  monkeypatch.setattr(Faulty, 'frames', frames)
  monkeypatch.setattr(cv2, 'VideoCapture', Faulty)
  problem = 'failed. memories.length == buf.length'
  if frames == 1:
    with pytest.raises(
      PoseDataError, match=f'camera 0 gave 1 frames, but a clip needs two: .*{problem}'
    ):
      camera.record(0, tmp_path, 60, clock=every_quarter_of_a_second())
    return
  recording = camera.record(0, tmp_path, 60, clock=every_quarter_of_a_second())
  assert (recording.frames, recording.seconds) == (4, 1)
  assert recording.problem == '(-215:Assertion failed) memories.length == buf.length'


def test_a_full_disk(monkeypatch, tmp_path):
  def full(path, data):
    raise OSError(errno.ENOSPC, 'No space left on device', str(path))

  monkeypatch.setattr(pathlib.Path, 'write_bytes', full)
  with pytest.raises(OSError, match='No space left on device'):
    camera.record(0, tmp_path, 1.0)
