"""What an export stores, leaves out and refuses."""

import collections
import dataclasses

import numpy as np
import pytest
from tiny_export import SKELETON, export_tiny, make_clip, make_source

from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.export import shard_plan
from input_pipeline.export.beam import BeamSettings
from input_pipeline.export.export import export_dataset
from input_pipeline.poses.notes import Note
from input_pipeline.poses.sources import HeatmapClip, HeatmapSource, PoseSource
from input_pipeline.readers.registry import read_poses
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.rendered_maps import render_clip, render_clip_parts


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
  """A pose network's maps for clips of three frames; `broken` clips have wrong shapes."""

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


@pytest.mark.parametrize('error', [PoseDataError('bad'), IndexError('bad'), OSError(5)])
def test_a_clip_whose_features_cannot_be_made_is_left_out(tmp_path, error):
  """Also without joint maps, which are read while a clip is checked."""
  source = network_source(('parts',))

  def load(video_id):
    def read(modality):
      if video_id == 'v0':
        raise error
      return np.zeros((3, 8, 11, 2), np.uint8)

    return HeatmapClip(video_id, read, 3, (60, 80), SKELETON, 2.5, (1,))

  source = dataclasses.replace(source, load=load)
  options = {'representation': 'heatmaps', 'short_side': None, 'sigma': None}
  (split,) = export_tiny(tmp_path, source, **options).splits
  assert [video_id for video_id, _ in split.left_out] == ['v0']
  assert split.num_clips == 2


def test_record_order_is_index_order_over_many_shards(tmp_path, monkeypatch):
  monkeypatch.setattr(shard_plan, '_CLIPS_PER_SHARD', 2)
  # The bad clips leave the second shard, v1 and v2, without a record.
  bad = ('v1', 'v2', 'v9')

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
    'v2': 'has 0 labels, but needs exactly one: put its file into a folder with the name'
    ' of its class, or list the videos in videos.csv with a column label',
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


def test_a_split_without_a_usable_clip_is_an_error(tmp_path):
  source = make_source(
    lambda video_id: make_clip(video_id, visible=video_id != 'v2'), a=('v1',), b=('v2',)
  )
  with pytest.raises(PoseDatasetError, match=r"none of the 1 .* 'b' .*'v2': no joint"):
    export_tiny(tmp_path, source)
  assert list(tmp_path.iterdir()) == []


def test_groups_are_stored_where_there_are_any(tmp_path):
  source = make_source(train=('v1', 'v2', 'v3'))
  export_tiny(tmp_path / 'none', source)
  clips = open_dataset(tmp_path / 'none', 'tiny', 'keypoints').clips('train')
  assert clips.groups is None
  source = dataclasses.replace(source, groups={'v1': 'x', 'v3': 'x'})
  export_tiny(tmp_path / 'some', source)
  clips = open_dataset(tmp_path / 'some', 'tiny', 'keypoints').clips('train')
  assert clips.groups == ('x', 'v2', 'x')


def test_splits_are_chosen_by_name(tmp_path):
  source = make_source(train=('v1', 'v2'), val=('v3',), all=('v1', 'v2', 'v3'), none=())

  export_tiny(tmp_path / 'some', source, splits=['val', 'train', 'val'])
  export_tiny(tmp_path / 'default', source)

  assert open_dataset(tmp_path / 'some', 'tiny', 'keypoints').splits == ('val', 'train')
  dataset = open_dataset(tmp_path / 'default', 'tiny', 'keypoints')
  assert dataset.splits == ('train', 'val', 'all')
  assert len(dataset.records('all')) == 3  # TFDS reserves this name.


@pytest.mark.parametrize(
  ('split', 'message'),
  [
    ('other', r"no clip in split 'other'; .*: train \(1\), none \(0\), a/b \(1\)"),
    ('none', r"no clip in split 'none'"),
    ('a/b', r"'a/b' cannot name a split"),
  ],
)
def test_splits_that_cannot_be_chosen(tmp_path, split, message):
  source = make_source(**{'train': ('v1',), 'none': (), 'a/b': ('v2',)})
  with pytest.raises(PoseDatasetError, match=message):
    export_tiny(tmp_path, source, splits=[split])


def test_a_split_whose_files_could_have_no_name(tmp_path):
  source = make_source(**{'9' * 300: ('v1',)})
  message = 'which is 300 characters, but may have at most 100'
  with pytest.raises(PoseDatasetError, match=message):
    export_tiny(tmp_path, source)


def test_names_that_cannot_be_stored(tmp_path):
  with pytest.raises(PoseDatasetError, match=r"'\.\./x' cannot name a data set"):
    export_dataset(
      make_source(), dataset='../x', representation='keypoints', data_dir=tmp_path
    )
  twice = PoseSource(SKELETON, ('run', 'run'), {'train': ('v1',)}, make_clip)
  with pytest.raises(PoseDatasetError, match=r'class names are .* all must differ'):
    export_tiny(tmp_path, twice)
  with pytest.raises(PoseDatasetError, match='the source has no clips; it needs'):
    export_tiny(tmp_path, make_source(train=()))
  with pytest.raises(PoseDatasetError, match=r'sigma is 0, .* must be at least 1'):
    export_tiny(tmp_path, representation='heatmaps', sigma=0)
  with pytest.raises(PoseDatasetError, match=r"no representation 'maps'; .*heatmaps"):
    export_tiny(tmp_path, representation='maps')


def test_real_jhmdb(tmp_path, shared_data):
  pickle = shared_data / 'jhmdb' / 'jhmdb_train1.pkl'
  source = read_poses('pyskl', pickle, skeleton='jhmdb')

  summary = export_tiny(tmp_path, source)

  assert str(summary).endswith('train1: 536 of 536 clips')
  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  clips = dataset.clips('train1')
  # Counts from the data's README.
  assert clips.num_frames.sum() == 18471
  counts = collections.Counter(dataset.class_names[label] for label in clips.labels)
  assert (counts['brush_hair'], counts['catch'], counts['wave']) == (19, 34, 30)
  record, clip = dataset.records('train1')[300], source.load(clips.video_ids[300])
  np.testing.assert_array_equal(record['keypoints'][..., :2], clip.keypoints)


def test_doubtful_clips_are_named_in_the_summary(tmp_path):
  def load(video_id):
    notes = (Note('large_scores', 'scores go up to 12'),) if video_id == 'v1' else ()
    return dataclasses.replace(make_clip(video_id), notes=notes)

  source = make_source(load, train=('v0', 'v1'), test=('v2',))
  source = dataclasses.replace(source, notes=(Note('two_videos', 'split by name'),))
  summary = export_tiny(tmp_path, source)
  assert str(summary).splitlines()[:2] == [
    'warning: split by name',
    'warning: scores go up to 12 (1 clip: v1)',
  ]


@pytest.mark.parametrize('representation', ['heatmaps', 'potion'])
def test_any_number_of_workers_writes_the_same_files(tmp_path, representation):
  """With a clip that cannot be loaded, and one that shows no joint."""

  def load(video_id):
    if video_id == 'v3':
      raise OSError('no such file')
    return make_clip(video_id, visible=video_id != 'v5')

  ids = tuple(f'v{number}' for number in range(9))
  written, said = {}, {}
  for workers in (0, 1, 3):
    lines = said.setdefault(workers, [])
    summary = export_tiny(
      tmp_path / str(workers),
      make_source(load, train1=ids, test1=('v2',)),
      representation,
      workers=workers,
      progress=lines.append,
    )
    assert [name for name, _ in summary.splits[0].left_out] == ['v3', 'v5']
    written[workers] = {
      file.name: file.read_bytes() for file in summary.directory.iterdir()
    }
  assert written[0] == written[1] == written[3]
  lines = [[line for line in said[n] if 'left out' in line] for n in said]
  assert lines[0] == lines[1] == lines[2]
  assert len(lines[0]) == 2


def test_the_first_clip_in_order_ends_a_strict_export_of_several_workers(tmp_path):
  def load(video_id):
    if video_id in ('v2', 'v4'):
      raise PoseDataError(f'{video_id} is broken')
    return make_clip(video_id)

  ids = tuple(f'v{number}' for number in range(6))
  source = make_source(load, train1=ids)
  with pytest.raises(PoseDataError, match='v2 is broken'):
    export_tiny(tmp_path, source, 'heatmaps', strict=True, workers=3)
  assert not (tmp_path / 'tiny').exists()


def test_workers_that_do_not_fit_are_refused(tmp_path):
  with pytest.raises(PoseDatasetError, match='workers is -1, but must be 0 or more'):
    export_tiny(tmp_path, workers=-1)
  with pytest.raises(
    PoseDatasetError, match="with Beam, give the runner's num_workers"
  ):
    export_tiny(tmp_path, workers=2, beam=BeamSettings())
