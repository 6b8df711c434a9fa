"""Properties of the present fold rule on many random data sets."""

import numpy as np
import pytest

from input_pipeline.catalog.stratified_folds import assign_folds


def names(count, prefix='clip'):
  return [f'{prefix}{i}' for i in range(count)]


def random_data(seed):
  """Groups of very different sizes; labels partly follow the groups."""
  rng = np.random.default_rng(seed)
  count = int(rng.integers(20, 400))
  num_groups = int(rng.integers(8, count + 1))
  num_classes = int(rng.integers(1, 30))
  groups = rng.zipf(1.6, count) % num_groups
  own_class = rng.integers(0, num_classes, num_groups)
  labels = np.where(
    rng.random(count) < 0.5, own_class[groups], rng.integers(0, num_classes, count)
  )
  if seed % 2:
    hot = np.eye(num_classes, dtype=np.uint8)[labels]
    labels = hot | (rng.random(hot.shape) < 0.05).astype(np.uint8)
  return [f'g{group}' for group in groups], labels


@pytest.mark.parametrize('seed', range(20))
def test_groups_are_whole_and_the_order_does_not_matter(seed):
  groups, labels = random_data(seed)
  folds = assign_folds(groups, labels, 5)
  assert set(folds.tolist()) <= set(range(5))
  fold_of = dict(zip(groups, folds, strict=True))
  assert [fold_of[group] for group in groups] == folds.tolist()
  order = np.random.default_rng(seed).permutation(len(groups))
  mixed = assign_folds([groups[i] for i in order], labels[order], 5)
  np.testing.assert_array_equal(mixed, folds[order])
  if len(set(groups)) >= 5:
    assert set(folds.tolist()) == set(range(5))


@pytest.mark.parametrize('seed', range(20))
def test_folds_are_as_large_as_the_largest_group_allows(seed):
  groups, labels = random_data(seed)
  sizes = np.bincount(assign_folds(groups, labels, 5), minlength=5)
  largest = max(np.unique(groups, return_counts=True)[1])
  # A fold larger than the others is one large group, or rounding.
  assert sizes.max() <= max(largest, len(groups) / 5 + 0.1 * len(groups))
  rest = np.sort(sizes)[:-1]
  assert rest.max() - rest.min() <= max(4, 0.1 * len(groups))


@pytest.mark.parametrize('seed', range(20))
def test_classes_with_several_groups_keep_training_clips(seed):
  groups, labels = random_data(2 * seed)
  folds = assign_folds(groups, labels, 5)
  for label in set(labels.tolist()):
    of_class = labels == label
    own = {g for g, member in zip(groups, of_class, strict=True) if member}
    if len(own) > 1:
      assert len(set(folds[of_class].tolist())) > 1


@pytest.mark.parametrize(
  ('per_class', 'classes'), [(1, 7), (2, 5), (3, 4), (4, 5), (7, 3), (107, 21)]
)
def test_clips_without_groups_are_spread_to_within_one(per_class, classes):
  labels = np.repeat(np.arange(classes), per_class)
  folds = assign_folds(names(len(labels)), labels, 5)
  counts = np.array([np.bincount(folds[labels == k], minlength=5) for k in set(labels)])
  assert (counts.max(axis=1) - counts.min(axis=1) <= 1).all()
  sizes = counts.sum(axis=0)
  assert sizes.max() - sizes.min() <= 1


def test_two_clips_of_each_of_five_classes():
  """Every fold has clips; the first rule held out none in fold 0."""
  folds = assign_folds(names(10), np.repeat(np.arange(5), 2), 5)
  assert np.bincount(folds).tolist() == [2] * 5
  assert all(folds[2 * k] != folds[2 * k + 1] for k in range(5))


def test_a_class_of_one_clip_is_not_always_held_out_in_the_same_fold():
  big = np.zeros(50, int)
  held = {
    assign_folds([*names(50), f'only{i}'], np.append(big, 1), 5)[-1] for i in range(40)
  }
  assert held == set(range(5))
  many = assign_folds(names(25), np.arange(25), 5)
  assert np.bincount(many).tolist() == [5] * 5


def test_multi_label_classes_are_spread():
  rng = np.random.default_rng(3)
  labels = (rng.random((500, 6)) < [0.5, 0.3, 0.1, 0.05, 0.02, 0.01]).astype(np.uint8)
  folds = assign_folds(names(500), labels, 5)
  counts = np.array([labels[folds == k].sum(axis=0, dtype=int) for k in range(5)])
  assert np.abs(counts - labels.sum(axis=0, dtype=int) / 5).max() <= 2
  assert np.ptp(np.bincount(folds)) <= 2


def test_clips_without_any_label():
  folds = assign_folds(names(10), np.zeros((10, 3), np.uint8), 5)
  assert np.bincount(folds).tolist() == [2] * 5


def test_the_folds_stay_the_same():
  """Folds are published with results: a change here needs a new rule."""
  groups = [f'g{i % 7}' for i in range(20)]
  labels = np.arange(20) % 3
  folds = ''.join(map(str, assign_folds(groups, labels, 3)))
  assert folds == '12100221210022121002'
  folds = ''.join(map(str, assign_folds(names(12), np.arange(12) % 4, 3)))
  assert folds == '011112222000'
