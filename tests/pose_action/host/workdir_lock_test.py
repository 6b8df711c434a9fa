"""One run per workdir: live, stale and foreign locks."""

import json
import os
import socket
import subprocess
import sys
import threading

import pytest

from pose_action.host import workdir_lock
from pose_action.host.workdir_lock import LOCK_FILE, WorkdirLockedError, sole_run


def _write_lock(folder, **changes):
  content = {
    'host': socket.gethostname(),
    'pid': os.getpid(),
    'process_start': workdir_lock.process_start(os.getpid()),
    'since': '2026-01-02 03:04:05',
  }
  (folder / LOCK_FILE).write_text(json.dumps(content | changes))


def _files(folder):
  return sorted(path.name for path in folder.iterdir())


def test_the_lock_is_there_for_as_long_as_the_run(tmp_path):
  folder = tmp_path / 'new' / 'run'
  with sole_run(folder):
    lock = json.loads((folder / LOCK_FILE).read_text())
    assert (lock['host'], lock['pid']) == (socket.gethostname(), os.getpid())
    assert _files(folder) == [LOCK_FILE]
  assert _files(folder) == []
  with pytest.raises(KeyError), sole_run(folder):
    raise KeyError
  assert _files(folder) == []


def test_a_second_run_is_refused(tmp_path):
  message = rf'{tmp_path} is in use by process {os.getpid()} on this host since 20'
  with sole_run(tmp_path):
    with pytest.raises(WorkdirLockedError, match=message), sole_run(tmp_path):
      pass
    assert _files(tmp_path) == [LOCK_FILE]


def _pid_of_a_dead_process():
  process = subprocess.Popen([sys.executable, '-c', ''])
  process.wait()
  return process.pid


def test_the_lock_of_a_killed_run_is_replaced(tmp_path):
  _write_lock(tmp_path, pid=_pid_of_a_dead_process())
  with sole_run(tmp_path):
    assert json.loads((tmp_path / LOCK_FILE).read_text())['pid'] == os.getpid()
  assert _files(tmp_path) == []


def test_a_process_that_started_later_is_another_one(tmp_path):
  _write_lock(tmp_path, process_start='an earlier start')
  with sole_run(tmp_path):
    pass


def test_a_killed_process_whose_status_nobody_read_is_dead(tmp_path):
  process = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE)
  start = workdir_lock.process_start(process.pid)
  _write_lock(tmp_path, pid=process.pid, process_start=start)
  with pytest.raises(WorkdirLockedError), sole_run(tmp_path):
    pass
  process.kill()
  os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # It remains a zombie.
  with sole_run(tmp_path):
    pass
  process.communicate()


@pytest.mark.parametrize('content', ['', '[]', '{"host": "node', '{"pid": "x"}'])
def test_a_lock_that_says_nothing_is_named(content, tmp_path):
  (tmp_path / LOCK_FILE).write_text(content)
  message = rf'does not say for which process; .* delete {tmp_path}/{LOCK_FILE}'
  with pytest.raises(WorkdirLockedError, match=message), sole_run(tmp_path):
    pass
  assert _files(tmp_path) == [LOCK_FILE]


def test_a_lock_from_another_host_names_the_file_to_delete(tmp_path):
  _write_lock(tmp_path, host='node7', pid=12)
  message = (
    rf'in use by process 12 on host node7 since 2026-01-02 03:04:05; .* delete'
    rf' {tmp_path}/{LOCK_FILE}$'
  )
  with pytest.raises(WorkdirLockedError, match=message), sole_run(tmp_path):
    pass
  (tmp_path / LOCK_FILE).unlink()
  with sole_run(tmp_path):
    pass


def test_of_many_that_find_a_stale_lock_one_wins(tmp_path):
  _write_lock(tmp_path, process_start='an earlier start')
  won, lost = [], []
  barrier = threading.Barrier(8)
  done = threading.Barrier(8)

  def compete():
    barrier.wait()
    try:
      with sole_run(tmp_path):
        won.append(1)
        done.wait()
    except WorkdirLockedError:
      lost.append(1)
      done.wait()

  threads = [threading.Thread(target=compete) for _ in range(8)]
  for thread in threads:
    thread.start()
  for thread in threads:
    thread.join()
  assert (len(won), len(lost)) == (1, 7)
  assert _files(tmp_path) == []


def test_without_hard_links(tmp_path, monkeypatch):
  def refused(*paths):
    raise PermissionError

  monkeypatch.setattr(os, 'link', refused)
  with sole_run(tmp_path):
    with pytest.raises(WorkdirLockedError), sole_run(tmp_path):
      pass
    assert _files(tmp_path) == [LOCK_FILE]
