import re

import pytest

from pose_action.training.shipped_configs import SHIPPED, config_path, load_config


@pytest.mark.parametrize(
  'given', ['pa3d_jhmdb:quick', 'pa3d_jhmdb.py:quick', 'configs/pa3d_jhmdb.py:quick']
)
def test_a_shipped_config_is_found_from_any_folder(given, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  assert config_path(given) == f'{SHIPPED}/pa3d_jhmdb.py:quick'


def test_a_file_that_exists_comes_first(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'configs').mkdir()
  (tmp_path / 'configs' / 'demo.py').touch()
  assert config_path('configs/demo.py:a=1') == 'configs/demo.py:a=1'
  assert config_path(f'{tmp_path}/configs/demo.py') == f'{tmp_path}/configs/demo.py'


@pytest.mark.parametrize('given', ['pa3d_jhmbd', 'configs/pa3d_jhmbd.py:quick'])
def test_an_unknown_config_names_the_nearest(given, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  file = given.partition(':')[0]
  message = f"there is no config file '{file}'; did you mean 'pa3d_jhmdb' or"
  with pytest.raises(ValueError, match=re.escape(message)):
    config_path(given)


def test_another_folders_config_is_not_guessed():
  with pytest.raises(ValueError, match='there is no config file'):
    config_path('mine/demo.py')


def test_a_config_by_name():
  assert load_config('demo').data.dataset == 'stick_actions'
  assert load_config('pa3d_jhmdb:split=2').data.train_split == 'train2'
  with pytest.raises(ValueError, match="gives 'quik'"):
    load_config('pa3d_jhmdb:quik')
  with pytest.raises(ValueError, match='has no get_config'):
    load_config('pa3d_jhmdb_sweep')
