import collections
import gc
import os
import signal
import subprocess
import sys
import weakref

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT

from input_pipeline.catalog import open_source
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.export import shard_plan
from input_pipeline.export.export import export_dataset, open_or_export
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import HeatmapClip, HeatmapSource, PoseSource
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage import examples as stored_examples
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.rendered_maps import render_clip, render_clip_parts

SKELETON = Skeleton('duo', ('head', 'neck'), (('head', 'neck'),), background=True)


def make_clip(video_id, labels=None, visible=True):
  """The clip of `v<number>`: its length, persons and label follow from the number."""
  number = int(video_id[1:])
  rng = np.random.default_rng(number)
  shape = (3 + number, 1 + number % 2, 2)
  return PoseClip(
    video_id,
    rng.uniform(-10, 100, (*shape, 2)),
    rng.uniform(0.1, 1, shape) if visible else np.zeros(shape),
    (60, 80),
    SKELETON,
    (number % 3,) if labels is None else labels,
  )


def make_source(load=make_clip, **splits):
  splits = splits or {'train1': ('v4', 'v0', 'v7'), 'test1': ('v2', 'v0')}
  return PoseSource(SKELETON, ('run', 'sit', 'wave'), splits, load)


def export_tiny(tmp_path, source=None, representation='keypoints', **kwargs):
  kwargs = {'progress': lambda line: None, 'short_side': 8, 'sigma': 1.0, **kwargs}
  return export_dataset(
    source or make_source(),
    dataset='tiny',
    representation=representation,
    data_dir=tmp_path,
    **kwargs,
  )


def test_keypoints_come_back_as_they_were(tmp_path):
  summary = export_tiny(tmp_path)

  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  assert dataset.directory == summary.directory == tmp_path / 'tiny/keypoints/1.0.0'
  assert dataset.settings == {}
  for split, video_ids in make_source().splits.items():
    records = dataset.records(split)
    assert len(records) == len(video_ids)
    for index, video_id in enumerate(video_ids):
      record, clip = records[index], make_clip(video_id)
      assert record['video_id'] == video_id.encode()
      assert record['label'] == clip.labels[0]
      np.testing.assert_array_equal(record['frame_size'], [60, 80])
      np.testing.assert_array_equal(record['keypoints'][..., :2], clip.keypoints)
      np.testing.assert_array_equal(record['keypoints'][..., 2], clip.scores)
      assert record['keypoints'].dtype == np.float32
      assert record['frame_size'].dtype == np.int32


def test_heatmaps_are_the_rendered_clips(tmp_path):
  export_tiny(tmp_path, representation='heatmaps')

  dataset = open_dataset(tmp_path, 'tiny', 'heatmaps')
  assert dataset.settings == {
    'short_side': 8,
    'sigma': 1.0,
    'truncate': 3.0,
    'background': True,
    'modalities': ['joints'],
  }
  record = dataset.records('train1')[0]
  assert record['maps'].shape == (7, 8, 11, 3)  # v4; 80 · 8 / 60 = 10.67
  assert record['maps'].dtype == np.uint8
  expected = render_clip(make_clip('v4'), short_side=8, sigma=1.0)
  np.testing.assert_array_equal(record['maps'], expected)
  assert expected.any()


def test_parts_are_stored_beside_joints(tmp_path):
  export_tiny(
    tmp_path,
    representation='heatmaps',
    modalities=('joints', 'parts'),
    part_width=0.8,
  )

  dataset = open_dataset(tmp_path, 'tiny', 'heatmaps')
  assert dataset.modalities == ('joints', 'parts')
  assert dataset.num_features == 0
  record = dataset.records('train1')[0]
  parts = render_clip_parts(make_clip('v4'), short_side=8, width=0.8)
  np.testing.assert_array_equal(record['parts'], parts, strict=True)
  assert parts.shape == (7, 8, 11, 2)  # One limb.
  assert record['maps'].shape == (7, 8, 11, 3)


def network_source(modalities=('joints', 'parts', 'features'), broken=()):
  """A pose network's maps of clips of three frames; `broken` have none."""

  def load(video_id):
    rng = np.random.default_rng(int(video_id[1:]))
    channels = {'joints': 3, 'parts': 2, 'features': 5}
    if video_id in broken:
      channels = dict.fromkeys(channels, 7)

    def read(modality):
      shape = (3, 8, 11, channels[modality])
      return rng.integers(0, 255, shape, dtype=np.uint8)

    return HeatmapClip(video_id, read, 3, (60, 80), SKELETON, 2.5, (1,))

  splits = {'train1': ('v4', 'v0', 'v7')}
  return HeatmapSource(
    SKELETON, ('run', 'sit'), splits, load, modalities, {'short_side': 8}, 5
  )


def test_a_networks_maps_are_stored_as_they_are(tmp_path):
  source = network_source()
  export_tiny(tmp_path, source, representation='heatmaps', short_side=None, sigma=None)

  dataset = open_dataset(tmp_path, 'tiny', 'heatmaps')
  assert dataset.modalities == ('joints', 'parts', 'features')
  assert (dataset.num_features, dataset.settings['short_side']) == (5, 8)
  record = dataset.records('train1')[1]
  assert record['maps'].shape == (3, 8, 11, 3)
  assert record['parts'].shape == (3, 8, 11, 2)
  assert record['features'].shape == (3, 8, 11, 5)
  assert record['features_scale'] == np.float32(2.5)
  assert dataset.clips('train1').num_frames.tolist() == [3, 3, 3]


def test_a_networks_clip_of_a_wrong_shape_is_left_out(tmp_path):
  source = network_source(('joints',), broken=('v0',))
  options = {'representation': 'heatmaps', 'short_side': None, 'sigma': None}
  summary = export_tiny(tmp_path, source, **options)
  ((video_id, reason),) = summary.splits[0].left_out
  assert video_id == 'v0'
  assert 'joints are uint8 of shape (3, 8, 11, 7), but need' in reason


def test_a_run_that_needs_parts_is_told_how_to_have_them(tmp_path):
  export_tiny(tmp_path, representation='heatmaps')
  message = r'holds joints, but not parts; replace it .* --modalities=joints,parts'
  with pytest.raises(PoseDatasetError, match=message):
    open_or_export(
      dataset='tiny',
      representation='heatmaps',
      data_dir=tmp_path,
      short_side=8,
      sigma=1.0,
      modalities=('parts',),
    )


def test_record_order_is_index_order_over_many_shards(tmp_path, monkeypatch):
  monkeypatch.setattr(shard_plan, '_CLIPS_PER_SHARD', 2)
  bad = ('v1', 'v2', 'v9')  # The second shard, v1 and v2, is left without a record.

  def load(video_id):
    if video_id in bad:
      raise PoseDataError(f'clip {video_id!r}: torn')
    return make_clip(video_id)

  video_ids = ('v8', 'v1', 'v2', 'v3', 'v0', 'v9', 'v5', 'v6', 'v4')
  summary = export_tiny(tmp_path, make_source(load, train=video_ids))

  assert len(list(summary.directory.glob('*.array_record*'))) == 5
  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  clips, records = dataset.clips('train'), dataset.records('train')
  assert clips.video_ids == ('v8', 'v3', 'v0', 'v5', 'v6', 'v4')
  assert len(records) == len(clips) == 6
  for index, video_id in enumerate(clips.video_ids):
    assert records[index]['video_id'].decode() == video_id
    assert records[index]['label'] == clips.labels[index] == int(video_id[1:]) % 3
    assert len(records[index]['keypoints']) == clips.num_frames[index]


def test_bad_clips_are_reported_left_out_and_listed(tmp_path):
  def load(video_id):
    match video_id:
      case 'v1':
        raise PoseDataError("clip 'v1': the file is torn")
      case 'v2':
        return make_clip(video_id, labels=())
      case 'v3':
        return make_clip(video_id, labels=(0, 1))
      case 'v4':
        return make_clip(video_id, labels=(3,))
      case 'v5':
        return make_clip(video_id, visible=False)
    return make_clip(video_id)

  lines = []
  source = make_source(
    load, train=('v0', 'v1', 'v2', 'v3', 'v4', 'v5', 'v6'), test=('v1', 'v7')
  )
  summary = export_tiny(tmp_path, source, progress=lines.append)

  reasons = {
    'v1': 'the file is torn',
    'v2': 'has 0 labels, but needs exactly one',
    'v3': 'has 2 labels, but needs exactly one',
    'v4': 'has label 3, but the 3 classes are 0..2',
    'v5': 'no joint is visible in any frame',
  }
  train, test = summary.splits
  assert train.left_out == list(reasons.items())
  assert (train.num_clips, train.num_offered) == (2, 7)
  assert test.left_out == [('v1', 'the file is torn')]
  assert lines == [
    'tiny as keypoints: 9 clips',
    *(f'train: left out {v!r}: {reason}' for v, reason in reasons.items()),
    "test: left out 'v1': the file is torn",
  ]
  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  assert dataset.clips('train').video_ids == ('v0', 'v6')
  assert dataset.left_out == (
    *(('train', v, reason) for v, reason in reasons.items()),
    ('test', 'v1', 'the file is torn'),
  )


@pytest.mark.parametrize(
  ('strict', 'error'),
  [(True, PoseDataError), (False, TypeError)],
  ids=['strict', 'programming error'],
)
def test_what_stops_an_export_leaves_nothing_behind(tmp_path, strict, error):
  def load(video_id):
    if video_id == 'v7':
      raise error('clip v7 it was')
    return make_clip(video_id)

  with pytest.raises(error, match='clip v7 it was'):
    export_tiny(tmp_path, make_source(load), strict=strict)
  assert list(tmp_path.iterdir()) == []


def test_a_split_without_a_usable_clip_is_an_error(tmp_path):
  source = make_source(
    lambda video_id: make_clip(video_id, visible=video_id != 'v2'), a=('v1',), b=('v2',)
  )
  with pytest.raises(PoseDatasetError, match=r"none of the 1 .* 'b' .*'v2': no joint"):
    export_tiny(tmp_path, source)
  assert list(tmp_path.iterdir()) == []


def test_splits_are_chosen_by_name(tmp_path):
  source = make_source(train=('v1', 'v2'), val=('v3',), all=('v1', 'v2', 'v3'), none=())

  export_tiny(tmp_path / 'some', source, splits=['val', 'train', 'val'])
  export_tiny(tmp_path / 'default', source)

  assert open_dataset(tmp_path / 'some', 'tiny', 'keypoints').splits == ('val', 'train')
  dataset = open_dataset(tmp_path / 'default', 'tiny', 'keypoints')
  assert dataset.splits == ('train', 'val', 'all')
  assert len(dataset.records('all')) == 3  # A word that TFDS keeps for itself.


@pytest.mark.parametrize(
  ('split', 'message'),
  [
    ('other', r"no clip in split 'other'; it has train \(1\), none \(0\), a/b \(1\)"),
    ('none', r"no clip in split 'none'"),
    ('a/b', r"'a/b' cannot name a split"),
  ],
)
def test_splits_that_cannot_be_chosen(tmp_path, split, message):
  source = make_source(**{'train': ('v1',), 'none': (), 'a/b': ('v2',)})
  with pytest.raises(PoseDatasetError, match=message):
    export_tiny(tmp_path, source, splits=[split])


def test_names_that_cannot_be_stored(tmp_path):
  with pytest.raises(PoseDatasetError, match=r"'\.\./x' cannot name a data set"):
    export_dataset(
      make_source(), dataset='../x', representation='keypoints', data_dir=tmp_path
    )
  twice = PoseSource(SKELETON, ('run', 'run'), {'train': ('v1',)}, make_clip)
  with pytest.raises(PoseDatasetError, match=r'class names must .* differ'):
    export_tiny(tmp_path, twice)
  with pytest.raises(PoseDatasetError, match='the source has no clips at all'):
    export_tiny(tmp_path, make_source(train=()))
  with pytest.raises(PoseDatasetError, match=r'sigma is 0, .* must be at least 1'):
    export_tiny(tmp_path, representation='heatmaps', sigma=0)
  with pytest.raises(PoseDatasetError, match=r"no representation 'maps'; .*heatmaps"):
    export_tiny(tmp_path, representation='maps')


def test_an_export_replaces_only_when_told_to(tmp_path):
  export_tiny(tmp_path)
  with pytest.raises(
    PoseDatasetError, match=r'already there as keypoints.*--overwrite'
  ):
    export_tiny(tmp_path, make_source(train=('v1',)))

  with pytest.raises(ZeroDivisionError):
    export_tiny(tmp_path, make_source(lambda v: 1 / 0), overwrite=True)
  assert open_dataset(tmp_path, 'tiny', 'keypoints').splits == ('train1', 'test1')

  export_tiny(tmp_path, make_source(new=('v1',)), overwrite=True)
  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  assert dataset.splits == ('new',)
  assert len(dataset.records('new')) == 1
  assert [path.name for path in tmp_path.iterdir()] == ['tiny']


def run_python(code, *args):
  # TFDS under protobuf 6, which Apache Beam needs, brings this warning.
  strict = ('-W', 'error', '-W', 'ignore:label() is deprecated:DeprecationWarning')
  return subprocess.run(
    [sys.executable, *strict, '-c', code, *map(str, args)],
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'PYTHONWARNINGS': ''},
    capture_output=True,
    text=True,
    check=False,
  )


def test_after_a_kill_midway_the_next_export_starts_clean(tmp_path):
  code = """
import os, signal, sys
from tests.input_pipeline.export import export_test

def load(video_id):
  if video_id == 'v7':
    os.kill(os.getpid(), signal.SIGKILL)
  return export_test.make_clip(video_id)

export_test.export_tiny(sys.argv[1], export_test.make_source(load))
"""
  assert run_python(code, tmp_path).returncode == -signal.SIGKILL
  assert list(tmp_path.glob('.export-tiny-keypoints/**/*.array_record*'))
  with pytest.raises(PoseDatasetError, match=r'data sets in .*: none'):
    open_dataset(tmp_path, 'tiny', 'keypoints')

  export_tiny(tmp_path)

  assert len(open_dataset(tmp_path, 'tiny', 'keypoints').records('train1')) == 3
  assert [path.name for path in tmp_path.iterdir()] == ['tiny']


def test_needs_no_tensorflow_and_only_we_speak(tmp_path):
  code = """
import sys
from absl import logging
from input_pipeline.storage.dataset import open_dataset
assert 'jax' not in sys.modules, 'reading a data set needs no jax'

from tests.input_pipeline.export import export_test
logging.set_verbosity(logging.INFO)
export_test.export_tiny(sys.argv[1], representation='heatmaps', progress=print)
dataset = open_dataset(sys.argv[1], 'tiny', 'heatmaps')
assert dataset.records('train1')[2]['maps'].any()
assert logging.get_verbosity() == logging.INFO
assert 'tensorflow' not in sys.modules
"""
  done = run_python(code, tmp_path)
  assert (done.returncode, done.stderr) == (0, '')
  # On a busy machine it takes long enough for a line of progress.
  lines = [x for x in done.stdout.splitlines() if 'a second' not in x]
  assert lines == ['tiny as heatmaps: 5 clips']


def test_one_clips_maps_at_a_time_are_in_memory(tmp_path, monkeypatch):
  rendered, alive = [], []

  def spy(clip, **settings):
    alive.append(sum(maps() is not None for maps in rendered))
    maps = render_clip(clip, **settings)
    rendered.append(weakref.ref(maps))
    return maps

  monkeypatch.setattr(stored_examples, 'render_clip', spy)
  export_tiny(tmp_path, make_source(train=tuple(f'v{i}' for i in range(6))), 'heatmaps')

  assert len(rendered) == 6
  assert max(alive) <= 1


def test_potion_settings_are_compared_on_opening(tmp_path, sources):
  open_tiny(tmp_path, representation='potion')
  with pytest.raises(PoseDatasetError, match=r'channels 3, not 4, weights .* not'):
    open_tiny(tmp_path, representation='potion', channels=4, weights='integer_break')


def test_the_poses_are_let_go_after_an_export(tmp_path):
  source = make_source()
  gone = weakref.ref(source)
  export_tiny(tmp_path, source)
  del source
  gc.collect()
  assert gone() is None


@pytest.fixture
def sources(monkeypatch):
  """Stands in for `load_source`; holds the arguments of each call."""
  calls = []

  def load_source(dataset, **kwargs):
    calls.append((dataset, kwargs))
    return make_source()

  monkeypatch.setattr(open_source, 'load_source', load_source)
  return calls


def open_tiny(tmp_path, **kwargs):
  settings = {'representation': 'heatmaps', 'short_side': 8, 'sigma': 1.0}
  settings |= {'progress': lambda line: None, **kwargs}
  return open_or_export(dataset='tiny', data_dir=tmp_path, **settings)


def test_exports_on_first_use_only(tmp_path, sources):
  asked = {'format': 'pyskl', 'poses': 'x.pkl', 'skeleton': 'duo', 'seed': 4}
  asked['annotations'] = 'official'
  lines = []

  first = open_tiny(tmp_path, progress=lines.append, **asked)
  second = open_tiny(tmp_path, **asked)

  assert sources == [('tiny', {**asked, 'data_dir': tmp_path})]
  assert first.clips('train1').video_ids == second.clips('train1').video_ids
  assert lines[-1].startswith(f'Exported to {first.directory}')


def test_one_process_exports_and_the_others_wait(tmp_path, sources):
  def another_process_exports():
    assert sources == []
    open_tiny(tmp_path)

  dataset = open_tiny(tmp_path, is_primary=False, wait=another_process_exports)

  assert len(sources) == 1
  assert dataset.splits == ('train1', 'test1')


def test_the_others_are_not_left_waiting_when_the_export_fails(tmp_path, monkeypatch):
  waited = []
  with pytest.raises(PoseDatasetError, match='poses'):
    open_tiny(tmp_path, wait=lambda: waited.append('primary'))
  with pytest.raises(PoseDatasetError, match="no data set 'tiny' as heatmaps"):
    open_tiny(tmp_path, is_primary=False, wait=lambda: waited.append('other'))
  assert waited == ['primary', 'other']


def test_a_data_set_with_other_settings_is_refused(tmp_path, sources):
  open_tiny(tmp_path)
  message = r'rendered with short_side 8, not 16, sigma 1\.0, not 2\.0; .*--overwrite'
  with pytest.raises(PoseDatasetError, match=message):
    open_tiny(tmp_path, short_side=16, sigma=2.0)
  with pytest.raises(PoseDatasetError, match="of skeleton 'duo', not 'coco_17'"):
    open_tiny(tmp_path, skeleton='coco_17')
  open_tiny(tmp_path, representation='keypoints', short_side=99)  # Means nothing there.


def test_real_jhmdb(tmp_path, shared_data):
  pickle = shared_data / 'jhmdb' / 'jhmdb_train1.pkl'
  source = read_poses('pyskl', pickle, skeleton='jhmdb')

  summary = export_tiny(tmp_path, source)

  assert str(summary).endswith('train1: 536 of 536 clips')
  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  clips = dataset.clips('train1')
  # Counts of the data's own README.
  assert clips.num_frames.sum() == 18471
  counts = collections.Counter(dataset.class_names[label] for label in clips.labels)
  assert (counts['brush_hair'], counts['catch'], counts['wave']) == (19, 34, 30)
  record, clip = dataset.records('train1')[300], source.load(clips.video_ids[300])
  np.testing.assert_array_equal(record['keypoints'][..., :2], clip.keypoints)
