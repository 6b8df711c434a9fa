import pytest

from pose_action.host.user_paths import existing_whole, user_path, user_paths


def test_tilde(monkeypatch, tmp_path):
  monkeypatch.setenv('HOME', str(tmp_path))
  assert user_path('~/a') == tmp_path / 'a'
  assert str(user_path('./~/a')) == '~/a'
  with pytest.raises(FileNotFoundError, match='~nosuchuser_ is no home folder'):
    user_path('~nosuchuser_/a')


def test_an_existing_path_with_commas_is_taken_whole(tmp_path):
  whole, first, second = (tmp_path / name for name in ('a,b', 'a', 'c'))
  for folder in (whole, first, second):
    folder.mkdir()
  assert user_paths(whole) == (whole,)
  assert user_paths(f'{first},{second}') == (first, second)
  assert user_paths(f'{whole},{second}') == (whole, second)
  assert user_paths(f'{second}, {whole}') == (second, whole)
  assert user_paths('x,y') == user_paths(' x , y')


def test_existing_whole():
  assert existing_whole(['a', 'b', 'c'], lambda p: p == 'b,c') == ('a', 'b,c')
  assert existing_whole([], lambda p: True) == ()
