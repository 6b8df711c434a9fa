"""The group of a clip: from its name, from the data set, or by the user's rule."""

import collections

import numpy as np
import pytest

from input_pipeline.catalog.groups import group_clips, groups_by_name
from input_pipeline.catalog.holdout import hold_out


@pytest.mark.parametrize(
  ('names', 'groups', 'words'),
  [
    (
      # The same film in two classes, and a class that is the end of another.
      ['My_Film_1_sit_f_cm_np1_fr_med_0', 'My_Film_1_shoot_ball_u_nm_np2_le_goo_3'],
      ['My_Film_1', 'My_Film_1'],
      'source video',
    ),
    (
      [
        'kick_ball/Park_kick_ball_l_cm_np1_ba_bad_12.avi',
        'Park_kick_h_nm_np1_ri_bad_0',
      ],
      ['Park', 'Park'],
      'source video',
    ),
    # A class that HMDB51 does not have stays in the name of the group.
    (['Park_juggle_f_cm_np1_fr_med_0'], ['Park_juggle'], 'source video'),
    (
      ['v_Rowing_g08_c01', 'Rowing/v_Rowing_g08_c02.avi', 'v_Diving_g08_c01'],
      ['v_Rowing_g08', 'v_Rowing_g08', 'v_Diving_g08'],
      'source video',
    ),
    (
      [
        '-x8Q1zA_bcd_000012_000022',
        'aB3dE_fGh1J',
        '0LtLS9wROrk_E_002407_002435_A_0003',
      ],
      ['-x8Q1zA_bcd', 'aB3dE_fGh1J', '0LtLS9wROrk'],
      'source video',
    ),
    (
      ['S001C001P003R001A005', 'S017C003P003R002A060'],
      ['P003', 'P003'],
      'subject',
    ),
    (
      ['a,b,0902,0.1,0.2,0.3,0.4', 'a,b,0903,0.1,0.2,0.3,0.4', 'c,0902,0,0,1,1'],
      ['a,b', 'a,b', 'c'],
      'movie',
    ),
    (['0001', '0002'], ['0001', '0002'], 'clip'),  # Penn Action
    (['clap_1a284ad14298', 'clap_7775138a1894'], None, 'clip'),
    # Words of 11 characters are no YouTube ids.
    (['walking_abc_001', 'walking_abc_002'], None, 'clip'),
  ],
)
def test_names_that_show_their_source(names, groups, words):
  found = group_clips(names)
  assert found.names == tuple(groups or names)
  assert found.words == words


def test_each_name_is_taken_by_itself():
  found = group_clips(['mine', 'v_Rowing_g08_c01', 'Film_sit_f_cm_np1_fr_med_0#2'])
  assert found.names == ('mine', 'v_Rowing_g08', 'Film')
  assert found.unknown == 1


def test_groups_of_the_data_set():
  names = ['a', 'b', 'c']
  stored = ['monday', 'monday', 'c']
  for rule in ('auto', '', 'column'):
    found = group_clips(names, rule, stored)
    assert (found.names, found.rule) == (tuple(stored), 'column')
  assert group_clips(names, 'none', stored).names == ('a', 'b', 'c')
  assert group_clips(names, 'none').words == 'clip'
  # A clip per person: the video's name says more.
  names = ['Film_sit_f_cm_np1_fr_med_0#0', 'Film_sit_f_cm_np1_fr_med_1#0']
  stored = [name[:-2] for name in names]
  assert group_clips(names, 'auto', stored).names == ('Film', 'Film')


def test_people_of_one_video_always_stay_together():
  names = ['a#0', 'a#1', 'b#0']
  assert group_clips(names, 'none', ['a', 'a', 'b']).names == ('a', 'a', 'b')
  # Without stored groups `#` is a part of a name like any other.
  assert group_clips(names).names == ('a#0', 'a#1', 'b#0')


def test_rules_by_name_and_expressions():
  names = ['anna-1', 'anna-2', 'ben-1']
  assert group_clips(names, r'^(\w+)-').names == ('anna', 'anna', 'ben')
  film = ['Film_sit_f_cm_np1_fr_med_0', 'x']
  assert group_clips(film, 'jhmdb') == group_clips(film, 'hmdb51')
  # Asked for by name, ids need not look random.
  assert group_clips(['walking_abc_001'], 'youtube').names == ('walking_abc',)


@pytest.mark.parametrize(
  ('rule', 'message'),
  [
    ('column', "'column', but the data set has no groups; add a column group"),
    ('ucf', "'ucf', but no clip has such a name; the first is 'anna-1'"),
    ('youtub', r"'youtub'; give one of auto, none, .*exactly one group .*has 0\)"),
    (r'(\w)(\d)', r'exactly one group in parentheses \(this one has 2\)'),
    ('(', r"'\(', which is neither a regular expression \(.*\) nor one of auto"),
    (r'(anna)', "not found in 1 of 2 clip names, such as 'ben-1'"),
  ],
)
def test_rules_that_do_not_fit(rule, message):
  with pytest.raises(ValueError, match=message):
    group_clips(['anna-1', 'ben-1'], rule)


def test_groups_by_the_name_of_each_clip():
  splits = {'train': ('a', 'b'), 'test': ('b', 'c')}
  assert groups_by_name(splits, 'auto', {'a': 'x', 'c': 'x'}) == {
    'a': 'x',
    'b': 'b',
    'c': 'x',
  }
  assert groups_by_name(splits, '([abc])', {})['c'] == 'c'


@pytest.fixture(scope='module')
def jhmdb_clips(shared_data):
  """Class, and side (1 training, 2 test) in the three splits, of each official clip."""
  clips = collections.defaultdict(dict)
  for split in (1, 2, 3):
    for file in sorted((shared_data / 'jhmdb' / 'splits').glob(f'*split{split}.txt')):
      for line in file.read_text().splitlines():
        name, side = line.split()
        clip = clips[name.removesuffix('.avi')]
        clip['class'], clip[split] = file.name.partition('_test_split')[0], int(side)
  assert len(clips) == 928
  return clips


def test_the_official_splits_of_jhmdb_keep_the_groups_of_a_class(jhmdb_clips):
  names = tuple(jhmdb_clips)
  found = group_clips(names)
  assert (found.rule, found.unknown) == ('hmdb51', 0)
  sides = collections.defaultdict(set)
  for name, group in zip(names, found.names, strict=True):
    clip = jhmdb_clips[name]
    for split in (1, 2, 3):
      sides[split, clip['class'], group].add(clip[split])
    # The group is what is before the class.
    assert name.startswith(f'{group}_{clip["class"]}_')
  assert all(len(side) == 1 for side in sides.values())


def test_folds_of_jhmdbs_official_training_clips(jhmdb_clips):
  names = [name for name, clip in jhmdb_clips.items() if clip[1] == 1]
  labels = np.unique([jhmdb_clips[v]['class'] for v in names], return_inverse=True)[1]
  sources = np.array(group_clips(names).names)
  takes = np.array([name.rpartition('_')[0] for name in names])
  masks = []
  for fold in range(5):
    held = hold_out(names, labels, fold=fold)
    masks.append(held.mask)
    assert not set(sources[held.mask]) & set(sources[~held.mask])
    assert not set(takes[held.mask]) & set(takes[~held.mask])
    assert not held.untrained
    # Every class is validated and trained on in every fold.
    assert set(labels[held.mask]) == set(labels[~held.mask]) == set(range(21))
  assert np.sum(masks, axis=1).tolist() == [132, 130, 131, 133, 134]
  assert (np.sum(masks, axis=0) == 1).all()
  # The first rule: 134 clips, of which 71 have a training clip from the same take (the
  # same name but for its number), 107 from the same film.
  old = hold_out(names, labels, fold=0, rule=1).mask
  assert old.sum() == 134
  assert np.isin(takes[old], takes[~old]).sum() == 71
  assert np.isin(sources[old], sources[~old]).sum() == 107
