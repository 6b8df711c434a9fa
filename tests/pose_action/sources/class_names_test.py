"""Names for classes that a model knows by number."""

import types

import pytest

from input_pipeline.errors import PoseDataError
from pose_action.sources.class_names import name_classes, parse_class_names


def model(*names, **more):
  return types.SimpleNamespace(class_names=names, **more)


def test_a_list_and_a_file(tmp_path):
  assert parse_class_names('run, stand up,wave') == ('run', 'stand up', 'wave')
  path = tmp_path / 'names.txt'
  path.write_bytes('\ufeffrun\r\nstand, then sit\r\nçömelmek\r\n\r\n'.encode())
  assert parse_class_names(str(path)) == ('run', 'stand, then sit', 'çömelmek')
  with pytest.raises(PoseDataError, match=r'other.txt is not a file; class names are'):
    parse_class_names(str(tmp_path / 'other.txt'))


def test_a_model_and_the_members_of_an_ensemble(tmp_path):
  member = model('0', '1')
  named = name_classes(model('0', '1', members={'a': member}), ['run', 'wave'])
  assert named.class_names == member.class_names == ('run', 'wave')
  (tmp_path / 'n.txt').write_text('sit\nwalk\n')
  assert name_classes(model('0', '1'), tmp_path / 'n.txt').class_names == (
    'sit',
    'walk',
  )


@pytest.mark.parametrize(
  ('known', 'names', 'message'),
  [
    (('walk', 'sit'), 'a,b', 'the classes of this model have names: walk, sit; leave'),
    (
      ('0', '1', '2'),
      'a,b',
      r'has 2 names \(a, b\), but the model has 3 classes, 0 to 2',
    ),
    (
      ('0', '1', '2'),
      'a,b,a',
      "has 'a' for classes 0, 2; each class needs a name of its",
    ),
    (('0', '1'), 'a,', "has '' for classes 1"),
  ],
)
def test_mistakes(known, names, message):
  with pytest.raises(PoseDataError, match=message) as caught:
    name_classes(model(*known), names)
  assert '\n' not in str(caught.value)
