"""An extracted data set is drawn on the videos that its poses were found in."""

import csv
import dataclasses

import numpy as np
import pytest
import tiny_run
from fake_pose_network import FakePoseNetwork
from mp4_files import av, read_mp4, write_timed_mp4  # noqa: F401
from video_files import cv2  # noqa: F401

from input_pipeline.poses.footage import Footage
from input_pipeline.poses.notes import PoseWarning
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from pose_action.extraction.extract import ExtractionOptions, extract_dataset
from pose_action.extraction.relabel import relabel
from pose_action.extraction.video_list import list_videos
from pose_action.sources.opener import Reading, open_any
from pose_action.sources.stored import own_clips
from pose_action.video.annotated import annotated_frames
from pose_action.video.clip_poses import clip_poses
from pose_action.video.scene import scene_of_clip

TIMES = np.array([0, 0.04, 0.1, 0.12, 0.2, 0.3, 0.31, 0.4, 0.55, 0.6])
FORMS = 'keypoints', 'heatmaps'


@pytest.fixture
def data_dir(write_timed_mp4, tmp_path):  # noqa: F811
  """A turned video of 10 frames at uneven times; every second is extracted, in 2 clips."""
  (tmp_path / 'videos').mkdir()
  frames = np.full((10, 96, 64, 3), 60, np.uint8)
  frames[:, 40:48, 24:32, :2] = 255
  frames += np.arange(10, dtype=np.uint8)[:, None, None, None]  # Each one lighter.
  write_timed_mp4(tmp_path / 'videos' / 'v.mp4', frames, TIMES, turned=True)
  extract_dataset(
    list_videos(tmp_path / 'videos'),
    FakePoseNetwork(),
    dataset='mine',
    data_dir=tmp_path / 'data',
    options=ExtractionOptions(stride=2, clip_frames=3),
    progress=lambda line: None,
  )
  return tmp_path / 'data'


def clips_of(source):
  return {name: source.load(name) for ids in source.splits.values() for name in ids}


def opened(name, data_dir, **config):
  settings = tiny_run.get_config().copy_and_resolve_references().unlock()
  settings.data.update(config)
  return open_any(name, Reading(data_dir=str(data_dir)), config=settings).source


def drawn(clips):
  makers = [lambda one=one: scene_of_clip(clip_poses(one)) for one in clips]
  return list(annotated_frames(makers))


@pytest.mark.parametrize('form', FORMS)
def test_clips_know_the_frames_of_their_video(data_dir, form):
  video = data_dir.parent / 'videos' / 'v.mp4'
  clips = clips_of(opened('mine', data_dir, representation=form))
  assert {name: clip.footage for name, clip in clips.items()} == {
    'v_000': Footage(video, 0, 2),
    'v_001': Footage(video, 3, 2),
  }
  frames = drawn(clips.values())
  np.testing.assert_allclose([f.seconds for f in frames], TIMES[::2], atol=1e-5)
  # A corner of the upright frames, which are lighter by 2 from one kept frame to the next.
  greys = np.array([float(f.picture[5, 5].mean()) for f in frames])
  np.testing.assert_allclose(greys - greys[0], 2.0 * np.arange(5), atol=1.5)
  assert frames[0].picture.shape[0] > frames[0].picture.shape[1]


def test_the_files_of_poses_know_it_too_and_labels_change_nothing(data_dir):
  folder = data_dir / 'mine' / 'poses'
  read = clips_of(read_poses('mmpose', folder))
  assert read['v_001'].footage == Footage(data_dir.parent / 'videos' / 'v.mp4', 3, 2)
  (data_dir / 'labels.csv').write_text('path,label\nv.mp4,wave\n')
  relabel('mine', data_dir, data_dir / 'labels.csv', lambda line: None)
  after = clips_of(opened('mine', data_dir))
  assert after['v_001'].footage == read['v_001'].footage


def test_the_test_clips_of_a_model_are_drawn_on_their_video(data_dir):
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.update(
    {'dataset': 'mine', 'representation': 'keypoints', 'test_split': 'all'}
  )
  clips = clips_of(own_clips(config, str(data_dir)).source)
  assert all(clip.footage is not None for clip in clips.values())


def test_a_video_that_has_gone_is_said_in_one_line(data_dir):
  (data_dir.parent / 'videos' / 'v.mp4').unlink()
  clips = clips_of(opened('mine', data_dir))
  with pytest.warns(PoseWarning) as caught:
    frames = drawn(clips.values())
  (warning,) = caught
  assert str(warning.message).endswith(
    'v.mp4 does not exist; its frames are drawn on a plain ground'
  )
  # Poses at 1 / rate, as where no video was ever known, one clip after the other.
  rate = clips['v_000'].frame_rate
  np.testing.assert_allclose([f.seconds for f in frames], np.arange(5) / rate)


def test_several_videos_that_have_gone_are_one_line(data_dir):
  (clip, *_) = clips_of(opened('mine', data_dir)).values()
  gone = [
    dataclasses.replace(clip, footage=Footage(data_dir / f'{n}.mp4')) for n in range(3)
  ]
  with pytest.warns(
    PoseWarning, match='and 2 more videos do not; their frames'
  ) as said:
    drawn(gone)
  assert len(said) == 1


def test_one_person_of_a_video_begins_with_their_first_frame(tmp_path):
  poses = np.zeros((20, 17, 3), np.float32)
  poses[2:] = [9, 9, 1]
  np.save(tmp_path / 'p.npy', poses)
  (tmp_path / 'videos.csv').write_text('path,video,video_start\np.npy,films/p.mp4,10\n')
  options = ReadOptions(frame_size=(20, 20), per_person=True)
  source = read_poses('numpy', tmp_path, skeleton='coco_17', options=options)
  (clip,) = clips_of(source).values()
  assert clip.footage == Footage(tmp_path / 'films' / 'p.mp4', 12)


@pytest.mark.parametrize(
  ('column', 'value', 'least'), [('video_start', '-1', 0), ('video_stride', '0', 1)]
)
def test_mistakes_in_the_table(data_dir, column, value, least):
  table = data_dir / 'mine' / 'poses' / 'videos.csv'
  with table.open(newline='') as file:
    rows = list(csv.DictReader(file))
  rows[0][column] = value
  with table.open('w', newline='') as file:
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
  source = opened('mine', data_dir)
  assert [note.message for note in source.notes] == [
    f'the videos of the clips are not known: {table}, line 2: {column} is {value!r}, but'
    f' must be a whole number from {least} on'
  ]
  assert all(clip.footage is None for clip in clips_of(source).values())
