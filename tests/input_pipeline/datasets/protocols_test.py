import pytest

from input_pipeline.datasets import jhmdb_download, stick_actions
from input_pipeline.datasets.protocols import (
  PROTOCOLS,
  PoseDatasetError,
  export_command,
  get_protocol,
  load_source,
)
from input_pipeline.pose_source import PoseSource
from input_pipeline.readers import registry
from input_pipeline.skeletons import get_skeleton


@pytest.fixture
def read_calls(monkeypatch):
  """Stands in for the readers; holds what each was asked for."""
  calls = []

  def read_poses(format, path, *, skeleton):
    calls.append((format, str(path), skeleton))
    return PoseSource(get_skeleton(skeleton), (), {}, no_clip, 'many' in str(path))

  monkeypatch.setattr(registry, 'read_poses', read_poses)
  return calls


def no_clip(video_id):
  raise KeyError(video_id)


@pytest.mark.parametrize('protocol', PROTOCOLS.values(), ids=lambda p: p.name)
def test_protocols_name_what_exists(protocol):
  assert get_protocol(protocol.name) is protocol
  get_skeleton(protocol.skeleton)
  assert protocol.format is None or protocol.format in registry.READERS


def test_splits_by_number():
  assert get_protocol('jhmdb').split_names(3) == ('train3', 'test3')
  assert get_protocol('penn_action').split_names(1) == ('train', 'test')
  assert get_protocol('hmdb51').split_names(3) == ('train3', 'test3')
  assert get_protocol('charades').split_names(1) == ('train', 'val')
  with pytest.raises(PoseDatasetError, match=r"'jhmdb' has no split 0; it has 1\.\.3"):
    get_protocol('jhmdb').split_names(0)
  with pytest.raises(PoseDatasetError, match=r'no split 4'):
    get_protocol('jhmdb').split_names(4)


def test_unknown_protocol_names_the_nearest():
  with pytest.raises(PoseDatasetError, match=r"'jhmbd'.*mean 'jhmdb'\?.*penn_action"):
    get_protocol('jhmbd')


def test_a_known_data_set_brings_its_format_and_skeleton(read_calls):
  load_source('penn_action', poses='labels', data_dir='d')
  load_source('penn_action', format='pyskl', poses='penn.pkl', skeleton='coco_17')
  assert read_calls == [
    ('penn_action', 'labels', 'penn_action'),
    ('pyskl', 'penn.pkl', 'coco_17'),
  ]


def test_a_format_brings_its_skeleton_before_the_data_set_does(read_calls):
  load_source('jhmdb', format='jmrn_official', poses='release')
  load_source('mine', format='jmrn_official', poses='release')
  assert {skeleton for _, _, skeleton in read_calls} == {'jmrn_official_background'}


def test_one_label_a_clip_or_several_is_the_data_sets_to_say(read_calls):
  assert load_source('charades', poses='many').multi_label
  assert not load_source('hmdb51', poses='one').multi_label
  assert load_source('mine', format='pyskl', poses='many', skeleton='coco_17')
  with pytest.raises(
    PoseDatasetError, match=r"'charades' has a list .* one gives .* one"
  ):
    load_source('charades', poses='one')
  with pytest.raises(
    PoseDatasetError, match=r"'hmdb51' has one label, .* another name"
  ):
    load_source('hmdb51', poses='many')


def test_jhmdb_is_downloaded_only_where_nothing_was_given(
  read_calls, monkeypatch, tmp_path
):
  monkeypatch.setattr(jhmdb_download, 'download_jhmdb', lambda d: tmp_path / 'fetched')
  load_source('jhmdb', data_dir=tmp_path)
  load_source('jhmdb', poses='mine', data_dir=tmp_path)
  assert read_calls == [
    ('jhmdb_tree', str(tmp_path / 'fetched'), 'jhmdb'),
    ('jhmdb_tree', 'mine', 'jhmdb'),
  ]
  with pytest.raises(PoseDatasetError, match=r'poses is not given'):
    load_source('jhmdb', format='pyskl', data_dir=tmp_path)


def test_what_is_missing_is_named():
  with pytest.raises(
    PoseDatasetError, match=r"(?s)'mine'.*format and skeleton is not.*--format=FORMAT"
  ):
    load_source('mine', poses='file')
  with pytest.raises(PoseDatasetError, match=r"(?s)'penn_action'.*poses is not given"):
    load_source('penn_action')


def test_stick_actions_are_generated_from_the_seed():
  source = load_source('stick_actions', seed=3)
  video_id = source.splits['test'][0]
  expected = stick_actions.stick_actions_source(seed=3).load(video_id)
  assert (source.load(video_id).keypoints == expected.keypoints).all()


def test_stick_actions_take_no_poses():
  with pytest.raises(PoseDatasetError, match='takes no format and no poses'):
    load_source('stick_actions', format='pyskl', poses='x.pkl')


@pytest.mark.parametrize(
  ('dataset', 'flags'),
  [
    ('stick_actions', ''),
    ('jhmdb', ''),
    ('penn_action', ' --poses=FILE_OR_FOLDER'),
    ('hmdb51', ' --poses=FILE_OR_FOLDER'),
    ('mine', ' --format=FORMAT --poses=FILE_OR_FOLDER --skeleton=SKELETON'),
  ],
)
def test_export_command(dataset, flags):
  assert export_command(dataset, 'heatmaps', '/d') == (
    f'python tools/export_dataset.py --dataset={dataset} --representation=heatmaps'
    f' --data_dir=/d{flags}'
  )
