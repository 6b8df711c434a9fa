"""The ensembles among the configs: their members build, and agree where they must."""

import importlib

import pytest

from pose_action.ensembles.members import member_configs
from pose_action.training.model_registry import build_model, check_encoding

BEST = ('best_jhmdb', 'best_penn', 'best_custom')


def config_of(experiment, arg=''):
  return importlib.import_module(f'configs.{experiment}').get_config(arg)


@pytest.mark.parametrize('experiment', BEST)
def test_the_members_are_four_networks_on_the_same_clips(experiment):
  members = member_configs(config_of(experiment))
  assert sorted(members) == ['jmrn', 'pa3d', 'trajectories', 'trajectories_2']
  first, second = members['trajectories'], members['trajectories_2']
  assert (first.seed, second.seed) == (0, 1)
  assert first.model.to_dict() == second.model.to_dict()
  for member in members.values():
    check_encoding(build_model(member.model, 7), member.data.encoding)
    assert member.data.representation == 'keypoints'  # One export serves all.
  (people,) = {member.data.max_persons for member in members.values()}
  assert people == (2 if experiment == 'best_custom' else 1)


def test_fast_has_the_members_on_trajectories_alone():
  members = member_configs(config_of('best_custom', 'fast'))
  assert {m.data.encoding for m in members.values()} == {'trajectories'}
  assert {m.data.read_frames for m in members.values()} == {64}
  assert sorted(m.model.network for m in members.values()) == ['joints', 'streams']
  assert {m.train.epochs for m in members.values()} == {60}
  assert all(m.train.quick_compilation for m in members.values())


@pytest.mark.parametrize('experiment', BEST)
def test_members_are_evaluated_twice_while_they_train(experiment):
  for member in member_configs(config_of(experiment)).values():
    assert member.train.eval_every_epochs == member.train.epochs // 2


def test_options_reach_every_member():
  members = member_configs(config_of('best_jhmdb', 'split=2,fold=3,test=false'))
  for member in members.values():
    data = member.data
    assert (data.train_split, data.test_split) == ('train2', '')
    assert data.validation_fold == 3
