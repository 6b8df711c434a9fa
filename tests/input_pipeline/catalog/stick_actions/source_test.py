import itertools

import numpy as np
import pytest

from input_pipeline.catalog.stick_actions.motions import MOTIONS
from input_pipeline.catalog.stick_actions.source import (
  CLASS_NAMES,
  FRAME_SIZES,
  REVERSE_OF,
  generate_clip,
  stick_actions_source,
)
from input_pipeline.errors import PoseDataError
from input_pipeline.poses.clip import PoseClip

PAIRS = [
  (CLASS_NAMES.index(original), CLASS_NAMES.index(action))
  for action, original in REVERSE_OF.items()
]


@pytest.fixture(scope='module')
def clips() -> dict[str, list[PoseClip]]:
  """The whole default data set, by split."""
  source = stick_actions_source()
  return {s: [source.load(v) for v in ids] for s, ids in source.splits.items()}


def _assert_same(clip: PoseClip, other: PoseClip):
  np.testing.assert_array_equal(clip.keypoints, other.keypoints)
  np.testing.assert_array_equal(clip.scores, other.scores)
  assert clip.frame_size == other.frame_size
  assert clip.labels == other.labels


def test_the_default_source(clips):
  source = stick_actions_source()
  assert source.skeleton.name == 'jhmdb'
  assert source.class_names == CLASS_NAMES
  assert source.splits['train'][:2] == ('sit_train_0000', 'stand_train_0001')
  assert source.splits['test'][-1] == 'throw_test_0359'
  for split, per_class in (('train', 100), ('test', 30)):
    labels = [clip.labels[0] for clip in clips[split]]
    np.testing.assert_array_equal(np.bincount(labels), [per_class] * 12)
    for clip in clips[split]:
      assert clip.frame_rate == 25
      assert clip.video_id.startswith(f'{CLASS_NAMES[clip.labels[0]]}_{split}_')


def test_every_class_has_a_motion():
  assert sorted(CLASS_NAMES) == sorted([*MOTIONS, *REVERSE_OF])
  assert len(PAIRS) == 3


def test_a_clip_depends_on_its_key_alone(clips):
  # Another source, with other split sizes and another loading order.
  source = stick_actions_source(num_train=30, num_test=24)
  for index in (17, 3, 29):
    _assert_same(source.load(source.splits['train'][index]), clips['train'][index])
  _assert_same(source.load(source.splits['test'][5]), clips['test'][5])


def test_seeds_and_splits_and_indices_give_different_clips(clips):
  other_seed = stick_actions_source(seed=1, num_train=1).load('sit_train_0000')
  same_class = (clips['train'][0], clips['test'][0], clips['train'][12], other_seed)
  for clip, other in itertools.combinations(same_class, 2):
    assert clip.labels == other.labels
    shared = min(clip.num_frames, other.num_frames)
    difference = clip.keypoints[:shared, 0] - other.keypoints[:shared, 0]
    assert np.abs(difference).mean() > 1


@pytest.mark.parametrize(('action', 'original'), REVERSE_OF.items())
def test_the_members_of_a_pair_are_each_other_backward(action, original):
  for seed in range(8):
    keypoints, scores, size = generate_clip(original, np.random.default_rng(seed))
    backward = generate_clip(action, np.random.default_rng(seed))
    np.testing.assert_array_equal(backward[0], keypoints[::-1])
    np.testing.assert_array_equal(backward[1], scores[::-1])
    assert backward[2] == size


def test_clips_stay_in_the_documented_ranges(clips):
  every = clips['train'] + clips['test']
  lengths = [clip.num_frames for clip in every]
  assert (min(lengths), max(lengths)) == (24, 60)
  assert {clip.frame_size for clip in every} == set(FRAME_SIZES)
  assert len({width / height for height, width in FRAME_SIZES}) == 2
  inside = []
  for clip in every:
    corner = np.array(clip.frame_size[::-1]) - 0.5
    actor = clip.keypoints[:, 0][clip.scores[:, 0] > 0]
    inside.append(((actor >= -0.5) & (actor <= corner)).all(axis=-1).mean())
  assert np.mean(inside) > 0.97
  assert min(inside) > 0.6


def test_the_figure_is_upright_and_large(clips):
  joints = clips['test'][0].skeleton.joints
  face, ankle = joints.index('face'), joints.index('left_ankle')
  for clip in clips['test']:
    if CLASS_NAMES[clip.labels[0]] not in ('wave', 'clap', 'walk'):
      continue
    present = (clip.scores[:, 0, face] > 0) & (clip.scores[:, 0, ankle] > 0)
    height = (clip.keypoints[:, 0, ankle] - clip.keypoints[:, 0, face])[present, 1]
    assert 0.3 < height.mean() / clip.frame_size[0] < 0.9  # y points down


def test_missing_joints_and_bystanders_occur_at_their_rates(clips):
  train = clips['train']
  missing = np.concatenate([(clip.scores == 0).ravel() for clip in train])
  assert 0.05 < missing.mean() < 0.07
  runs = np.concatenate([_missing_runs(clip) for clip in train])
  assert runs.mean() > 2  # Joints vanish for several frames.
  present = np.concatenate([clip.scores[clip.scores > 0] for clip in train])
  assert 0.05 < present.std() < 0.2
  assert abs(np.mean([clip.num_persons == 2 for clip in train]) - 0.25) < 0.04
  assert {clip.num_persons for clip in train} == {1, 2}


def test_bystanders_are_smaller_than_actors(clips):
  def height(clip: PoseClip, person: int) -> float:
    y = np.where(clip.scores[:, person] > 0, clip.keypoints[:, person, :, 1], np.nan)
    return float(np.median(np.nanmax(y, axis=1) - np.nanmin(y, axis=1)))

  upright = {CLASS_NAMES.index(name) for name in ('wave', 'clap', 'kick')}
  both = [c for c in clips['train'] if c.num_persons == 2 and c.labels[0] in upright]
  assert np.mean([height(c, 1) < height(c, 0) for c in both]) > 0.8


def test_an_order_blind_classifier_is_at_chance_within_the_pairs(clips):
  for features in (_mean_positions, _position_histogram):
    for classify in (_nearest_neighbour, _nearest_mean):
      assert 0.4 < _accuracy_within_pairs(clips, features, classify) <= 0.6


def test_an_order_aware_classifier_tells_the_pairs_apart(clips):
  assert _accuracy_within_pairs(clips, _trajectory, _nearest_neighbour) >= 0.85


def test_the_task_is_neither_trivial_nor_hopeless(clips):
  (train, train_labels), (test, labels) = (
    _table(clips[split], _trajectory) for split in ('train', 'test')
  )
  accuracy = (_nearest_neighbour(train, train_labels, test) == labels).mean()
  assert 0.75 < accuracy < 0.93


def test_an_unknown_id_is_refused_with_the_nearest():
  source = stick_actions_source(num_train=12, num_test=12)
  with pytest.raises(PoseDataError, match=r"'sit_train_0012'.*'sit_train_0000'"):
    source.load('sit_train_0012')


@pytest.mark.parametrize(
  'arguments', [{'seed': -1}, {'num_train': 0}, {'num_test': -3}], ids=str
)
def test_misuse_is_refused(arguments):
  ((name, value),) = arguments.items()
  with pytest.raises(ValueError, match=rf'{name}={value}.*0 or more.*at least one'):
    stick_actions_source(**arguments)


def _missing_runs(clip: PoseClip) -> np.ndarray:
  """Lengths in frames of the gaps in the actor's joints."""
  missing = np.pad(clip.scores[:, 0] == 0, ((1, 1), (0, 0))).astype(int)
  edges = np.diff(missing, axis=0).T
  return np.nonzero(edges == -1)[1] - np.nonzero(edges == 1)[1]


def _centred_actor(clip: PoseClip) -> tuple[np.ndarray, np.ndarray]:
  """Positions `[t, j, 2]` relative to the clip's mean, in frame heights; presence."""
  present = clip.scores[:, 0, :, None] > 0
  mean = clip.keypoints[:, 0].sum(axis=(0, 1)) / present.sum()
  centred = (clip.keypoints[:, 0] - mean) / clip.frame_size[0]
  return np.where(present, centred, 0), present


def _trajectory(clip: PoseClip) -> np.ndarray:
  """16 frames in order."""
  positions, _ = _centred_actor(clip)
  return positions[np.linspace(0, len(positions) - 1, 16).round().astype(int)]


def _mean_positions(clip: PoseClip) -> np.ndarray:
  positions, present = _centred_actor(clip)
  return positions.sum(axis=0) / np.maximum(present.sum(axis=0), 1)


def _position_histogram(clip: PoseClip) -> np.ndarray:
  """How often each joint is in each of 8 x 8 cells."""
  positions, present = _centred_actor(clip)
  cell = ((positions + 0.5) * 8).clip(0, 7).astype(int)
  one_hot = present * np.eye(64)[cell[..., 1] * 8 + cell[..., 0]]
  return one_hot.mean(axis=0)


def _table(clips: list[PoseClip], features) -> tuple[np.ndarray, np.ndarray]:
  rows = np.stack([features(clip).ravel() for clip in clips])
  return rows, np.array([clip.labels[0] for clip in clips])


def _nearest_neighbour(train, train_labels, test) -> np.ndarray:
  squares = (train**2).sum(axis=1) - 2 * test @ train.T
  return train_labels[squares.argmin(axis=1)]


def _nearest_mean(train, train_labels, test) -> np.ndarray:
  classes = np.unique(train_labels)
  means = np.stack([train[train_labels == k].mean(axis=0) for k in classes])
  return _nearest_neighbour(means, classes, test)


def _accuracy_within_pairs(clips, features, classify) -> float:
  """Accuracy at telling the two members of a pair apart, over all pairs."""
  correct = []
  for pair in PAIRS:
    (train, train_labels), (test, labels) = (
      _table([c for c in clips[split] if c.labels[0] in pair], features)
      for split in ('train', 'test')
    )
    correct.append(classify(train, train_labels, test) == labels)
  return float(np.concatenate(correct).mean())
