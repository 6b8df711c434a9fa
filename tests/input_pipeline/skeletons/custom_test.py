"""Skeletons from files: what is read, and the messages for invalid files."""

import json
import textwrap

import pytest

from input_pipeline.errors import SkeletonError
from input_pipeline.skeletons.custom import islands_of, load_skeleton
from input_pipeline.skeletons.registry import SKELETONS, Skeleton, get_skeleton

STICK = {
  'name': 'stick',
  'joints': ['head', 'left_hand', 'right_hand', 'tail'],
  'limbs': [['head', 'left_hand'], ['head', 'right_hand'], ['head', 'tail']],
}


@pytest.fixture
def written(tmp_path):
  """Writes STICK with changes to a JSON file and returns its path; None drops a field."""

  def write(**changes):
    path = tmp_path / 'stick.json'
    fields = {k: v for k, v in (STICK | changes).items() if v is not None}
    path.write_text(json.dumps(fields))
    return path

  return write


def test_only_names_and_limbs(written):
  assert load_skeleton(written()) == Skeleton(
    name='stick',
    joints=('head', 'left_hand', 'right_hand', 'tail'),
    limbs=(('head', 'left_hand'), ('head', 'right_hand'), ('head', 'tail')),
  )


def test_all_fields_in_yaml(tmp_path):
  path = tmp_path / 'crab.yml'
  path.write_text(
    textwrap.dedent("""\
      name: crab
      joints: [eye, c1, c2, 'no']
      limbs:
        - [eye, c1]
        - [0, 2]      # by index
        - [c2, 'no']
      flip_pairs: [[c1, 2]]
      groups: {left_arm: [c1], right_arm: [2], head: [eye]}
      pivots: {left_arm: eye}
      background: true
    """)
  )
  skeleton = load_skeleton(path)
  assert skeleton.joints == ('eye', 'c1', 'c2', 'no')
  assert skeleton.limb_indices == ((0, 1), (0, 2), (2, 3))
  assert skeleton.flip_permutation == (0, 2, 1, 3)
  assert skeleton.groups == {
    'head': (0,),
    'left_arm': (1,),
    'right_arm': (2,),
    'torso': (3,),
  }
  assert skeleton.group_pivots == {'head': 0, 'left_arm': 0, 'right_arm': 2}
  assert skeleton.num_maps == 5


def test_a_path_may_replace_a_name(written):
  path = written()
  assert get_skeleton(str(path)) == load_skeleton(path)


def test_a_registered_name_means_the_registered_layout(tmp_path, written):
  with pytest.raises(
    SkeletonError, match=r"'coco_17', the name of a registered skeleton"
  ):
    get_skeleton(str(written(name='coco_17')))
  path = tmp_path / 'coco.json'
  path.write_text(json.dumps(SKELETONS['coco_17'].to_dict() | {'background': False}))
  assert get_skeleton(str(path)) == SKELETONS['coco_17']


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'name': None, 'limbs': None}, r'name and limbs is missing'),
    ({'limb': []}, r"no field 'limb'; did you mean 'limbs'\?"),
    ({'name': 7}, r'name is 7, but must be a word'),
    ({'joints': 'head'}, r'joints is a str, but must be a list'),
    ({'joints': []}, r'joints is empty'),
    ({'joints': ['head', False]}, r'joints\[1\] is False.*put them in quotes'),
    ({'joints': [*STICK['joints'], 'head']}, r'joint names repeat: head'),
    ({'limbs': [['head']]}, r"limbs\[0\] is \['head'\], but must be two joints"),
    ({'limbs': [['head', 'tial']]}, r"limbs\[0\] names 'tial'.*did you mean 'tail'"),
    ({'limbs': [[0, 4]]}, r'limbs\[0\] is joint 4, but there are 0\.\.3'),
    ({'limbs': [[0, True]]}, r'limbs\[0\] is True, but must be a word'),
    (
      {'joints': ['head', 'left_hand', 'tail'], 'limbs': [['head', 'tail']]},
      r"'left_hand' has no partner 'right_hand'.*or list flip_pairs",
    ),
    (
      {'flip_pairs': [['left_hand', 'right_hand'], ['tail', 'left_hand']]},
      r"flip pair \(tail, left_hand\) takes 'left_hand' again",
    ),
    ({'groups': {'wings': ['head']}}, r"no group 'wings'; use one of head, torso"),
    ({'groups': ['head']}, r'groups is a list, but must map group names to joints'),
    ({'groups': {'head': 'head'}}, r'groups.head is a str, but must list joints'),
    (
      {'groups': {'head': ['head'], 'torso': ['head', 'tail']}},
      r"'head' is in the groups 'head' and 'torso'",
    ),
    ({'pivots': {'head': 'neck'}}, r"pivots.head names 'neck', which is not one"),
    ({'background': 'yes'}, r"background is 'yes', but must be true or false"),
    (
      {'limbs': [['head', 'left_hand'], ['tail', 'right_hand']]},
      r'leave 2 parts unconnected \(head, left_hand; right_hand, tail\)',
    ),
    ({'limbs': []}, r'leave 4 parts unconnected'),
  ],
)
def test_a_message_names_the_file_and_the_fault(written, changes, message):
  with pytest.raises(SkeletonError, match=rf'stick\.json: .*{message}'):
    load_skeleton(written(**changes))


def test_separate_parts_may_be_allowed(written):
  limbs = [['head', 'left_hand'], ['tail', 'right_hand']]
  skeleton = load_skeleton(written(limbs=limbs, connected=False))
  assert islands_of(skeleton) == (('head', 'left_hand'), ('right_hand', 'tail'))


def test_islands_of_a_chain_listed_from_its_end():
  """Limbs listed from the far end, so that one pass over them is not enough."""
  joints = ('a', 'b', 'c', 'd', 'e')
  limbs = (('d', 'e'), ('c', 'd'), ('b', 'c'))
  assert islands_of(Skeleton('s', joints, limbs)) == (('b', 'c', 'd', 'e'), ('a',))


@pytest.mark.parametrize(
  ('name', 'text', 'message'),
  [
    ('a.yaml', 'joints: [a', r'a\.yaml: this is not YAML'),
    ('a.json', '{', r'a\.json: this is not JSON'),
    (
      'a.yaml',
      'name: a\nname: b',
      r"a\.yaml: the key 'name' is in line 1 and .* line 2",
    ),
    (
      'a.json',
      '{"name": 1,\n"name": 1}',
      r"a\.json: the key 'name' is .* line 2; keep",
    ),
    ('a.yaml', '', r'a\.yaml: .*this one is empty'),
    ('a.json', '[]', r'a\.json: .*this one is a list'),
    ('a.txt', '', r'a\.txt: a skeleton file ends in one of \.yaml, \.yml, \.json'),
    ('a.yaml', '!!python/object/apply:os.getcwd []', r'a\.yaml: this is not YAML'),
  ],
)
def test_other_files_are_refused(tmp_path, name, text, message):
  path = tmp_path / name
  path.write_text(text)
  with pytest.raises(SkeletonError, match=message):
    load_skeleton(path)


def test_a_missing_file(tmp_path):
  with pytest.raises(SkeletonError, match=r'cannot read the skeleton file'):
    get_skeleton(str(tmp_path / 'none.yaml'))
