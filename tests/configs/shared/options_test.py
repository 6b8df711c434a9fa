"""Config strings: values, types, and what is refused."""

import ml_collections
import pytest

from configs.shared.options import parse_arg

DEFAULTS = {
  'split': 1,
  'quick': False,
  'rate': 0.5,
  'representation': 'heatmaps',
  'branches': ('global',),
}
CHOICES = {
  'split': (1, 2, 3),
  'representation': ('heatmaps', 'keypoints'),
  'branches': ('global', 'dilated'),
}


def parse(arg):
  return parse_arg(arg, choices=CHOICES, **DEFAULTS)


@pytest.mark.parametrize('arg', [None, ''])
def test_without_a_string_the_defaults_stand(arg):
  assert parse(arg).to_dict() == DEFAULTS


@pytest.mark.parametrize(
  ('arg', 'name', 'value'),
  [
    ('split=2', 'split', 2),
    ('rate=2', 'rate', 2.0),
    ('rate=1e-3', 'rate', 0.001),
    ('quick', 'quick', True),
    ('quick=true', 'quick', True),
    ('quick=False', 'quick', False),
    ('representation=keypoints', 'representation', 'keypoints'),
    ('branches=dilated', 'branches', ('dilated',)),
    ('branches=global+dilated', 'branches', ('global', 'dilated')),
  ],
)
def test_value_takes_the_type_of_its_default(arg, name, value):
  config = parse(arg)
  assert config[name] == value
  assert type(config[name]) is type(DEFAULTS[name])
  others = {key: DEFAULTS[key] for key in DEFAULTS if key != name}
  assert {key: config[key] for key in others} == others


def test_several_values_and_spaces():
  config = parse('split=2, quick ,representation=keypoints')
  assert (config.split, config.quick, config.representation) == (2, True, 'keypoints')


def test_value_may_hold_an_equals_sign():
  assert parse_arg('query=a=b', query='').query == 'a=b'


def test_result_is_locked():
  config = parse(None)
  assert isinstance(config, ml_collections.ConfigDict)
  with pytest.raises(AttributeError, match='splits'):
    config.splits = 2


@pytest.mark.parametrize(
  ('arg', 'message'),
  [
    ('spilt=2', r"'spilt', .* did you mean 'split'\? Allowed: branches, quick, rate"),
    ('zzz', r"'zzz', which is not an option of this config\. Allowed: branches"),
    ('quick,', "''.*Allowed: branches"),
    ('split=2,split=3', "'split=2,split=3' gives 'split' more than once"),
    ('split=two', "split='two'; allowed: split=<a whole number>"),
    ('split=2.5', "split='2.5'; allowed: split=<a whole number>"),
    ('split', "'split' without a value; allowed: split=<a whole number>"),
    ('rate=fast', "rate='fast'; allowed: rate=<a number>"),
    ('quick=1', "quick='1'; allowed: quick=<true or false"),
    ('quick=', "quick=''; allowed: quick=<true or false"),
    ('representation=', "representation=''; allowed: representation=<a word>"),
    ('branches=global+', r"branches='global\+'; allowed: branches=<words joined by \+"),
    ('split=4', 'split=4; allowed: 1, 2, 3'),
    ('representation=maps', "representation='maps'; allowed: heatmaps, keypoints"),
    ('branches=global+local', "branches='local'; allowed: global, dilated"),
  ],
)
def test_misuse_says_what_is_allowed(arg, message):
  with pytest.raises(ValueError, match=message):
    parse(arg)


def test_config_without_arguments_says_so():
  with pytest.raises(ValueError, match='nothing; leave out the colon'):
    parse_arg('split=1')


def test_default_without_a_type_is_refused():
  with pytest.raises(
    TypeError, match=r"'split' is None, but .* bool, int, float, str, tup"
  ):
    parse_arg(None, split=None)  # pyright: ignore[reportArgumentType]
