import numpy as np
import pytest

from input_pipeline.catalog import jhmdb_download
from input_pipeline.catalog.open_source import load_source
from input_pipeline.catalog.protocols import (
  PROTOCOLS,
)
from input_pipeline.catalog.stick_actions import source as stick_actions
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers import registry
from input_pipeline.readers.options import ReadOptions
from input_pipeline.skeletons.registry import get_skeleton


@pytest.fixture
def read_calls(monkeypatch):
  """Replaces the readers; lists the arguments of each call."""
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


def test_the_data_set_decides_whether_clips_have_one_label_or_several(read_calls):
  assert load_source('charades', poses='many').multi_label
  assert not load_source('hmdb51', poses='one').multi_label
  assert load_source('mine', format='pyskl', poses='many', skeleton='coco_17')
  with pytest.raises(
    PoseDatasetError, match=r"'charades' has a list .* one gives each clip one label"
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
  # The message names what is missing and where to get it, before anything is exported.
  with pytest.raises(
    PoseDataError, match=r"(?s)none of .* 'test1' .*\nhmdb51 needs .*ra"
  ):
    load_source('hmdb51', poses='a', **options)
  options['annotations'] = tmp_path / 'none'
  with pytest.raises(
    PoseDataError, match=r'(?s)none, given as the annot.* not a folder\nhmdb51 nee'
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
    PoseDatasetError, match=r"(?s)'mine' is read .*poses is not.*--format=FORMAT"
  ):
    load_source('mine')
  with pytest.raises(PoseDataError, match=r'gone does not exist'):
    load_source('mine', poses='gone')
  with pytest.raises(PoseDatasetError, match=r"did you mean 'penn_action'"):
    load_source('penn_acton')
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


def test_poses_are_brought_to_another_layout(tmp_path):
  np.save(tmp_path / 'v.npy', np.full((3, 17, 3), [9, 9, 1], np.float32))
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


def test_files_that_name_their_joints_need_no_skeleton(tmp_path):
  names = get_skeleton('coco_17').joints
  rows = [
    ['scorer', *['net'] * 34],
    ['bodyparts', *(name for name in names for _ in 'xy')],
    ['coords', *['x', 'y'] * 17],
    *([frame, *range(20, 54)] for frame in range(3)),
  ]
  text = '\n'.join(','.join(map(str, row)) for row in rows)
  (tmp_path / 'v.csv').write_text(text)
  options = ReadOptions(frame_size=(64, 64))
  source = load_source('mine', format='deeplabcut', poses=tmp_path, options=options)
  assert source.skeleton.name == 'coco_17'
  assert source.load('v').keypoints[2, 0, 16].tolist() == [52, 53]
  with pytest.raises(PoseDataError, match='does not name its joints'):
    load_source('mine', format='openpose', poses=tmp_path, options=options)
