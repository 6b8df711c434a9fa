"""Data sets by name, and the clips that a model was not trained on."""

import pytest
import tiny_run

from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.sources import HeatmapSource, PoseSource
from pose_action.sources.stored import open_stored, own_clips


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
  folder = tmp_path_factory.mktemp('both')
  tiny_run.export(folder)
  tiny_run.export(folder, 'heatmaps')
  return folder


def test_the_preferred_form_of_a_data_set(data_dir):
  maps = open_stored('tiny', data_dir=str(data_dir), preferred='heatmaps')
  assert isinstance(maps, HeatmapSource)
  for name in ('tiny', str(data_dir / 'tiny'), str(data_dir / 'tiny' / 'keypoints')):
    assert isinstance(open_stored(name, data_dir=str(data_dir)), PoseSource)


def test_several_data_sets(data_dir, tmp_path):
  (tmp_path / 'tiny').symlink_to(data_dir / 'tiny')
  (tmp_path / 'tony').symlink_to(data_dir / 'tiny')
  with pytest.raises(
    PoseDataError, match=r'holds 2 data sets \(tiny, tony\); give the'
  ):
    open_stored(str(tmp_path), data_dir=None)


def config(**data):
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.update(data)
  return config


def test_own_test_clips(data_dir):
  own = own_clips(config(), str(data_dir))
  assert own.words == 'clips are those of tiny, test'
  assert own.source.splits == {'test': tiny_run.source().splits['test']}


def test_held_out_clips_where_there_is_no_test_split(data_dir):
  own = own_clips(config(test_split=''), str(data_dir))
  data = tiny_run.open_run_data(config(test_split='', data_dir=str(data_dir)))
  assert data.validation is not None
  assert own.source.splits == {'train': data.validation.video_ids}
  assert 'held out: fold 0 of 5' in own.words


def test_no_clips_of_its_own(data_dir, tmp_path):
  with pytest.raises(PoseDatasetError, match='was trained on all clips of'):
    own_clips(config(test_split='', validation_folds=0), str(data_dir))
  with pytest.raises(PoseDatasetError, match=f'are not in {tmp_path}; give --data_dir'):
    own_clips(config(), str(tmp_path))


def test_generated_clips_need_no_files(tmp_path):
  own = own_clips(config(dataset='stick_actions'), str(tmp_path))
  assert len(own.source.splits['test']) == 360
