"""Where compiled programs are kept, for how many bytes, and what a second start does."""

import os
import pathlib
import subprocess
import sys

import pytest
from places import PYTHON_PATH

from pose_action.runtime import compilation_cache
from pose_action.runtime.compilation_cache import FOLDER, use_compilation_cache

LIMIT = 'JAX_COMPILATION_CACHE_MAX_SIZE'
SECONDS = 'JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS'
# Compiles two programs; prints how many came from the cache, and the results' bits.
_START = """
from pose_action.runtime.compilation_cache import use_compilation_cache
assert use_compilation_cache() is None
import jax, jax.numpy as jnp
hits = []
jax.monitoring.register_event_listener(
  lambda name, **_: hits.append(name) if name.endswith('/cache_hits') else None)
x = jax.random.normal(jax.random.key(0), (32, 32))
hits.clear()
y = jax.jit(lambda x: jnp.tanh(x @ x).sum())(x)
z = jax.jit(lambda x: jnp.exp(x).mean(axis=0))(x)
print(len(hits), y.tobytes().hex(), z.tobytes().hex())
"""


def _start(cache, **more):
  """A process that starts with this cache folder."""
  environment = {**os.environ, 'JAX_PLATFORMS': 'cpu', 'PYTHONPATH': PYTHON_PATH}
  environment |= {'POSE_ACTION_CACHE': str(cache), SECONDS: '0', **more}
  if FOLDER not in more:
    del environment[FOLDER]
  return subprocess.Popen(
    [sys.executable, '-c', _START],
    env=environment,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
    text=True,
  )


def _answer(process):
  output, errors = process.communicate(timeout=120)
  assert process.returncode == 0, errors
  assert errors == ''  # In particular, no warning about the machine's type.
  hits, *bits = output.split()
  return int(hits), bits


def _folder(cache):
  (folder,) = (cache / 'compiled').iterdir()
  return folder


def _programs(folder):
  return sorted(path.name for path in folder.glob('*-cache'))


def test_the_users_cache_folder_by_default(tmp_path, monkeypatch):
  environment = {'XDG_CACHE_HOME': str(tmp_path)}
  assert use_compilation_cache(environment) is None
  folder = _folder(tmp_path / 'pose-action-jax')
  assert environment[FOLDER] == str(folder)
  assert int(environment[LIMIT]) == 2**30
  assert float(environment[SECONDS]) == 0.1
  assert folder.stat().st_mode & 0o777 == 0o700  # Whoever writes there can run code.

  monkeypatch.setenv('HOME', str(tmp_path))
  # A relative path in XDG_CACHE_HOME does not count, by the convention.
  for names in ({}, {'XDG_CACHE_HOME': 'here'}):
    folder = compilation_cache.user_cache_folder(names)
    assert folder.is_relative_to(tmp_path)
    assert folder.name == 'pose-action-jax'
  assert not pathlib.Path('here').exists()


def test_what_the_user_chose_stays(tmp_path):
  (tmp_path / 'jit_f-1-cache').touch()  # JAX wrote it without a limit.
  chosen = {FOLDER: str(tmp_path), SECONDS: '5'}
  environment = dict(chosen)
  assert use_compilation_cache(environment) is None
  assert environment == chosen
  assert _programs(tmp_path) == ['jit_f-1-cache']

  environment = {'POSE_ACTION_CACHE': str(tmp_path / 'new'), LIMIT: '7', SECONDS: '5'}
  assert use_compilation_cache(environment) is None
  assert (environment[LIMIT], environment[SECONDS]) == ('7', '5')


@pytest.mark.parametrize('no', ['false', '0', 'No'])
def test_off(tmp_path, no):
  environment = {
    'JAX_ENABLE_COMPILATION_CACHE': no,
    'POSE_ACTION_CACHE': str(tmp_path / 'new'),
  }
  assert use_compilation_cache(environment) is None
  assert FOLDER not in environment
  assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_writable_is_a_note(tmp_path):
  (tmp_path / 'file').touch()
  environment = {'POSE_ACTION_CACHE': str(tmp_path / 'file')}
  note = use_compilation_cache(environment)
  assert FOLDER not in environment
  assert note.startswith('note: no compilation cache')
  assert f"'{tmp_path}/file/compiled" in note
  assert 'JAX_COMPILATION_CACHE_DIR' in note and '\n' not in note


def test_unfinished_programs_go(tmp_path):
  environment = {'POSE_ACTION_CACHE': str(tmp_path)}
  use_compilation_cache(environment)
  folder = _folder(tmp_path)
  for name in ('jit_f-1-cache', 'jit_f-1-atime', 'jit_g-2-cache', 'jit_h-3-atime'):
    (folder / name).touch()
  use_compilation_cache({'POSE_ACTION_CACHE': str(tmp_path)})
  assert _programs(folder) == ['jit_f-1-cache']


def test_another_kind_of_processor_has_a_folder_of_its_own(tmp_path):
  def kind(flags, speed):
    one = f'vendor_id\t: A\nmodel\t\t: 1\ncpu MHz\t: {speed}\nflags\t\t: {flags}\n\n'
    (tmp_path / 'cpuinfo').write_text(f'processor\t: 0\n{one}processor\t: 1\n{one}')
    return compilation_cache._cpu_kind(str(tmp_path / 'cpuinfo'))

  assert kind('sse avx', 2400) == kind('sse avx', 3100)
  assert kind('sse avx', 2400) != kind('sse avx avx512f', 2400)
  assert compilation_cache._cpu_kind(str(tmp_path / 'missing'))


def test_a_second_start_compiles_nothing_and_gives_the_same_bits(tmp_path):
  """Two processes at once, then a third; then a fourth that finds no room."""
  cold = [_answer(process) for process in [_start(tmp_path), _start(tmp_path)]]
  hits, bits = _answer(_start(tmp_path))
  assert hits == 2
  assert [answer[1] for answer in cold] == [bits, bits]
  folder = _folder(tmp_path)
  assert len(list(folder.glob('*-atime'))) == len(_programs(folder)) >= 2

  size = sum((folder / name).stat().st_size for name in _programs(folder))
  (folder / 'jit_old-1-cache').write_bytes(bytes(size))
  (folder / 'jit_old-1-atime').write_bytes(bytes(8))  # Used in 1970.
  (folder / _programs(folder)[0]).unlink()
  limit = str(2 * size - 1)  # One byte less than all of them.
  assert _answer(_start(tmp_path, **{LIMIT: limit}))[1] == bits
  assert 'jit_old-1-cache' not in _programs(folder)
