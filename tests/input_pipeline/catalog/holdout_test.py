"""Which clips a fold holds: the present rule, and the rule of earlier releases."""

import json

import numpy as np
import pytest
import scipy.io

from input_pipeline.catalog.holdout import hold_out, validation_mask

# sha256 of the names, from the program sha256sum:
#   a ca978112…  b 3e23e816…  c 2e7d2c03…  d 18ac3e73…  e 3f79bb7b…
# Sorted by digest: d, c, b, e, a.
NAMES = ('a', 'b', 'c', 'd', 'e')


def members(names, labels, fold, folds):
  """The clips in a fold by the rule of earlier releases."""
  mask = validation_mask(names, np.array(labels), fold=fold, folds=folds, rule=1)
  assert mask.dtype == bool
  return {name for name, held_out in zip(names, mask, strict=True) if held_out}


def test_folds_by_hand():
  # 5 clips in 2 folds: places round(0) to round(2.5) - 1 = 1, as 2.5 rounds to even.
  assert members(NAMES, [0] * 5, fold=0, folds=2) == {'d', 'c'}
  assert members(NAMES, [0] * 5, fold=1, folds=2) == {'b', 'e', 'a'}


def test_each_class_is_divided_by_itself():
  # Sorted, class 0 is d, c, a and class 1 is b, e. Fold 0 takes round(1.5) = 2 of the 3
  # clips in class 0.
  labels = [0, 1, 0, 0, 1]
  assert members(NAMES, labels, fold=0, folds=2) == {'d', 'c', 'b'}
  assert members(NAMES, labels, fold=1, folds=2) == {'a', 'e'}


def test_groups_stay_together():
  # Sorted by digest, the groups are d, c, b, e, a; fold 0 of 2 takes the first two.
  groups = ['a', 'd', 'c', 'd', 'b', 'e', 'a']
  names = [f'{group},{n}' for n, group in enumerate(groups)]
  for fold, held_out in ((0, 'dc'), (1, 'bea')):
    mask = validation_mask(
      names, np.zeros((7, 2), int), fold=fold, folds=2, groups=groups, rule=1
    )
    assert mask.tolist() == [group in held_out for group in groups]
  with pytest.raises(ValueError, match='7 video ids, but 2 groups'):
    validation_mask(names, np.zeros(7, int), fold=0, groups=['a', 'b'], rule=1)


def test_order_of_the_clips_does_not_matter():
  assert members(NAMES[::-1], [0] * 5, fold=0, folds=2) == {'d', 'c'}


def test_each_clip_is_in_one_fold_and_classes_are_spread():
  names = [f'clip{i}' for i in range(37)]
  labels = np.array([0] * 20 + [1] * 17)
  masks = np.stack([validation_mask(names, labels, fold=k, rule=1) for k in range(5)])
  assert (masks.sum(axis=0) == 1).all()
  assert masks[:, labels == 0].sum(axis=1).tolist() == [4, 4, 4, 4, 4]
  # round(17k / 5): 0, 3, 7, 10, 14, 17.
  assert masks[:, labels == 1].sum(axis=1).tolist() == [3, 4, 3, 4, 3]


def test_multi_label_clips_are_divided_as_one_class():
  hot = np.array([[1, 0], [0, 1], [1, 1], [0, 0], [0, 1]], np.uint8)
  assert members(NAMES, hot, fold=0, folds=2) == {'d', 'c'}
  assert members(NAMES, hot, fold=1, folds=2) == {'b', 'e', 'a'}


def test_class_smaller_than_the_folds():
  # round(k / 5) is 0 up to k = 2 and 1 from k = 3 on, so fold 2 holds place 0.
  masks = [validation_mask(['a'], np.array([7]), fold=k, rule=1) for k in range(5)]
  held = [mask.item() for mask in masks]
  assert held == [False, False, True, False, False]


@pytest.mark.parametrize(
  ('labels', 'fold', 'folds', 'message'),
  [
    ([0, 0], 5, 5, r'no fold 5; with folds=5 it is 0\.\.4'),
    ([0, 0], -1, 5, 'no fold -1'),
    ([0, 0], 0, 1, 'folds is 1, but must be at least 2'),
    ([0], 0, 5, r'2 video ids, but labels of shape \(1,\)'),
    ([[[0]], [[0]]], 0, 5, r'2 video ids, but labels of shape \(2, 1, 1\)'),
    ([[0, 1]], 0, 5, r'2 video ids, but labels of shape \(1, 2\)'),
  ],
)
def test_misuse(labels, fold, folds, message):
  with pytest.raises(ValueError, match=message):
    validation_mask(['a', 'b'], np.array(labels), fold=fold, folds=folds)


def test_too_few_groups_for_the_folds():
  names = [f'v_walk_g{i % 3:02}_c{i:02}' for i in range(12)]
  with pytest.raises(
    ValueError, match=r'5 folds need .* but 12 clips are in 3; hold out'
  ):
    hold_out(names, np.zeros(12, int), fold=0)
  assert hold_out(names, np.zeros(12, int), fold=0, folds=3).mask.sum() == 4
  with pytest.raises(ValueError, match='no fold rule 3; give 2, or 1'):
    hold_out(names, np.zeros(12, int), fold=0, rule=3)


def test_a_holdout_says_what_it_holds():
  names = [f'v_walk_g{i % 5:02}_c{i:02}' for i in range(10)] + ['other']
  held = hold_out(names, np.array([0] * 10 + [1]), fold=0)
  assert held.by == 'by source video (rule 2)'
  masks = [hold_out(names, np.array([0] * 10 + [1]), fold=k) for k in range(5)]
  (alone,) = [k for k in masks if k.mask[10]]
  assert alone.untrained == (1,)
  assert alone.to_dict() == {
    'fold': alone.fold,
    'folds': 5,
    'rule': 2,
    'group_by': 'ucf',
    'clips': 11,
    'held_out_clips': 3,
    'groups': 6,
    'held_out_groups': 2,
  }
  assert str(alone) == (
    f'fold {alone.fold} of 5, by source video (rule 2): 3 of 11 clips from 2 of 6 groups'
    '; clips whose names show no group: 1'
  )
  by_clip = hold_out(names, np.zeros(11, int), fold=0, group_by='none')
  assert str(by_clip) == 'fold 0 of 5, by clip (rule 2): 2 of 11 clips'


def test_the_first_rule_groups_only_avas_clips_by_itself():
  names = [f'v_walk_g{i // 2:02}_c{i:02}' for i in range(10)]
  labels = np.zeros(10, int)
  held = hold_out(names, labels, fold=0, rule=1)
  assert str(held).startswith('fold 0 of 5, by clip (rule 1): 2 of 10')
  np.testing.assert_array_equal(
    held.mask, validation_mask(names, labels, fold=0, rule=1)
  )
  grouped = hold_out(names, labels, fold=0, rule=1, group_by='ucf')
  assert len({names[i][:-4] for i in np.flatnonzero(grouped.mask)}) == 1
  movies = [f'm{i // 4},{900 + i},0.1,0.2,0.3,0.4' for i in range(40)]
  held = hold_out(movies, np.zeros((40, 3), int), fold=0, rule=1, dataset='ava')
  assert held.to_dict()['held_out_groups'] == 2


def jhmdb_classes(folder):
  """Each clip's class, from its name `<class>_<12 hex digits>`."""
  folds = json.loads((folder / 'dev_split.json').read_text())['folds']
  return {name: name[:-13] for fold in folds for name in fold}


def penn_action_classes(folder):
  return {
    file.stem: str(scipy.io.loadmat(file, variable_names=['action'])['action'].item())
    for file in sorted((folder / 'labels').glob('*.mat'))
  }


@pytest.mark.parametrize(
  ('name', 'classes_of'),
  [('jhmdb', jhmdb_classes), ('penn_action', penn_action_classes)],
)
def test_equals_the_published_folds(shared_data, name, classes_of):
  folder = shared_data / name
  classes = classes_of(folder)
  names = sorted(classes)
  _, labels = np.unique([classes[n] for n in names], return_inverse=True)
  published = json.loads((folder / 'dev_split.json').read_text())['folds']
  for fold, expected in enumerate(published):
    assert members(names, labels, fold, folds=5) == set(expected)
