"""PYSKL pickles: a small one made by hand in every variant, and real ones."""

import collections
import pickle

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import pyskl
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())


def annotation(**changes) -> dict:
  """One person, three frames, two joints: x = 10 · frame + joint, y = x + 100."""
  x = 10.0 * np.arange(3)[:, None] + np.arange(2)
  fields = {
    'frame_dir': 'a',
    'label': 1,
    'img_shape': (48, 64),
    'total_frames': 3,
    'keypoint': np.stack([x, x + 100], axis=-1)[None],
    'keypoint_score': np.full((1, 3, 2), 0.5, np.float32),
  }
  fields.update(changes)
  return {key: value for key, value in fields.items() if value is not None}


@pytest.fixture
def read(tmp_path):
  """Writes annotations to a pickle and reads it back."""

  def read_content(annotations, **extra):
    path = tmp_path / 'poses.pkl'
    path.write_bytes(pickle.dumps({'annotations': annotations, **extra}))
    return pyskl.read(path, EYES)

  return read_content


def test_one_clip(read):
  source = read(
    [annotation(), annotation(frame_dir='b', label=0)],
    split={'train': ['a'], 'val': ['b']},
    classes=['sit', 'stand'],
  )
  assert source.splits == {'train': ('a',), 'val': ('b',)}
  assert source.class_names == ('sit', 'stand')
  clip = source.load('a')
  assert clip.video_id == 'a'
  assert clip.labels == (1,)
  assert clip.frame_size == (48, 64)
  assert clip.keypoints.shape == (3, 1, 2, 2)
  assert clip.keypoints[2, 0, 1].tolist() == [21, 121]
  np.testing.assert_array_equal(clip.scores, np.full((3, 1, 2), 0.5))


def test_persons_come_after_frames(read):
  keypoint = np.zeros((2, 3, 2, 2))
  keypoint[1, 2, 0] = (7, 9)
  score = np.zeros((2, 3, 2))
  score[1, 2, 0] = 1
  clip = read([annotation(keypoint=keypoint, keypoint_score=score)]).load('a')
  assert clip.keypoints.shape == (3, 2, 2, 2)
  assert clip.keypoints[2, 1, 0].tolist() == [7, 9]
  assert np.argwhere(clip.scores).tolist() == [[2, 1, 0]]


def test_without_split_and_classes(read):
  source = read([annotation(label=3), annotation(frame_dir='b', label=0)])
  assert source.splits == {'all': ('a', 'b')}
  assert source.class_names == ('0', '1', '2', '3')
  assert source.load('a').labels == (3,)


def test_bare_list(tmp_path):
  path = tmp_path / 'old.pkl'
  path.write_bytes(pickle.dumps([annotation()]))
  source = pyskl.read(path, EYES)
  assert source.splits == {'all': ('a',)}
  assert source.load('a').labels == (1,)


def test_several_labels_and_none(read):
  source = read([annotation(label=[0, 4]), annotation(frame_dir='b', label=None)])
  assert source.class_names == ('0', '1', '2', '3', '4')
  assert source.load('a').labels == (0, 4)
  assert source.load('b').labels == ()
  assert source.multi_label


@pytest.mark.parametrize(
  ('label', 'multi_label'),
  [(1, False), (np.int64(1), False), ([1], True), ((), True), (np.array([0, 1]), True)],
)
def test_a_list_of_labels_makes_the_source_multi_label(read, label, multi_label):
  source = read([annotation(label=label), annotation(frame_dir='b')])
  assert source.multi_label is multi_label


def test_without_scores_a_joint_at_the_origin_or_nowhere_is_missing(read):
  keypoint = annotation()['keypoint']
  keypoint[0, 0, 0] = (0, 0)
  keypoint[0, 1, 1] = (np.nan, 5)
  keypoint[0, 2, 0] = (0, 5)  # On the left edge, but not missing.
  clip = read([annotation(keypoint=keypoint, keypoint_score=None)]).load('a')
  assert clip.scores[:, 0].tolist() == [[0, 1], [1, 0], [1, 1]]
  assert clip.keypoints[1, 0, 1].tolist() == [0, 0]


def test_third_column_is_the_score_where_there_is_no_other(read):
  third = np.full((1, 3, 2, 1), 0.25)
  keypoint = np.concatenate([annotation()['keypoint'], third], axis=-1)
  source = read(
    [
      annotation(keypoint=keypoint, keypoint_score=None),
      annotation(frame_dir='b', keypoint=keypoint),
    ]
  )
  assert (source.load('a').scores == 0.25).all()
  assert (source.load('b').scores == 0.5).all()
  assert source.load('a').keypoints[2, 0, 1].tolist() == [21, 121]


def test_nan_where_the_score_is_0(read):
  fields = annotation()
  fields['keypoint'][0, 1] = np.nan
  fields['keypoint_score'][0, 1] = 0
  assert (read([fields]).load('a').keypoints[1] == 0).all()


def test_score_that_rounding_lifted_above_1(read):
  score = np.full((1, 3, 2), 1.0009765625, np.float16)  # The next float16 after 1.
  clip = read([annotation(keypoint_score=score)]).load('a')
  assert (clip.scores == 1).all()


def test_a_score_above_1_counts_as_1(read):
  scores = np.full((1, 3, 2), 1.25)
  scores[0, 0] = (np.nan, -0.5)
  clip = read([annotation(keypoint_score=scores)]).load('a')
  assert clip.scores[:, 0].tolist() == [[0, 0], [1, 1], [1, 1]]


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'keypoint': None}, r"annotation in .*poses\.pkl lacks 'keypoint'; it has frame_"),
    ({'img_shape': None}, r"lacks 'img_shape'"),
    ({'img_shape': (48, 64, 3)}, r'img_shape is \(48, 64, 3\)'),
    ({'img_shape': 'x'}, r"img_shape is 'x'"),
    ({'img_shape': (48, np.inf)}, r'img_shape is \(48, inf\)'),
    ({'keypoint': np.zeros((1, 3, 3, 2))}, r'keypoint_score has shape \(1, 3, 2\)'),
    (
      {'keypoint': np.full((1, 3, 3, 2), 9.0), 'keypoint_score': None},
      r"keypoint has 3 joints.*'eyes' has 2",
    ),
    ({'keypoint': np.zeros((3, 2, 2))}, r'keypoint has shape \(3, 2, 2\)'),
    ({'keypoint': [[1, 2], [3]]}, r'keypoint is not an array of numbers'),
    ({'total_frames': 4}, r'total_frames is 4, but keypoint has 3'),
    ({'label': 2}, r'label is 2, but .* 2 classes in .*poses\.pkl, 0\.\.1'),
    ({'label': -1}, r'label is -1'),
    ({'label': 'sit'}, r"label is 'sit'"),
    ({'label': 1.0}, r'label is 1\.0'),
  ],
)
def test_one_broken_clip_raises_alone(read, changes, message):
  source = read(
    [annotation(**changes), annotation(frame_dir='b')], classes=['sit', 'stand']
  )
  with pytest.raises(PoseDataError, match=f"clip 'a': .*{message}"):
    source.load('a')
  assert source.load('b').num_frames == 3


def test_a_split_that_names_an_absent_annotation(read):
  split = {'train': ['a', 'gone', 'a'], 'test': ['lost'], 'none': []}
  source = read([annotation()], split=split)
  assert source.splits == {'train': ('a',), 'none': ()}
  absent, twice = source.notes
  assert (
    "1 of 2 clips in split 'train' have no annotation, so they are left out: gone; 1 of"
    " 1 clips in split 'test' have no annotation, so the split is left out: lost"
  ) in absent.message
  assert "which is counted once: 1 in 'train'" in twice.message


def test_splits_of_other_names_are_refused(read):
  with pytest.raises(PoseDataError, match=r'no split has an annotated clip: .* of a$'):
    read([annotation()], split={'train': ['a.avi'], 'test': ['b.avi']})


def test_older_names_of_clips(read):
  fields = annotation(frame_dir=None, filename=b'wave/v 1.avi')
  source = read([fields], split={'train': [np.str_('wave/v 1.avi')]})
  assert source.splits == {'train': ('wave/v 1.avi',)}
  assert source.load('wave/v 1.avi').video_id == 'wave/v 1.avi'


def test_one_unusable_annotation_refuses_no_other(read):
  good = [annotation(frame_dir=name) for name in 'abcdef']
  bad = [annotation(frame_dir=None), 'x', annotation(frame_dir='b')]
  other = annotation(frame_dir='c', label=0)
  source = read([*good, *bad, other, annotation(frame_dir='g', label=10**12)])
  assert source.splits == {'all': tuple('abcdefg')}
  assert source.class_names == ('0', '1')
  (note,) = source.notes
  assert (
    '3 of 11 annotations are faulty: annotation 6: left out, because' in note.message
  )
  assert "annotation 7: left out, because it has no 'frame_dir'" in note.message
  assert "annotation 8, clip 'b': left out, because it repeats" in note.message
  assert source.load('b').labels == (1,)
  with pytest.raises(
    PoseDataError, match=r"clip 'c': it has two different annotations"
  ):
    source.load('c')
  with pytest.raises(PoseDataError, match=r"clip 'g': label is 1000000000000"):
    source.load('g')


@pytest.mark.parametrize('size', [(48.0, 64.0), np.array([48, 64]), [48, 64]])
def test_other_spellings_of_the_frame_size(read, size):
  assert read([annotation(img_shape=size)]).load('a').frame_size == (48, 64)


@pytest.mark.parametrize(
  ('content', 'message'),
  [
    (
      {'split': {}},
      r"expected a dict with a list 'annotations', got a dict with 'split'",
    ),
    (np.zeros(3), r"list 'annotations', got a _?Array"),
    ({'annotations': [{'label': 1}]}, r"1 of 1 .* annotation 0: .* no 'frame_dir'"),
    ({'annotations': [], 'split': ['a']}, r"'split' in .* must be a dict .*got a list"),
    ({'annotations': [], 'split': {'train': 'a'}}, r"must be a dict .* 'train'"),
  ],
)
def test_broken_files(tmp_path, content, message):
  path = tmp_path / 'poses.pkl'
  path.write_bytes(pickle.dumps(content))
  with pytest.raises(PoseDataError, match=message):
    pyskl.read(path, EYES)


def test_jhmdb(shared_data):
  """Counts agree with the data's README, whose authors counted independently."""
  source = pyskl.read(shared_data / 'jhmdb' / 'jhmdb_train1.pkl', SKELETONS['jhmdb'])
  assert list(source.splits) == ['train1']
  clips = [source.load(video_id) for video_id in source.splits['train1']]
  counts = collections.Counter(source.class_names[clip.labels[0]] for clip in clips)
  assert list(counts.values()) == [
    *(19, 34, 31, 11, 30, 27, 12, 28, 39, 39, 30),
    *(29, 13, 11, 25, 27, 25, 12, 35, 29, 30),
  ]
  assert source.class_names[:2] + source.class_names[-1:] == (
    'brush_hair',
    'catch',
    'wave',
  )
  lengths = [clip.num_frames for clip in clips]
  assert (sum(lengths), min(lengths), max(lengths)) == (18471, 15, 40)
  assert all(clip.num_persons == 1 and clip.frame_size == (240, 320) for clip in clips)
  assert all((clip.scores == 1).all() for clip in clips)
  assert all(
    clip.video_id.startswith(source.class_names[clip.labels[0]]) for clip in clips
  )
  x, y = np.concatenate([clip.keypoints.reshape(-1, 2) for clip in clips]).T
  np.testing.assert_allclose(
    [x.min(), x.max(), y.min(), y.max()], [-209.6, 394.2, -101.9, 316.9], atol=0.06
  )


def test_labels_as_names_and_a_split_as_a_set(read):
  source = read(
    [annotation(label='sit'), annotation(frame_dir='b', label='jump')],
    split={'train': {'b', 'a'}},
  )
  assert source.splits == {'train': ('a', 'b')}
  assert source.class_names == ('jump', 'sit')
  assert source.load('a').labels == (1,)
  assert not source.multi_label
