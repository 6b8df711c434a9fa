"""Wrong configs and fields on a command line: one line, with the nearest names."""

import pytest

from pose_action.cli import train
from pose_action.cli.launch import config_names, program
from pose_action.cli.launch.config_errors import nearest_names

# ml_collections loads configs with it.
pytestmark = pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')

NAMES = ['train', 'train.epochs', 'train.log_every', 'model', 'model.dropout', 'seed']


def said_of(args, capsys, monkeypatch) -> str:
  """The only line that `pose-action train` prints."""
  monkeypatch.setattr('sys.argv', ['main.py'])
  with pytest.raises(SystemExit) as stopped:
    program.run('train', [*args, '--print_config'])
  assert stopped.value.code == 1
  (line,) = capsys.readouterr().err.splitlines()
  return line


@pytest.mark.parametrize(
  ('field', 'message'),
  [
    ('train.epoch=3', 'no config.train.epoch; did you mean config.train.epochs?'),
    ('trian.epochs=3', 'no config.trian.epochs; did you mean config.train.epochs?'),
    ('epochs=3', 'no config.epochs; did you mean config.train.epochs?'),
    ('model.epoch=3', 'no config.model.epoch; did you mean config.train.epochs?'),
    ('qqq.zzz=3', 'no config.qqq.zzz; config has augment, data, eval, members,'),
    ('train.epochs.x=3', 'sets a field of config.train.epochs, which is a value: 30'),
    ('train=3', 'config.train is a group; set one of its fields: config.train.average'),
    ('train.epochs=many', 'config.train.epochs=many: invalid literal for int()'),
  ],
)
def test_a_misspelt_field_gets_the_nearest_names(capsys, monkeypatch, field, message):
  line = said_of(['--config=demo', f'--config.{field}'], capsys, monkeypatch)
  assert line.startswith('error: ') and message in line


def test_the_nearest_names():
  assert nearest_names('train.epochz', NAMES) == ['config.train.epochs']
  assert nearest_names('dropout', NAMES) == ['config.model.dropout']
  assert nearest_names('optimizer.dropuot', NAMES) == ['config.model.dropout']
  assert nearest_names('qqq', NAMES) == []


@pytest.mark.parametrize(
  ('code', 'message'),
  [
    ('def get_config(:', 'mine.py, line 1: invalid syntax; correct the config'),
    ('import nowhere', "line 1: ModuleNotFoundError: No module named 'nowhere'"),
    ('def get_config():\n  return {}[7]', 'mine.py, line 2: KeyError: 7; correct'),
    ('def get_config():\n  return int("x")', 'line 2: ValueError: invalid literal'),
    ('x = 1', 'mine.py has no get_config, so it is not an experiment'),
  ],
)
def test_a_faulty_config_file_is_named_with_its_line(
  capsys, monkeypatch, tmp_path, code, message
):
  (tmp_path / 'mine.py').write_text(code)
  line = said_of([f'--config={tmp_path}/mine.py'], capsys, monkeypatch)
  assert message in line


def test_debug_shows_where_a_config_failed(capsys, monkeypatch, tmp_path):
  monkeypatch.setattr('sys.argv', ['main.py'])
  (tmp_path / 'mine.py').write_text('import nowhere')
  with pytest.raises(SystemExit):
    program.run('train', [f'--config={tmp_path}/mine.py', '--debug'])
  said = capsys.readouterr().err
  assert 'Traceback (most recent call last):' in said
  assert 'import nowhere' in said


def test_the_config_json_of_a_workdir_loads(config, tmp_path, monkeypatch, capsys):
  (tmp_path / 'config.json').write_text(config.to_json())
  monkeypatch.setattr('sys.argv', ['main.py'])
  args = [f'--config={tmp_path}/config.json', '--config.train.epochs=77']
  program.run('train', [*args, '--print_config'])
  assert 'train.epochs: 77' in capsys.readouterr().out
  assert train.before_parsing is config_names.with_paths
