import re

import numpy as np
import pytest

from input_pipeline.datasets import jhmdb_download, stick_actions
from input_pipeline.datasets.protocols import (
  PROTOCOLS,
  asked_figures,
  export_command,
  get_protocol,
  groups_of,
  load_source,
)
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers import registry
from input_pipeline.readers.options import ReadOptions
from input_pipeline.skeletons.registry import get_skeleton
from train_lib import metrics


@pytest.fixture
def read_calls(monkeypatch):
  """Stands in for the readers; holds what each was asked for."""
  calls = []

  splits = dict.fromkeys(
    s for p in PROTOCOLS.values() for pair in p.splits for s in pair
  )

  def read_poses(format, path, *, skeleton, options=None):
    calls.append((format, str(path), skeleton))
    names = dict.fromkeys(splits, ()) if 'other' not in str(path) else {'all': ()}
    return PoseSource(get_skeleton(skeleton), (), names, no_clip, 'many' in str(path))

  monkeypatch.setattr(registry, 'read_poses', read_poses)
  return calls


def no_clip(video_id):
  raise KeyError(video_id)


@pytest.mark.parametrize('protocol', PROTOCOLS.values(), ids=lambda p: p.name)
def test_protocols_name_what_exists(protocol):
  assert get_protocol(protocol.name) is protocol
  get_skeleton(protocol.skeleton)
  assert protocol.format is None or protocol.format in registry.READERS


@pytest.mark.parametrize(
  'dataset', ['jhmdb', 'hmdb51', 'charades', 'mimetics', 'penn_action', 'stick_actions']
)
def test_protocols_say_what_they_need_and_how_many_clips_that_is(dataset):
  protocol = get_protocol(dataset)
  assert protocol.requires
  if protocol.metric == 'frame_mAP':  # Of frames; how many boxes are found is open.
    return
  tested = {test for _, test in protocol.splits}
  assert protocol.format is None or set(protocol.num_clips) == tested
  figures = metrics.figures(
    np.full((2, 6), 1 / 6),
    np.eye(6, dtype=np.uint8)[:2] if protocol.multi_label else np.arange(2),
    asked_figures(protocol.name),
  )
  assert protocol.metric in figures
  assert set(protocol.further_metrics) <= {*figures, 'top5'}
  assert metrics.headline_figure(figures) == figures[protocol.metric]
  if protocol.format:
    with pytest.raises(ValueError, match=re.escape(f'{protocol.name} needs ')):
      load_source(protocol.name, poses='/nowhere')


def test_an_unknown_data_set_asks_for_nothing():
  assert asked_figures('mine') == ()
  assert asked_figures('mimetics') == ('accuracy', 'top5', 'mAP')


def test_splits_by_number():
  assert get_protocol('jhmdb').split_names(3) == ('train3', 'test3')
  assert get_protocol('penn_action').split_names(1) == ('train', 'test')
  assert get_protocol('hmdb51').split_names(3) == ('train3', 'test3')
  assert get_protocol('charades').split_names(1) == ('train', 'val')
  with pytest.raises(PoseDatasetError, match=r"'jhmdb' has no split 0; it has 1\.\.3"):
    get_protocol('jhmdb').split_names(0)
  with pytest.raises(PoseDatasetError, match=r'no split 4'):
    get_protocol('jhmdb').split_names(4)


def test_clips_of_one_movie_are_held_out_together():
  names = ['a,b,0902,0.1,0.2,0.3,0.4', 'a,b,0903,0.1,0.2,0.3,0.4', 'c,0902,0,0,1,1']
  assert groups_of('ava', names) == ['a,b', 'a,b', 'c']
  assert groups_of('jhmdb', names) is None
  assert groups_of('mine', names) is None


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


def test_poses_without_the_data_sets_splits_are_refused_with_what_it_needs(read_calls):
  with pytest.raises(
    PoseDatasetError,
    match=r"(?s)'hmdb51' has the splits train1, .* other has all\n.*testTrainMulti_7030",
  ):
    load_source('hmdb51', poses='other')
  assert load_source('mine', format='pyskl', poses='other', skeleton='coco_17')


def test_annotations_divide_and_label_poses(monkeypatch, tmp_path):
  (tmp_path / 'lists').mkdir()
  (tmp_path / 'lists' / 'run_test_split1.txt').write_text('a.avi 1\nb.avi 2\n')
  read = []

  def read_poses(format, path, *, skeleton, options=None):
    read.append((format, path))
    return PoseSource(get_skeleton(skeleton), (), {'all': (path,)}, no_clip)

  monkeypatch.setattr(registry, 'read_poses', read_poses)
  options = {'annotations': tmp_path / 'lists', 'format': 'any'}
  source = load_source('hmdb51', poses='a,b', **options)
  assert read == [('any', 'a'), ('any', 'b')]
  assert source.splits == {'train1': ('a',), 'test1': ('b',)}
  assert source.class_names == ('run',)
  # What is missing is known before anything is exported, and where it comes from.
  with pytest.raises(
    PoseDataError, match=r"(?s)none of .* 'test1' .*\nhmdb51 needs .*ra"
  ):
    load_source('hmdb51', poses='a', **options)
  options['annotations'] = tmp_path / 'none'
  with pytest.raises(
    PoseDataError, match=r'(?s)none, the annot.* no folder\nhmdb51 nee'
  ):
    load_source('hmdb51', poses='a,b', **options)


def test_annotations_are_of_known_data_sets(read_calls, tmp_path):
  with pytest.raises(
    PoseDatasetError, match=r"'penn_action' has no official .* one of jhmdb, hmdb51, ch"
  ):
    load_source('penn_action', poses='labels', annotations=tmp_path)
  with pytest.raises(PoseDatasetError, match='takes no annotations'):
    load_source('stick_actions', annotations=tmp_path)


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


def test_poses_are_brought_to_another_layout(tmp_path):
  np.save(tmp_path / 'v.npy', np.ones((3, 17, 3), np.float32))
  options = ReadOptions(frame_size=(20, 30))
  source = load_source(
    'mine',
    format='numpy',
    poses=tmp_path,
    skeleton='coco_17',
    options=options,
    map_to='openpose_18',
  )
  assert source.skeleton.name == 'openpose_18'
  (video_id,) = source.splits['all']
  clip = source.load(video_id)
  assert isinstance(clip, PoseClip)
  assert clip.scores[:, 0, source.skeleton.joints.index('neck')].tolist() == [1, 1, 1]
