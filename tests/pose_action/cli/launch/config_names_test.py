"""The value of --config on a command line, replaced by a config file."""

import json

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


def test_the_config_of_a_run_is_returned_by_a_config_file(config, tmp_path):
  saved = tmp_path / 'config.json'
  saved.write_text(json.dumps(config.to_dict()))
  (found,) = config_names.with_paths([f'--config={saved}'])
  assert found == f'--config={saved_config.__file__}:{saved}'
  with pytest.raises(UsageError, match="takes no options, but got 'quick'; set fields"):
    config_names.with_paths([f'--config={saved}:quick'])


@pytest.mark.parametrize(
  ('config', 'message'),
  [
    ('dmo', "no config file 'dmo'; did you mean 'demo'?"),
    (
      'configs/pa3d_jhmbd.py:quick',
      "'configs/pa3d_jhmbd.py'; did you mean 'pa3d_jhmdb'",
    ),
    ('FOLDER/my_confg.py', "did you mean 'FOLDER/my_config.py'?"),
    ('FOLDER', "'FOLDER' is a folder; give FOLDER/config.json as the config"),
    (
      'FOLDER/confg.json',
      "FOLDER/confg.json does not exist; did you mean 'config.json'",
    ),
    ('FOLDER/no/config.json', 'and neither does the folder FOLDER/no'),
    ('FOLDER/cut.json', 'FOLDER/cut.json is no JSON (Expecting value: line 1'),
    ('zzz', "no config file 'zzz'; shipped are best_custom,"),
  ],
)
def test_a_misspelt_name_gets_the_nearest_names(tmp_path, config, message):
  for name, text in {'my_config.py': '', 'config.json': '{}', 'cut.json': ''}.items():
    (tmp_path / name).write_text(text)
  with pytest.raises(ValueError) as raised:
    config_names.with_paths([f'--config={config}'.replace('FOLDER', str(tmp_path))])
  said = str(raised.value).replace(str(tmp_path), 'FOLDER')
  assert message in said and '\n' not in said
