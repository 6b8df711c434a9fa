"""A program starts itself again once, with the C library's tunable, where that helps."""

import os
import subprocess
import sys
import types

import pytest

from pose_action.runtime import huge_pages

VARIABLE, ASKED = 'GLIBC_TUNABLES', 'glibc.malloc.hugetlb=1'
RESTARTED = [sys.executable, 'main.py', '--workdir=/tmp/run']


@pytest.fixture
def restarts(monkeypatch, tmp_path):
  """The commands that would run, on a Linux that gives huge pages to who asks."""
  mode = tmp_path / 'enabled'
  mode.write_text('always [madvise] never\n')
  found = []
  monkeypatch.setattr(huge_pages, '_MODE', mode)
  monkeypatch.setattr(sys, 'platform', 'linux')
  monkeypatch.setattr(sys, 'gettrace', lambda: None)
  monkeypatch.setattr(sys, 'monitoring', None, raising=False)
  monkeypatch.setattr(sys, 'orig_argv', ['python', *RESTARTED[1:]])
  monkeypatch.setattr(os, 'confstr', lambda name: 'glibc 2.36')
  monkeypatch.setattr(os, 'execv', lambda path, words: found.append((path, words)))
  monkeypatch.setenv(VARIABLE, '')
  return found


def test_a_program_starts_once_more(restarts):
  huge_pages.restart_with_huge_pages()
  huge_pages.restart_with_huge_pages()
  assert restarts == [(sys.executable, RESTARTED)]
  assert os.environ[VARIABLE] == ASKED


def test_other_tunables_stay(restarts, monkeypatch):
  monkeypatch.setenv(VARIABLE, 'glibc.malloc.arena_max=2')
  huge_pages.restart_with_huge_pages()
  assert len(restarts) == 1
  assert os.environ[VARIABLE] == f'glibc.malloc.arena_max=2:{ASKED}'


def test_a_user_s_own_value_stays(restarts, monkeypatch):
  monkeypatch.setenv(VARIABLE, 'glibc.malloc.hugetlb=0')
  huge_pages.restart_with_huge_pages()
  assert not restarts


@pytest.mark.parametrize('version', ['glibc 2.34', 'musl 1.2', '', None])
def test_only_with_a_c_library_that_knows_it(restarts, monkeypatch, version):
  monkeypatch.setattr(os, 'confstr', lambda name: version)
  huge_pages.restart_with_huge_pages()
  assert not restarts


@pytest.mark.parametrize(
  'mode', ['[always] madvise never', 'always madvise [never]', None]
)
def test_only_where_linux_waits_to_be_asked(restarts, mode):
  if mode is None:
    huge_pages._MODE.unlink()
  else:
    huge_pages._MODE.write_text(mode)
  huge_pages.restart_with_huge_pages()
  assert not restarts


def test_a_debugger_is_left_alone(restarts, monkeypatch):
  with monkeypatch.context() as patch:
    patch.setattr(sys, 'gettrace', lambda: print)
    huge_pages.restart_with_huge_pages()
  tools = types.SimpleNamespace(get_tool={5: 'debugpy'}.get)
  monkeypatch.setattr(sys, 'monitoring', tools, raising=False)
  huge_pages.restart_with_huge_pages()
  assert not restarts


def test_a_restart_that_fails_is_no_error(restarts, monkeypatch):
  def refused(path, words):
    raise PermissionError

  monkeypatch.setattr(os, 'execv', refused)
  huge_pages.restart_with_huge_pages()


@pytest.mark.skipif(
  not huge_pages._would_help() and VARIABLE not in os.environ,
  reason='huge pages are not to be asked for on this machine',
)
def test_a_real_process_goes_on_with_the_same_words(tmp_path):
  program = tmp_path / 'program.py'
  program.write_text(
    'import os, sys\n'
    'from pose_action.runtime.huge_pages import restart_with_huge_pages\n'
    'print(os.getpid(), flush=True)\n'
    'restart_with_huge_pages()\n'
    f'print(os.environ["{VARIABLE}"], sys.argv[1:], os.getpid())\n'
  )
  environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
  asked = [sys.executable, '-u', str(program), 'two words', '--flag']
  lines = subprocess.run(
    asked, env=environment, text=True, capture_output=True, check=True
  ).stdout.splitlines()
  first, second, last = lines
  assert first == second  # The same process, twice.
  assert last == f"{ASKED} ['two words', '--flag'] {first}"
