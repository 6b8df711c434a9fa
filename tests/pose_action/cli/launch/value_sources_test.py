"""The comment on the code that gives a value is the value's source."""

import sys

import ml_collections
import pytest

from pose_action.cli.launch.value_sources import value_sources

SHARED = '''
"""Functions that a config shares with others."""
import ml_collections


def model(width, depth=2):
  return ml_collections.ConfigDict(
    {
      'width': width,  # the meaning
      'depth': depth,
      'inner': {
        # Above, in
        # two lines.
        'size': (1, 2),
      },
      **dict(kind=3),  # a keyword
    }
  )


def choose(config, *, width):
  config.model = model(width)
  config.model.depth = 4


def train(config, rate, *, epochs, steps):
  config.rate = rate
  config.epochs = float(epochs)  # inner comment
  config.steps = steps  # own comment
'''
CONFIG = """
import ml_collections
import own_shared
from own_shared import train


def get_config(arg=''):
  options = ml_collections.ConfigDict(
    {'steps': 0, 'size': 7, 'fold': 1, **dict(o.split('=') for o in arg.split(',') if o)}
  )
  config = ml_collections.ConfigDict({'rate': 0.5, 'epochs': 1.0, 'steps': 1})
  own_shared.choose(
    config,
    width=8,  # the width's source
  )
  train(  # the call's comment
    config, 0.1, epochs=3, steps=int(options.steps) or 10
  )
  # Above the assignment.
  config.above = 1
  config.plain = 2
  config.above_again = 3

  config['item'] = 4  # of an item
  for name in ('a', 'b'):
    config[name] = 5  # of a computed name
  config.group = {'x': 1, 'y': {'z': 2}}
  config.group.y.z = int(options.size)
  config.group.update({
    'x': 6,  # of an update
  })
  config.many = (
    1,  # first
    2,  # second
  )
  config.twice = 1  # first
  config.twice = 2  # last
  config.fold = int(options.fold)
  config.copied = ml_collections.ConfigDict({'n': 1}).copy_and_resolve_references()
  return config.lock()
"""


@pytest.fixture
def own_config(tmp_path, monkeypatch):
  """A user's own config, in a folder of theirs."""
  (tmp_path / 'own_shared.py').write_text(SHARED)
  (tmp_path / 'own.py').write_text(CONFIG)
  monkeypatch.syspath_prepend(str(tmp_path))
  monkeypatch.delitem(sys.modules, 'own_shared', raising=False)
  return str(tmp_path / 'own.py')


def test_the_sources_by_hand(own_config):
  assert value_sources(own_config) == {
    'model.width': "the width's source",
    'model.inner.size': 'Above, in two lines.',
    'model.kind': 'a keyword',
    'rate': "the call's comment",
    'epochs': "the call's comment",
    'steps': "the call's comment",
    'above': 'Above the assignment.',
    'item': 'of an item',
    'a': 'of a computed name',
    'b': 'of a computed name',
    'group.x': 'of an update',
    'many': 'first second',
    'twice': 'last',
  }


def test_an_option_is_the_source_of_the_value_that_it_gives(own_config):
  sources = value_sources(f'{own_config}:steps=20,size=9,fold=0')
  assert sources['steps'] == 'option steps=20'
  assert sources['group.y.z'] == 'option size=9'
  assert sources['fold'] == 'option fold=0'
  assert sources['epochs'] == "the call's comment"
  # With 0, the other operand of `or` gives the value.
  assert value_sources(f'{own_config}:steps=0')['steps'] == "the call's comment"


def test_a_config_made_from_another_one_has_its_sources(tmp_path):
  file = tmp_path / 'derived.py'
  file.write_text(
    'from configs import pa3d_jhmdb\n'
    'def get_config():\n'
    "  with pa3d_jhmdb.get_config('frames=6').unlocked() as config:\n"
    '    config.train.epochs = 5  # mine\n'
    '  return config\n'
  )
  sources = value_sources(str(file))
  assert sources['train.epochs'] == 'mine'
  assert sources['train.batch_size'] == 'PA3D Sec. 4'
  assert sources['data.num_frames'] == 'option frames=6'
  assert sources['model.outputs'] == 'PA3D Table 4, Sec. 4.1'


def test_the_command_line_is_the_source_of_what_it_sets(own_config):
  sources = value_sources(own_config, ['steps', 'model', 'many[0]'])
  for name in ('steps', 'model.width', 'model.inner.size'):
    assert sources[name] == 'from the command line'
  assert sources['epochs'] == "the call's comment"
  assert sources['many'] == 'first second'


def test_what_cannot_be_traced_is_left_out(tmp_path):
  file = tmp_path / 'loaded.py'
  file.write_text(
    'import json, ml_collections\n'
    'def get_config():\n'
    '  config = ml_collections.ConfigDict(json.loads(\'{"a": 1}\'))  # not the source\n'
    "  exec('config.b = 2  # unreadable')\n"
    '  config.c = ml_collections.ConfigDict(json.loads(\'{"d": 1}\'))  # not of d\n'
    '  return config\n'
  )
  assert value_sources(str(file)) == {}


def test_config_dict_is_as_before_after_tracing(own_config, tmp_path):
  before = ml_collections.ConfigDict.__setitem__
  value_sources(own_config)
  assert ml_collections.ConfigDict.__setitem__ is before
  file = tmp_path / 'fails.py'
  file.write_text('def get_config():\n  raise ValueError("no")\n')
  with pytest.raises(ValueError, match='no'):
    value_sources(str(file))
  assert ml_collections.ConfigDict.__setitem__ is before
