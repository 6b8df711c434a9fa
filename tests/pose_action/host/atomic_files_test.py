"""A file is written whole, or stays unchanged, even after a kill."""

import json
import os
import signal
import subprocess
import sys

import pytest
from places import PYTHON_PATH

from pose_action.host import atomic_files


def test_a_file_is_replaced_whole_and_its_folder_made(tmp_path):
  file = tmp_path / 'new' / 'a.txt'
  atomic_files.write_text(file, 'é')
  assert file.read_bytes() == b'\xc3\xa9'
  atomic_files.write_json(file, {'b': 'ö', 'a': [1]})
  assert json.loads(file.read_text('utf-8')) == {'b': 'ö', 'a': [1]}
  assert file.read_text('utf-8').endswith('}\n')
  assert [f.name for f in file.parent.iterdir()] == ['a.txt']


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
  file = tmp_path / 'a.txt'
  file.write_text('old')
  with (
    pytest.raises(RuntimeError, match='midway'),
    atomic_files.replacing(file) as unfinished,
  ):
    unfinished.write_text('half')
    raise RuntimeError('midway')
  assert file.read_text() == 'old'
  assert [f.name for f in tmp_path.iterdir()] == ['a.txt']


def test_a_kill_midway_leaves_the_old_file(tmp_path):
  file = tmp_path / 'a.txt'
  file.write_text('old')
  code = """
import os, signal, sys
from pose_action.host import atomic_files
with atomic_files.replacing(sys.argv[1]) as unfinished:
  unfinished.write_text('half')
  os.kill(os.getpid(), signal.SIGKILL)
"""
  killed = subprocess.run(
    [sys.executable, '-c', code, str(file)],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
  )
  assert killed.returncode == -signal.SIGKILL
  assert file.read_text() == 'old'
