import json

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from pose_action.sources.kinds import dataset_names, kind_of


@pytest.fixture
def places(tmp_path):
  for form in ('mine/keypoints', 'other/heatmaps'):
    folder = tmp_path / 'data' / form / '1.0.0'
    folder.mkdir(parents=True)
    (folder / 'dataset_info.json').write_text('{}')
  (tmp_path / 'videos' / 'walk').mkdir(parents=True)
  (tmp_path / 'videos' / 'walk' / 'a.mp4').write_bytes(b'')
  (tmp_path / 'frames').mkdir()
  (tmp_path / 'frames' / '1.png').write_bytes(b'')
  (tmp_path / 'poses').mkdir()
  np.save(tmp_path / 'poses' / 'a.npy', np.zeros((3, 17, 3), np.float32))
  (tmp_path / 'poses' / 'a.mp4').write_bytes(b'')  # Poses beside their video.
  (tmp_path / 'A.MOV').write_bytes(b'')
  return tmp_path


@pytest.mark.parametrize(
  ('name', 'kind'),
  [
    ('{}/data/mine', 'dataset'),
    ('{}/data/mine/keypoints/1.0.0', 'dataset'),
    ('mine', 'dataset'),
    ('gs://bucket/mine', 'dataset'),
    ('{}/videos', 'video'),
    ('{}/frames', 'video'),
    ('{}/A.MOV', 'video'),
    ('{}/poses', 'poses'),
    ('{}/poses/a.npy', 'poses'),
    ('0', 'camera'),
  ],
)
def test_kinds(places, name, kind):
  assert kind_of(name.format(places), data_dir=str(places / 'data')) == kind


def test_a_stated_format_means_poses(places):
  assert kind_of(f'{places}/frames', data_dir=None, format='openpose') == 'poses'


def test_a_file_named_like_a_camera(places, monkeypatch):
  monkeypatch.chdir(places)
  (places / '0').write_text(json.dumps([]))
  assert kind_of('0', data_dir=None) == 'poses'


def test_a_name_of_nothing(places):
  assert dataset_names(str(places / 'data')) == ['mine', 'other']
  with pytest.raises(PoseDataError, match=r"has mine, other \(did you mean 'mine'\?\)"):
    kind_of('mime', data_dir=str(places / 'data'))
