"""The value of --config on a command line, replaced by a config file."""

import pytest

from pose_action.cli.launch import config_names
from pose_action.cli.launch.program import UsageError
from pose_action.training import saved_config
from pose_action.training.shipped_configs import SHIPPED


def test_only_the_value_of_config_is_replaced():
  args = ['--workdir=demo', '--config=demo:x', '--config.data.dataset=demo']
  found = config_names.with_paths(args)
  assert found == [args[0], f'--config={SHIPPED}/demo.py:x', args[2]]
  found = config_names.with_paths(['--config', 'demo', '--', '--config=demo'])
  assert found == ['--config', f'{SHIPPED}/demo.py', '--', '--config=demo']


def test_the_config_of_a_run_is_returned_by_a_config_file():
  (found,) = config_names.with_paths(['--config=RUN/config.json'])
  assert found == f'--config={saved_config.__file__}:RUN/config.json'
  with pytest.raises(UsageError, match="takes no options, but got 'quick'; set fields"):
    config_names.with_paths(['--config=RUN/config.json:quick'])


def test_an_unknown_name_gets_a_suggestion():
  with pytest.raises(ValueError, match="no config file 'dmo'; did you mean 'demo'"):
    config_names.with_paths(['--config=dmo'])
