"""Members' configs from the ensemble's, and what is refused."""

import json

import pytest
import tiny_run

from configs.shared import ensemble
from pose_action.ensembles import members
from pose_action.training import saved_config
from pose_action.training.resume import check_same_settings


@pytest.fixture
def config(ensemble_config):
  return ensemble_config()


def test_members_are_the_config_with_their_fields(config):
  found = members.member_configs(config.lock())
  assert list(found) == ['joints', 'motion']
  shared = config.to_dict() | {'members': {}}
  assert found['motion'].to_dict() == shared
  jmrn = found['joints']
  expected = tiny_run.get_jmrn_config()
  assert jmrn.model.to_dict() == expected.model.to_dict()
  assert jmrn.data.encoding == 'potion' and found['motion'].data.encoding == 'frames'
  assert jmrn.train.epochs == 1
  assert jmrn.is_locked and not jmrn.members


def test_whole_configs_become_their_differences(config):
  fields = config.members.joints.to_dict()
  assert fields['model']['name'] == 'jmrn'
  assert fields['data']['encoding'] == 'potion'
  assert 'dataset' not in fields['data'] and 'seed' not in fields
  assert config.members.motion.to_dict() == {}


def test_dotted_and_nested_fields_mean_the_same(config):
  ensemble.add_members(
    config,
    a={'data.num_frames': 2, 'model.dropout': 0.25, 'optimizer': {'name': 'adam'}},
    b={'data': {'num_frames': 2}, 'model': {'dropout': 0.25}, 'optimizer.name': 'adam'},
  )
  found = members.member_configs(config)
  assert found['a'].to_dict() == found['b'].to_dict()
  assert found['a'].data.num_frames == 2
  assert found['a'].model.name == 'pa3d' and found['a'].model.dropout == 0.25


def test_a_field_of_the_command_line_reaches_members_that_set_it(config):
  ensemble.add_members(
    config,
    a={'train.epochs': 3, 'model': {'name': 'jmrn', 'dropout': 0.5}},
    b={'train.epochs': 4},
    c={},
  )
  given = {'train.epochs': 9, 'model.dropout': 0.1, 'members.b.train.epochs': 7}
  config.train.epochs, config.model.dropout, config.members.b.train.epochs = 9, 0.1, 7
  members.give_to_every_member(config, given)
  found = members.member_configs(config)
  assert [found[name].train.epochs for name in 'abc'] == [9, 7, 9]
  assert [found[name].model.dropout for name in 'abc'] == [0.5, 0.1, 0.1]


def test_a_field_of_the_command_line_leaves_one_model_alone(config):
  config.members = {}
  before = config.to_dict()
  members.give_to_every_member(config, {'train.epochs': 9})
  assert config.to_dict() == before


def test_a_model_with_a_name_replaces_the_model(config):
  ensemble.add_members(config, a={}, b={'model': {'name': 'jmrn', 'dropout': 0.5}})
  found = members.member_configs(config)
  assert found['b'].model.to_dict() == {'name': 'jmrn', 'dropout': 0.5}


def test_each_member_may_bring_the_model(config):
  model = config.model.to_dict()
  del config.model
  config.members = {'a': {'model': model}, 'b': {'model': model, 'seed': 1}}
  found = members.member_configs(config)
  assert found['b'].seed == 1 and found['b'].model.to_dict() == model
  del config.members.a.model
  message = r'config\.members\.a has no model, and neither has config; give one of them'
  with pytest.raises(ValueError, match=message):
    members.member_configs(config)


def test_the_two_runs_of_a_member(config):
  member = members.member_configs(config)['motion']
  held_out, final = members.held_out_config(member), members.final_config(member)
  assert (held_out.data.validation_folds, held_out.data.test_split) == (5, '')
  assert (final.data.validation_folds, final.data.test_split) == (0, 'test')
  assert held_out.is_locked and final.is_locked


def test_a_saved_config_gives_the_same_members(config, tmp_path):
  (tmp_path / 'config.json').write_text(json.dumps(config.to_dict()))
  read = saved_config.get_config(tmp_path / 'config.json')
  assert members.has_members(read)
  now, then = members.member_configs(config), members.member_configs(read)
  for name in now:
    check_same_settings(then[name].to_dict(), now[name], tmp_path)


def test_predictions_of_members_are_not_calibrated_one_by_one(config):
  config.eval.calibrate = True
  found = members.member_configs(config)
  assert not any(member.eval.calibrate for member in found.values())


@pytest.mark.parametrize(
  ('fields', 'message'),
  [
    (
      {'a': {'optimizer': {'learning_rat': 1.0}}},
      r'^config\.members\.a\.optimizer\.learning_rat: there is no config\.optimizer\.'
      r'learning_rat; did you mean optimizer\.learning_rate\?$',
    ),
    (
      {'a': {'data': {'validation_fold': 1}}},
      r'^config\.members\.a\.data\.validation_fold is 1, but members must agree on it to'
      r' be fused; set config\.data\.validation_fold$',
    ),
    (
      {'a': {'train': {'epochs': 'many'}}},
      r"^config\.members\.a\.train\.epochs is 'many', but must have the type of 1$",
    ),
    (
      {'a': {'train': 3}},
      r'^config\.members\.a\.train is 3, but config\.train is a group of fields; give one',
    ),
    (
      {'a': {'optimizer': {'plateau': 'accuracy'}}},
      r"^config\.members\.a: optimizer\.plateau is 'accuracy', but .*; set it to ''",
    ),
    ({'a/b': {}}, r"^config\.members has the member 'a/b', but its name is also"),
  ],
)
def test_what_a_member_cannot_be(config, fields, message):
  config.members = {**fields, 'b': {}}
  with pytest.raises(ValueError, match=message):
    members.member_configs(config)


def test_a_member_is_a_dict(config):
  config.members.a = 3
  with pytest.raises(ValueError, match=r'^config\.members\.a is 3, but must be a dict'):
    members.member_configs(config)


def test_an_ensemble_needs_two_members_and_held_out_clips(config):
  config.data.validation_folds = 0
  with pytest.raises(ValueError, match=r'validation_folds is 0, but .* 2 or more$'):
    members.member_configs(config)
  config.data.validate_on = 'test'
  with pytest.raises(ValueError, match=r"validate_on is 'test', but the weights"):
    members.member_configs(config)
  config.members = {'a': {}}
  with pytest.raises(ValueError, match=r'has 1 member \(a\), but an ensemble needs at'):
    members.member_configs(config)
  config.members = {}
  assert not members.has_members(config)
