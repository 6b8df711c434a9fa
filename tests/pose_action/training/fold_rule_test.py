"""A new run has the newest fold rule; a run of an earlier release keeps its own."""

import pathlib

import frozen_run

from pose_action.training.fold_rule import with_fold_rule
from pose_action.training.saved_config import get_config

FROZEN = pathlib.Path(__file__).with_name('frozen')


def test_a_new_run_has_the_newest_rule(config, tmp_path):
  assert config.data.fold_rule == 0
  chosen = with_fold_rule(config, tmp_path / 'new')
  assert chosen.data.fold_rule == 2
  # Other fields are the same, and the caller's config is left alone.
  chosen.unlock().data.fold_rule = 0
  assert chosen.to_dict() == config.to_dict()


def test_a_run_of_an_earlier_release_keeps_its_folds(config, tmp_path):
  frozen_run.thaw(FROZEN / 'pa3d.zip', tmp_path)
  assert with_fold_rule(config, tmp_path).data.fold_rule == 1
  assert get_config(tmp_path / 'config.json').data.fold_rule == 1
  config.data.fold_rule = 2  # Resuming then refuses the change.
  assert with_fold_rule(config, tmp_path).data.fold_rule == 2


def test_a_config_that_cannot_be_read_belongs_to_no_run(config, tmp_path):
  (tmp_path / 'config.json').write_text('{')
  assert with_fold_rule(config, tmp_path).data.fold_rule == 2
