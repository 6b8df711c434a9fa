"""Extracts both data sets from videos, with a network whose outputs are known."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from fake_pose_network import NECK, NOSE, FakePoseNetwork, frames_with_dots
from places import PYTHON_PATH

from input_pipeline.errors import PoseDatasetError
from input_pipeline.maps.quantization import dequantize
from input_pipeline.storage.dataset import open_dataset
from pose_action.extraction.extract import ExtractionOptions, extract_dataset
from pose_action.extraction.video_list import Video, list_videos

ALL = ('joints', 'parts', 'features')


def extract(videos, data_dir, network=None, lines=None, overwrite=False, **options):
  return extract_dataset(
    videos,
    network or FakePoseNetwork(),
    dataset='mine',
    data_dir=data_dir,
    options=ExtractionOptions(**{'short_side': 8, 'batch_size': 3} | options),
    overwrite=overwrite,
    progress=(lambda line: None) if lines is None else lines.append,
  )


@pytest.fixture
def videos(tmp_path, write_frames):
  write_frames(tmp_path / 'videos' / 'run' / 'a', frames_with_dots(7))
  write_frames(tmp_path / 'videos' / 'sit' / 'b', frames_with_dots(4))
  return list_videos(tmp_path / 'videos')


def test_keypoints_are_at_known_pixels(tmp_path, videos):
  summary = extract(videos, tmp_path)
  assert (summary.broken, summary.notes) == ((), ())
  dataset = open_dataset(tmp_path, 'mine', 'keypoints')
  assert dataset.class_names == ('run', 'sit')
  assert dataset.skeleton.name == 'openpose_18_background'
  assert dataset.clips('all').video_ids == ('a', 'b')
  np.testing.assert_array_equal(dataset.clips('all').labels, [0, 1])
  record = dataset.records('all')[0]
  np.testing.assert_array_equal(record['frame_size'], [64, 96])
  keypoints = record['keypoints']
  assert keypoints.shape == (7, 1, 18, 3)
  # Rows 16..23 are centred at 19.5; the nose starts at 3.5 and moves 8 pixels per frame.
  np.testing.assert_allclose(keypoints[:, 0, NOSE, 1], 19.5)
  np.testing.assert_allclose(keypoints[:, 0, NOSE, 0], 3.5 + 8 * np.arange(7))
  np.testing.assert_allclose(keypoints[:, 0, NOSE, 2], 1)
  np.testing.assert_allclose(
    keypoints[:, 0, NECK], np.tile([27.5, 43.5, 200 / 255], (7, 1)), rtol=1e-6
  )
  assert not keypoints[:, 0, 2:].any()


def test_maps_are_the_network_s_in_8_bits(tmp_path, videos):
  extract(videos, tmp_path, modalities=ALL)
  dataset = open_dataset(tmp_path, 'mine', 'heatmaps')
  assert (dataset.modalities, dataset.num_features) == (ALL, 3)
  assert dataset.settings['network'] == {'extractor': 'fake', 'version': 1}
  assert dataset.settings['short_side'] == 8
  record = dataset.records('all')[0]
  # 64 × 96 pixels with 8 cells on the short side: the network's own grid.
  assert record['maps'].shape == (7, 8, 12, 19)
  joints = dequantize(np.asarray(record['maps']), 'joints')
  for frame in range(7):
    assert joints[frame, 2, frame, NOSE] == 1
  np.testing.assert_allclose(joints[:, 5, 3, NECK], 200 / 255, atol=1 / 255)
  assert (record['maps'][..., :-1] > 0).sum() == 14
  assert record['maps'][0, 0, 5, -1] == 255
  parts = dequantize(np.asarray(record['parts']), 'parts')
  assert parts.shape == (7, 8, 12, 38)
  np.testing.assert_allclose(parts[0, 2, 0, 0], 1)
  np.testing.assert_allclose(parts[0, 5, 3, 0], -200 / 255, atol=1 / 127)
  codes = np.asarray(record['features'])
  features = dequantize(codes, 'features', record['features_scale'])
  assert record['features_scale'] == 10
  np.testing.assert_allclose(features[0, 2, 0], [10, 0, 0], atol=0.02)
  np.testing.assert_allclose(features[0, 5, 3], [0, 2000 / 255, 0], atol=0.02)


def test_a_long_video_becomes_several_clips(tmp_path, videos):
  network = FakePoseNetwork()
  extract(videos, tmp_path, network, clip_frames=3, batch_size=2)
  clips = open_dataset(tmp_path, 'mine', 'heatmaps').clips('all')
  assert clips.video_ids == ('a_000', 'a_001', 'a_002', 'b_000', 'b_001')
  np.testing.assert_array_equal(clips.num_frames, [3, 3, 1, 3, 1])
  # Clips of one video are never divided between training and validation.
  assert clips.groups == ('a', 'a', 'a', 'b', 'b')
  np.testing.assert_array_equal(clips.labels, [0, 0, 0, 1, 1])
  assert network.num_frames == 11
  record = open_dataset(tmp_path, 'mine', 'keypoints').records('all')[1]
  # Frames 3, 4 and 5.
  np.testing.assert_allclose(record['keypoints'][:, 0, NOSE, 0], [27.5, 35.5, 43.5])


def test_clips_of_a_long_video_avoid_other_videos_names(tmp_path, videos):
  (long, short) = videos
  named = [Video(long.path, 'x'), Video(short.path, 'x_001')]
  extract(named, tmp_path, clip_frames=4)
  clips = open_dataset(tmp_path, 'mine', 'keypoints').clips('all')
  assert clips.video_ids == ('x__000', 'x__001', 'x_001')


def test_every_third_frame(tmp_path, videos):
  extract(videos, tmp_path, stride=3)
  clips = open_dataset(tmp_path, 'mine', 'keypoints')
  np.testing.assert_array_equal(clips.clips('all').num_frames, [3, 2])
  nose = clips.records('all')[0]['keypoints'][:, 0, NOSE, 0]
  np.testing.assert_allclose(nose, [3.5, 27.5, 51.5])


def test_splits_of_a_list(tmp_path, videos):
  a, b = (video.path for video in videos)
  in_splits = [
    Video(a, 'a', 'run', ('train1', 'test2')),
    Video(b, 'b', 'sit', ('train2',)),
  ]
  network = FakePoseNetwork()
  extract(in_splits, tmp_path, network)
  dataset = open_dataset(tmp_path, 'mine', 'heatmaps')
  assert set(dataset.splits) == {'train1', 'test2', 'train2'}
  assert dataset.clips('test2').video_ids == ('a',)
  assert network.num_frames == 11  # Once, although one video has two splits.


def test_a_broken_video_is_reported_and_left_out(tmp_path, videos):
  broken = tmp_path / 'broken.avi'
  broken.write_bytes(b'?')
  lines = []
  summary = extract(
    [videos[0], Video(broken, 'bad', 'sit'), videos[1]], tmp_path, lines=lines
  )
  ((name, reason),) = summary.broken
  assert name == 'bad'
  assert reason.startswith(f'{broken} cannot be opened')
  assert any(line.startswith("left out 'bad'") for line in lines)
  assert f'1 video left out:\n  bad: {broken} cannot' in str(summary)
  assert len(open_dataset(tmp_path, 'mine', 'heatmaps').clips('all')) == 2


def test_a_torn_video_keeps_its_frames_and_has_a_note(tmp_path, write_torn_video):
  path = write_torn_video(tmp_path / 'torn.avi', frames_with_dots(12))
  lines = []
  summary = extract(list_videos(path), tmp_path, lines=lines)
  clips = open_dataset(tmp_path, 'mine', 'keypoints').clips('all')
  (num_frames,) = clips.num_frames
  assert 0 < num_frames < 12
  note = f'its header says 12 frames, but only {num_frames} decode'
  assert summary.notes == (('torn', note),)
  assert f"'torn': {note}" in lines
  assert f'1 video with a note:\n  torn: {note}' in str(summary)


def test_without_any_usable_video(tmp_path, cv2):
  broken = tmp_path / 'broken.avi'
  broken.write_bytes(b'?')
  with pytest.raises(
    PoseDatasetError, match='no video can be used; the first of 1 is bad: '
  ):
    extract([Video(broken, 'bad')], tmp_path)


class Interrupted(Exception):
  """Stands in for a kill: like after a kill, no further code runs."""


def interrupt_after(num_frames):
  def before(done):
    if done >= num_frames:
      raise Interrupted

  return before


def contents(data_dir):
  """Everything in both data sets, by representation, clip and field."""
  content = {}
  for representation in ('keypoints', 'heatmaps'):
    dataset = open_dataset(data_dir, 'mine', representation)
    for record in dataset.records('all'):
      content |= {
        (representation, record['video_id'], name): value
        for name, value in record.items()
      }
  return content


def test_continues_after_the_last_finished_clip(tmp_path, videos):
  options = {'clip_frames': 3, 'batch_size': 2, 'modalities': ALL}
  extract(videos, tmp_path / 'whole', **options)
  torn = FakePoseNetwork(before=interrupt_after(5))
  with pytest.raises(Interrupted):
    extract(videos, tmp_path / 'data', torn, **options)
  network, lines = FakePoseNetwork(), []
  extract(videos, tmp_path / 'data', network, lines, **options)
  assert network.num_frames == 11 - 3  # The first clip was already extracted.
  whole, resumed = (contents(tmp_path / place) for place in ('whole', 'data'))
  assert whole.keys() == resumed.keys()
  for name in whole:
    np.testing.assert_array_equal(resumed[name], whole[name])
  assert [entry.name for entry in (tmp_path / 'data').iterdir()] == ['mine']


def test_says_how_many_videos_are_already_extracted(tmp_path, videos):
  with pytest.raises(Interrupted):
    extract(videos, tmp_path, FakePoseNetwork(before=interrupt_after(7)))
  lines = []
  extract(videos, tmp_path, lines=lines)
  assert lines[0] == '1 of 2 videos are already extracted'


_KILLED = """
import os, pathlib, signal, sys
from fake_pose_network import FakePoseNetwork
from pose_action.extraction.extract import ExtractionOptions, extract_dataset
from pose_action.extraction.video_list import list_videos

def before(done):
  if done >= 5:
    os.kill(os.getpid(), signal.SIGKILL)

extract_dataset(
  list_videos(sys.argv[1]), FakePoseNetwork(before), dataset='mine',
  data_dir=sys.argv[2], options=ExtractionOptions(short_side=8, clip_frames=3,
  batch_size=2),
)
"""


def test_continues_after_a_kill(tmp_path, videos):
  killed = subprocess.run(
    [sys.executable, '-c', _KILLED, str(tmp_path / 'videos'), str(tmp_path / 'data')],
    env={
      **os.environ,
      'PYTHONPATH': PYTHON_PATH,
    },
    check=False,
  )
  assert killed.returncode == -signal.SIGKILL
  network = FakePoseNetwork()
  extract(videos, tmp_path / 'data', network, clip_frames=3, batch_size=2)
  assert network.num_frames == 11 - 3
  assert len(open_dataset(tmp_path / 'data', 'mine', 'heatmaps').clips('all')) == 5


def test_other_settings_cannot_continue(tmp_path, videos):
  with pytest.raises(Interrupted):
    extract(videos, tmp_path, FakePoseNetwork(before=interrupt_after(3)))
  with pytest.raises(
    PoseDatasetError, match='made with short_side 8, not 16; continue'
  ):
    extract(videos, tmp_path, short_side=16)
  # The batch size does not affect the maps.
  extract(videos, tmp_path, batch_size=5)


def test_continues_after_a_kill_between_the_exports(tmp_path, videos, monkeypatch):
  from input_pipeline.export import export as module

  export = module.export_dataset

  def only_keypoints(source, *, representation, **options):
    if representation == 'heatmaps':
      raise Interrupted
    return export(source, representation=representation, **options)

  monkeypatch.setattr(module, 'export_dataset', only_keypoints)
  with pytest.raises(Interrupted):
    extract(videos, tmp_path)
  monkeypatch.setattr(module, 'export_dataset', export)
  network = FakePoseNetwork()
  summary = extract(videos, tmp_path, network)
  assert network.num_frames == 0
  assert [e.directory.parent.name for e in summary.exports] == ['heatmaps']


def test_an_existing_data_set_is_refused_before_the_work(tmp_path, videos):
  extract(videos, tmp_path)
  network = FakePoseNetwork()
  with pytest.raises(PoseDatasetError, match=r'already exists as keypoints.*overwrite'):
    extract(videos, tmp_path, network)
  assert network.num_frames == 0
  extract(videos[:1], tmp_path, overwrite=True)
  assert len(open_dataset(tmp_path, 'mine', 'heatmaps').clips('all')) == 1


def test_an_unknown_modality_and_a_bad_name_are_refused_before_the_work(
  tmp_path, videos
):
  network = FakePoseNetwork()
  with pytest.raises(PoseDatasetError, match='offers joints, parts, features'):
    extract(videos, tmp_path, network, modalities=('joints', 'depth'))
  with pytest.raises(PoseDatasetError, match="'my data' cannot name a data set"):
    extract_dataset(
      videos,
      network,
      dataset='my data',
      data_dir=tmp_path,
      options=ExtractionOptions(),
    )
  assert network.num_frames == 0


@pytest.mark.parametrize(
  ('option', 'message'),
  [
    ({'stride': 0}, 'stride is 0, but must be at least 1'),
    ({'threshold': 1.0}, r'threshold is 1\.0, but must be ≥ 0 and < 1'),
  ],
)
def test_options_out_of_range_are_refused(option, message):
  with pytest.raises(ValueError, match=message):
    ExtractionOptions(**option)
