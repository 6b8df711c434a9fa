"""A small release in the official form, made by hand."""

import pickle

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.registry import read_poses

# Weights for 5 frames, whose windows start at frames 0 and 2: in each window one channel
# falls while the next rises. The last frame is also the last one in its window.
COLOURS = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.5, 0.5], [0, 0, 1]])


def frame_maps(num_frames=5, size=(64, 66), seed=0):
  """8-bit maps per frame, `[t, 19, h, w]`."""
  rng = np.random.default_rng(seed)
  return rng.integers(0, 256, (num_frames, 19, *size)).astype(np.float64)


def write_sums(path, sums):
  path.parent.mkdir(exist_ok=True, parents=True)
  np.save(path, sums)


def write_table(folder, split, names, labels, *, frames=5, **more):
  table = {
    'video_name': names,
    'labels': labels,
    'frames': [list(range(1, frames + 1)) for _ in names],
    **more,
  }
  folder.mkdir(exist_ok=True, parents=True)
  (folder / f'set_{split}.pkl').write_bytes(pickle.dumps(table))


def read(folder):
  return read_poses('jmrn_official', folder)


SOME_SUMS = np.ones((3, 19, 64, 64))


def test_maps_are_the_weighted_means_of_the_frames_maps(tmp_path):
  frames = frame_maps()
  write_table(tmp_path, 'train1', ['a'], [0])
  write_sums(tmp_path / 'maps' / 'a.npy', np.einsum('tjhw,tc->cjhw', frames, COLOURS))

  clip = read(tmp_path).load('a')

  assert clip.maps.shape == (19, 64, 66, 3)
  assert (clip.num_frames, clip.labels) == (5, (0,))
  skeleton = clip.skeleton
  assert (skeleton.name, skeleton.num_maps) == ('jmrn_official_background', 19)
  # The middle channel is the mean over frames 1, 2, 3 with weights 1/4, 1/2, 1/4.
  means = (frames[1] + 2 * frames[2] + frames[3]) / 4 / 255
  for joint, there in [('nose', 0), ('left_eye', 1), ('right_ankle', 16), ('neck', 18)]:
    ours = clip.maps[skeleton.joints.index(joint), ..., 1]
    np.testing.assert_allclose(ours, means[there], rtol=1e-5)
  np.testing.assert_allclose(clip.maps[-1, ..., 1], means[17], rtol=1e-5)  # Background.
  last = (frames[3] + 2 * frames[4])[0] / 3 / 255
  np.testing.assert_allclose(clip.maps[0, ..., 2], last, rtol=1e-5)


@pytest.mark.parametrize('num_frames', [1, 2])
def test_a_channel_without_weight_is_empty(tmp_path, num_frames):
  write_table(tmp_path, 'train1', ['a'], [0], frames=num_frames)
  sums = np.zeros((3, 19, 64, 64))
  # With one frame, the last window has only that; with two, each window has one.
  sums[num_frames - 2] = sums[0] = 255
  sums[1:] *= num_frames - 1
  write_sums(tmp_path / 'a.npy', sums)
  maps = read(tmp_path).load('a').maps
  assert np.isfinite(maps).all()
  assert (maps[..., 2] == 0).all()
  assert maps.max() <= 1


def test_splits_settings_and_class_names(tmp_path):
  names = ['run', 'sit']
  write_table(tmp_path, 'train1', ['a', 'b'], [0, 1], class_labels=names)
  write_table(tmp_path, 'test1', ['c'], np.array([1]), class_labels=names)
  source = read(tmp_path)
  assert source.splits == {'test1': ('c',), 'train1': ('a', 'b')}
  assert source.class_names == ('run', 'sit')
  assert not source.multi_label
  assert source.settings == {
    'short_side': 64,
    'sigma': None,
    'truncate': None,
    'channels': 3,
    'weights': 'integer_break',
  }


def test_class_names_from_the_videos(tmp_path):
  write_table(tmp_path, 'train1', ['a', 'b'], [3, 1], class_name=['wave', 'sit'])
  write_table(tmp_path, 'test1', ['c'], [np.int64(3)], class_name=['wave'])
  assert read(tmp_path).class_names == ('class_0', 'sit', 'class_2', 'wave')
  write_table(tmp_path, 'test1', ['c'], [3], class_name=['jump'])
  with pytest.raises(PoseDataError, match="class 3 is named 'jump' and 'wave'"):
    read(tmp_path)


def test_labels_that_are_multi_hot_and_files_by_place(tmp_path):
  hot = np.array([[1, 0, 1, 0], [0, 0, 0, 0]])
  columns = np.stack([hot, np.ones_like(hot)], axis=-1)  # The form used for Charades.
  write_table(tmp_path, 'train', ['x', 'y'], list(columns))
  write_table(tmp_path, 'val', ['z'], [hot[0]])
  for path, value in [('train/0', 1), ('train/1', 2), ('val/0', 3)]:
    write_sums(tmp_path / f'{path}.npy', SOME_SUMS * value)
  source = read(tmp_path)
  assert source.multi_label
  assert source.class_names == ('class_0', 'class_1', 'class_2', 'class_3')
  clips = [source.load(name) for name in 'xyz']
  assert [clip.labels for clip in clips] == [(0, 2), (), (0, 2)]
  values = [clip.maps[0, 0, 0, 1] for clip in clips]  # Over a weight of 2.
  np.testing.assert_allclose(values, np.array([1, 2, 3]) / 2 / 255, rtol=1e-5)


def test_portrait_maps(tmp_path):
  write_table(tmp_path, 'train1', ['a'], [0])
  write_sums(tmp_path / 'a.npy', np.ones((3, 19, 70, 64)))
  assert read(tmp_path).load('a').maps.shape == (19, 70, 64, 3)


def nan_somewhere():
  sums = SOME_SUMS.copy()
  sums[1, 5, 6, 7] = np.nan
  return sums


@pytest.mark.parametrize(
  ('sums', 'message'),
  [
    (np.ones((3, 18, 64, 64)), r'holds float64 \(3, 18, 64, 64\), but needs floats'),
    (np.ones((3, 19, 60, 64)), r'holds float64 \(3, 19, 60, 64\)'),
    (SOME_SUMS.astype(np.int32), 'holds int32'),
    (nan_somewhere(), 'maps hold nan at map 5, row 6, column 7, channel 1'),
    (-SOME_SUMS, 'but must be finite and not below 0'),
    (np.array([{'code': 1}]), 'is not a readable .npy file'),
  ],
  ids=['maps', 'size', 'dtype', 'nan', 'negative', 'object'],
)
def test_one_broken_file_raises_alone(tmp_path, sums, message):
  write_table(tmp_path, 'train1', ['bad', 'good'], [0, 0])
  write_sums(tmp_path / 'bad.npy', sums)
  write_sums(tmp_path / 'good.npy', SOME_SUMS)
  source = read(tmp_path)
  with pytest.raises(PoseDataError, match=f"clip 'bad': .*{message}"):
    source.load('bad')
  assert source.load('good').num_frames == 5


@pytest.mark.parametrize('size', [0, 50, 9000])
def test_a_truncated_file(tmp_path, size):
  write_table(tmp_path, 'train1', ['bad'], [0])
  path = tmp_path / 'bad.npy'
  write_sums(path, SOME_SUMS)
  path.write_bytes(path.read_bytes()[:size])
  with pytest.raises(PoseDataError, match=r"clip 'bad': .*bad\.npy is not a readable"):
    read(tmp_path).load('bad')


def test_a_video_without_a_file_or_with_two(tmp_path):
  write_table(tmp_path, 'train1', ['a', 'b'], [0, 0])
  for folder in ('x', 'y'):
    write_sums(tmp_path / folder / 'b.npy', SOME_SUMS)
  source = read(tmp_path)
  with pytest.raises(
    PoseDataError, match=r"'a' has no file a\.npy \(nor train1/0\.npy"
  ):
    source.load('a')
  with pytest.raises(PoseDataError, match=r"'b' has 2 files, .*x/b\.npy, .*y/b\.npy"):
    source.load('b')
  with pytest.raises(PoseDataError, match="clip 'c' is not in the metadata"):
    source.load('c')


def test_splits_that_contradict_each_other(tmp_path):
  write_table(tmp_path, 'train1', ['a'], [0])
  write_table(tmp_path, 'test2', ['a'], [1])
  write_sums(tmp_path / 'a.npy', SOME_SUMS)
  with pytest.raises(
    PoseDataError, match=r"clip 'a': .* of splits test2, train1 differ in its"
  ):
    read(tmp_path).load('a')


@pytest.mark.parametrize('label', ['sit', 1.5, [2, 0], np.ones((2, 2, 2))])
def test_a_label_that_is_none(tmp_path, label):
  write_table(tmp_path, 'train1', ['a'], [label])
  write_sums(tmp_path / 'a.npy', SOME_SUMS)
  with pytest.raises(PoseDataError, match="clip 'a': label is"):
    read(tmp_path).load('a')


def test_metadata_of_another_form(tmp_path):
  with pytest.raises(PoseDataError, match=r'holds no metadata NAME_SPLIT\.pkl'):
    read(tmp_path)
  path = tmp_path / 'set_train1.pkl'
  path.write_bytes(pickle.dumps([1]))
  with pytest.raises(PoseDataError, match=r'set_train1\.pkl holds a list, but needs a'):
    read(tmp_path)
  path.write_bytes(pickle.dumps({'labels': [1]}))
  with pytest.raises(PoseDataError, match=r"no list 'video_name'; it has labels"):
    read(tmp_path)
  write_table(tmp_path, 'train1', ['a'], [0, 1])
  with pytest.raises(PoseDataError, match=r"different lengths: .*'labels': 2"):
    read(tmp_path)
  write_table(tmp_path, 'train1', ['a'], [0], class_labels={0: 'run'})
  with pytest.raises(PoseDataError, match=r"has 'class_labels' as a .*, but needs a l"):
    read(tmp_path)
  (tmp_path / 'other_train1.pkl').write_bytes(path.read_bytes())
  write_table(tmp_path, 'train1', ['a'], [0])
  (tmp_path / 'other_train1.pkl').write_bytes(path.read_bytes())
  with pytest.raises(PoseDataError, match=r"second metadata file for split 'train1'"):
    read(tmp_path)


def test_frames_that_are_not_a_list_refuse_that_video_only(tmp_path):
  write_table(tmp_path, 'train1', ['a', 'b'], [0, 0])
  path = tmp_path / 'set_train1.pkl'
  table = pickle.loads(path.read_bytes())
  path.write_bytes(pickle.dumps(table | {'frames': [40, table['frames'][1]]}))
  for name in 'ab':
    write_sums(tmp_path / f'{name}.npy', np.zeros((3, 19, 64, 66)))
  source = read(tmp_path)
  with pytest.raises(PoseDataError, match="clip 'a': 'frames' is 40, but must list"):
    source.load('a')
  assert source.load('b').num_frames == 5


def test_metadata_that_would_run_a_program_are_refused(tmp_path):
  (tmp_path / 'set_train1.pkl').write_bytes(pickle.dumps(print))
  with pytest.raises(PoseDataError, match='which is refused'):
    read(tmp_path)
