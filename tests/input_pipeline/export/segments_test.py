"""A data set made from a pose file and a segment file."""

import dataclasses
import json

import numpy as np
import pytest

from input_pipeline.annotations.training_windows import SegmentOptions
from input_pipeline.errors import PoseDatasetError
from input_pipeline.export.open_or_export import open_or_export
from input_pipeline.readers.options import ReadOptions
from input_pipeline.storage.stored_source import stored_source

SEGMENTS = 'video,start,stop,label\none,0,1,wave\none,1,2,sit\ntwo,0,2,sit\n'


@pytest.fixture
def asked(tmp_path):
  """Two videos of 20 frames, 10 per second."""
  poses = tmp_path / 'poses'
  poses.mkdir()
  for name in ('one', 'two'):
    np.save(poses / f'{name}.npy', np.full((20, 17, 3), 1.0, np.float32) * [9, 9, 1])
  (poses / 'videos.csv').write_text('path,fps\none.npy,10\ntwo.npy,10\n')
  (tmp_path / 'segments.csv').write_text(SEGMENTS)
  return {
    'dataset': 'mine',
    'representation': 'keypoints',
    'data_dir': tmp_path / 'data',
    'format': 'numpy',
    'skeleton': 'coco_17',
    'poses': poses,
    'options': ReadOptions(frame_size=(20, 20)),
    'segments': SegmentOptions(str(tmp_path / 'segments.csv'), '1s', '0.5s'),
    'progress': lambda line: None,
  }


def test_windows_are_stored_with_their_videos_as_groups(asked):
  dataset = open_or_export(**asked)
  clips = dataset.clips('all')
  assert dataset.class_names == ('sit', 'wave')
  assert list(clips.video_ids) == [
    *('one#0@0', 'one#0@10', 'two#0@0', 'two#0@5', 'two#0@10'),
  ]
  assert clips.labels.tolist() == [1, 0, 0, 0, 0]
  assert clips.num_frames.tolist() == [10] * 5
  assert list(clips.groups or ()) == ['one', 'one', 'two', 'two', 'two']

  assert open_or_export(**asked).class_names == ('sit', 'wave')
  asked['segments'] = dataclasses.replace(asked['segments'], stride='1s')
  with pytest.raises(
    PoseDatasetError, match=r"segments.stride is '1s', but the data set"
  ):
    open_or_export(**asked)
  asked['segments'] = dataclasses.replace(
    asked['segments'], stride='0.5s', tiers=('gaze',)
  )
  with pytest.raises(PoseDatasetError, match=r"tiers is \['gaze'\], but .* has \[\]"):
    open_or_export(**asked)
  asked['segments'] = dataclasses.replace(asked['segments'], tiers=())
  (asked['poses'].parent / 'segments.csv').write_text(SEGMENTS.replace('wave', 'walk'))
  with pytest.raises(
    PoseDatasetError, match=r'segments are .* whose content is not that'
  ):
    open_or_export(**asked)


def test_data_sets_of_earlier_releases_say_nothing_of_tiers(asked):
  # They had no digests either.
  metadata, content = without_digests(open_or_export(**asked).directory)
  assert content['source']['segment_options'].pop('tiers') == []
  metadata.write_text(json.dumps(content))
  assert open_or_export(**asked).class_names == ('sit', 'wave')


def without_digests(directory):
  (directory / 'digests.json').unlink()
  metadata = directory / 'metadata.json'
  content = json.loads(metadata.read_text())
  del content['digests']
  return metadata, content


def test_the_background_class_is_stored(asked):
  asked['segments'] = dataclasses.replace(asked['segments'], background='rest')
  dataset = open_or_export(**asked)
  assert dataset.class_names == ('sit', 'wave', 'rest')
  assert dataset.background_class == 'rest'
  assert stored_source(dataset).background_class == 'rest'
  # Data sets of earlier releases state it with what they were made of.
  metadata, content = without_digests(dataset.directory)
  assert content.pop('background_class') == 'rest'
  metadata.write_text(json.dumps(content))
  assert open_or_export(**asked).background_class == 'rest'
  metadata.write_text(json.dumps(content | {'background_class': 'none'}))
  with pytest.raises(
    PoseDatasetError, match="'background_class' 'none' is none of its"
  ):
    open_or_export(**asked)


def test_without_background_nothing_is_stored(asked):
  dataset = open_or_export(**asked)
  assert dataset.background_class == ''
  assert 'background_class' not in (dataset.directory / 'metadata.json').read_text()


def test_the_command_that_makes_a_damaged_data_set_again_has_the_segments(asked):
  directory = open_or_export(**asked).directory
  (directory / 'metadata.json').write_text(
    (directory / 'metadata.json').read_text() + ' '
  )
  path = asked['segments'].path
  command = f'--segments={path} --window=1s --stride=0.5s --overwrite'
  with pytest.raises(PoseDatasetError, match=command):
    open_or_export(**asked)
