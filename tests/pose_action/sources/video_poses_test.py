"""Videos as clips: poses, or the network's maps, whatever the model was trained on."""

import numpy as np
import pytest
import tiny_run
from fake_pose_network import FakePoseNetwork, frames_with_dots

from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.sources import HeatmapClip, PoseSource
from input_pipeline.skeletons.registry import get_skeleton
from pose_action.extraction.extract import ExtractionOptions
from pose_action.sources.opener import Reading, open_any
from pose_action.sources.video_poses import VideoPoses

OPENPOSE = get_skeleton('openpose_18_background')


@pytest.fixture
def videos():
  lines = []
  with VideoPoses(FakePoseNetwork, ExtractionOptions(), lines.append) as videos:
    yield videos


def test_poses_of_a_folder_of_frames(videos, write_frames, tmp_path):
  path = write_frames(tmp_path / 'dots', frames_with_dots(5))
  opened = open_any(str(path), Reading(videos=videos))
  assert isinstance(opened.source, PoseSource)
  clip = opened.source.load('dots')
  assert clip.num_frames == 5
  # The red cell is 8 pixels wide and starts at x = 8 t; its centre is pixel 8 t + 3.5.
  np.testing.assert_allclose(clip.keypoints[:4, 0, 0, 0], 8 * np.arange(4) + 3.5)
  assert [note.kind for note in opened.source.notes] == ['one_person_from_video']


def test_joints_are_mapped_to_those_of_a_model(videos, write_frames, tmp_path):
  path = write_frames(tmp_path / 'dots', frames_with_dots(3))
  model = get_skeleton('coco_17')
  config = tiny_run.get_config()
  source = open_any(
    str(path), Reading(videos=videos), config=config, model=model
  ).source
  clip = source.load('dots')
  assert clip.skeleton == model
  assert clip.scores[0, 0, model.joints.index('nose')] == pytest.approx(1)
  assert len(source.notes) == 2  # One skeleton per frame, and mapped joints.


def test_maps_for_a_model_that_was_trained_on_maps(videos, write_frames, tmp_path):
  path = write_frames(tmp_path / 'dots', frames_with_dots(3))
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.representation = 'heatmaps'
  source = open_any(
    str(path), Reading(videos=videos), config=config, model=OPENPOSE
  ).source
  clip = source.load('dots')
  assert isinstance(clip, HeatmapClip)
  assert clip.maps('joints').shape == (3, 16, 24, 19)  # map_short_side is 16.


def test_one_broken_video_of_two(videos, write_frames, tmp_path):
  write_frames(tmp_path / 'all' / 'dots', frames_with_dots(3))
  (tmp_path / 'all' / 'torn.mp4').write_bytes(b'')
  opened = open_any(str(tmp_path / 'all'), Reading(videos=videos))
  assert opened.source.splits == {'all': ('dots',)}
  ((name, reason),) = opened.broken
  assert name == 'torn' and 'cannot be opened as a video' in reason


@pytest.mark.parametrize('content', [b'', b'RIFF\x24\0\0\0WAVEfmt ' + bytes(40)])
def test_a_file_that_is_no_video(videos, tmp_path, content):
  (tmp_path / 'sound.mp4').write_bytes(content)
  with pytest.raises(PoseDatasetError, match=r'sound.mp4 cannot be opened as a video'):
    open_any(str(tmp_path / 'sound.mp4'), Reading(videos=videos))


def test_frames_that_change_size(videos, write_frames, cv2, tmp_path):
  path = write_frames(tmp_path / 'dots', frames_with_dots(3))
  cv2.imwrite(str(path / '9.png'), np.zeros((32, 48, 3), np.uint8))
  with pytest.raises(
    PoseDatasetError, match=r'9.png has 32×48 pixels .* must have the'
  ):
    open_any(str(path), Reading(videos=videos))


def test_videos_without_a_network(write_frames, tmp_path):
  path = write_frames(tmp_path / 'dots', frames_with_dots(3))
  with pytest.raises(
    PoseDataError, match=r'dots is a video.*give --extractor and --wei'
  ):
    open_any(str(path), Reading())


def test_options_that_a_video_does_not_take(videos, write_frames, tmp_path):
  path = write_frames(tmp_path / 'dots', frames_with_dots(3))
  reading = Reading(videos=videos, skeleton='coco_17')
  with pytest.raises(PoseDataError, match='is a video, which takes no skeleton; leave'):
    open_any(str(path), reading)
