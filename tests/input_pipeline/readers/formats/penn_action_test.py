"""Penn Action's label files: each trap by itself, then all real files."""

import collections

import numpy as np
import pytest
import scipy.io

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import penn_action
from input_pipeline.skeletons.registry import SKELETONS

PENN = SKELETONS['penn_action']
# Number of clips per class, in alphabetical order, from the data's README.
COUNTS = {
  'baseball_pitch': 104,
  'baseball_swing': 115,
  'bench_press': 69,
  'bowl': 135,
  'clean_and_jerk': 43,
  'golf_swing': 89,
  'jump_rope': 40,
  'jumping_jacks': 56,
  'pullup': 98,
  'pushup': 104,
  'situp': 50,
  'squat': 114,
  'strum_guitar': 46,
  'tennis_forehand': 80,
  'tennis_serve': 115,
}


def add_file(folder, video_id, **changes):
  """Two frames: x = 1 + joint, y = x + 100, the second frame 50 to the right."""
  x = np.stack([np.arange(1.0, 14), np.arange(51.0, 64)])
  fields = {
    'action': 'bowl',
    'pose': 'front',
    'x': x,
    'y': np.stack([x[0] + 100] * 2),
    'visibility': np.ones((2, 13), np.uint8),
    'train': 1,
    'bbox': np.ones((2, 4)),
    'dimensions': np.array([[270, 480, 2]], np.uint16),
    'nframes': np.uint8(2),
  }
  fields.update(changes)
  present = {key: value for key, value in fields.items() if value is not None}
  scipy.io.savemat(folder / f'{video_id}.mat', present)


def test_clip(tmp_path):
  add_file(tmp_path, '0007')
  clip = penn_action.read(tmp_path, PENN).load('0007')
  assert (clip.video_id, clip.labels, clip.frame_size) == ('0007', (3,), (270, 480))
  assert clip.keypoints.shape == (2, 1, 13, 2)
  # 0-based: joint 2 is at (3, 103) - 1, and at (53, 103) - 1 in the second frame.
  assert clip.keypoints[:, 0, 2].tolist() == [[2, 102], [52, 102]]
  assert (clip.scores == 1).all()


def test_splits_are_the_files_own(tmp_path):
  for video_id, flag in (('0001', -1), ('0002', 1), ('0003', -1)):
    add_file(tmp_path, video_id, train=flag)
  (tmp_path / 'README.md').write_text('not a label')
  source = penn_action.read(tmp_path, PENN)
  assert source.splits == {'train': ('0002',), 'test': ('0001', '0003')}
  assert source.class_names == tuple(COUNTS)


@pytest.mark.parametrize(
  ('x_type', 'y_type'), [('u1', 'u2'), ('u2', 'u1'), ('u1', 'u1')]
)
def test_whole_numbers_do_not_wrap_round(tmp_path, x_type, y_type):
  x = np.zeros((2, 13), x_type)
  x[1] = 255
  add_file(tmp_path, '0001', x=x, y=np.full((2, 13), 200, y_type))
  clip = penn_action.read(tmp_path, PENN).load('0001')
  assert clip.keypoints.dtype == np.float32
  assert clip.keypoints[0, 0, 4].tolist() == [-1, 199]
  assert clip.keypoints[1, 0, 4].tolist() == [254, 199]


def test_invisible_joint_is_missing(tmp_path):
  visibility = np.ones((2, 13), np.uint8)
  visibility[1, 5] = 0
  add_file(tmp_path, '0001', visibility=visibility)
  clip = penn_action.read(tmp_path, PENN).load('0001')
  assert np.argwhere(clip.scores == 0).tolist() == [[1, 0, 5]]
  assert clip.keypoints[1, 0, 5].tolist() == [0, 0]


def test_clip_without_a_visible_joint_loads(tmp_path):
  add_file(tmp_path, '0001', visibility=np.zeros((2, 13), np.uint8))
  assert not penn_action.read(tmp_path, PENN).load('0001').scores.any()


def test_short_bbox_does_not_matter(tmp_path):
  add_file(tmp_path, '0001', bbox=np.ones((1, 4)))
  assert penn_action.read(tmp_path, PENN).load('0001').num_frames == 2


@pytest.mark.parametrize('flags', [(1, 1), (1, -1)], ids=['train only', 'both'])
def test_unreadable_file_is_named_whichever_split_is_loaded(tmp_path, flags):
  add_file(tmp_path, '0001', train=flags[0])
  add_file(tmp_path, '0002', train=flags[1])
  (tmp_path / '0003.mat').write_bytes(b'broken')
  add_file(tmp_path, '0004', train=0)
  source = penn_action.read(tmp_path, PENN)
  assert set(source.splits) == ({'train'} if flags == (1, 1) else {'train', 'test'})
  for video_ids in source.splits.values():
    assert video_ids[-2:] == ('0003', '0004')
  with pytest.raises(
    PoseDataError, match=r"clip '0003': .*0003\.mat is not a readable"
  ):
    source.load('0003')
  with pytest.raises(PoseDataError, match=r"clip '0004': the flag train is 0, but"):
    source.load('0004')


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'action': 'bowling'}, r"has no action 'bowling'; did you mean 'bowl'\?"),
    ({'action': 'xyz'}, r"no action 'xyz'\. Known: baseball_pitch"),
    ({'action': None}, r"lacks the variable 'action'"),
    ({'x': None}, r"lacks the variable 'x'"),
    ({'x': np.ones((2, 12))}, r'shapes \(2, 12\), \(2, 13\), .*needs \[frames, 13\]'),
    ({'visibility': np.ones((1, 13))}, r'shapes .* \(1, 13\)'),
    ({'dimensions': np.array([270, 480, 3])}, r'\[270, 480, 3\] .* and 2 frames'),
    ({'dimensions': np.array([270, 480])}, r'dimensions are \[270, 480\]'),
    ({'action': np.array(['bowl', 'squa'])}, r'action holds 2 values'),
  ],
)
def test_one_broken_clip_raises_alone(tmp_path, changes, message):
  add_file(tmp_path, '0001', **changes)
  add_file(tmp_path, '0002')
  source = penn_action.read(tmp_path, PENN)
  assert source.splits == {'train': ('0001', '0002')}
  with pytest.raises(PoseDataError, match=f"clip '0001': .*{message}"):
    source.load('0001')
  assert source.load('0002').labels == (3,)


def test_clip_that_is_not_there(tmp_path):
  add_file(tmp_path, '0001')
  with pytest.raises(PoseDataError, match=r"clip '0002': there is no file"):
    penn_action.read(tmp_path, PENN).load('0002')


def test_folder_without_labels(tmp_path):
  with pytest.raises(PoseDataError, match=r'no label files: expected .*labels/ folder'):
    penn_action.read(tmp_path, PENN)


def test_folder_of_nothing_readable(tmp_path):
  (tmp_path / '0001.mat').write_bytes(b'broken')
  with pytest.raises(PoseDataError, match=r"no label file .* the first: clip '0001'"):
    penn_action.read(tmp_path, PENN)


def test_all_real_files(shared_data):
  source = penn_action.read(shared_data / 'penn_action' / 'labels', PENN)
  assert list(source.splits) == ['train']
  clips = {video_id: source.load(video_id) for video_id in source.splits['train']}
  counts = collections.Counter(source.class_names[c.labels[0]] for c in clips.values())
  assert counts == COUNTS
  lengths = [clip.num_frames for clip in clips.values()]
  assert (sum(lengths), min(lengths), max(lengths)) == (87543, 18, 657)

  assert not clips['1516'].scores.any()
  unseen = {v for v, clip in clips.items() if not clip.scores.any(axis=(1, 2)).all()}
  assert len(unseen) == 8

  scores = np.concatenate([clip.scores.ravel() for clip in clips.values()])
  assert scores.sum() == 889216
  points = np.concatenate([clip.keypoints.reshape(-1, 2) for clip in clips.values()])
  seen = points[scores == 1]
  # The README's ranges are 1-based: x 4.67..599.05, y 4.67..567.67.
  np.testing.assert_allclose(seen.min(axis=0), [3.67, 3.67], atol=0.01)
  np.testing.assert_allclose(seen.max(axis=0), [598.05, 566.67], atol=0.01)


def test_real_left_and_right(shared_data):
  """Facing the camera, a person's right shoulder is on the left of the image."""
  folder = shared_data / 'penn_action' / 'labels'
  source = penn_action.read(folder, PENN)
  right, left = (PENN.joints.index(f'{side}_shoulder') for side in ('right', 'left'))
  right_is_left_of_left = []
  for video_id in source.splits['train'][::10]:
    if scipy.io.loadmat(folder / f'{video_id}.mat')['pose'].item() == 'front':
      clip = source.load(video_id)
      both = (clip.scores[:, 0, [left, right]] == 1).all(axis=-1)
      x = clip.keypoints[both, 0, :, 0]
      right_is_left_of_left.append(x[:, right] < x[:, left])
  assert np.concatenate(right_is_left_of_left).mean() > 0.9
