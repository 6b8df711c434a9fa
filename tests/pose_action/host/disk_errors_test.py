import errno
import pathlib
import re
import subprocess
import sys

import pytest
from places import ROOT

from pose_action.cli.launch import program
from pose_action.host import atomic_files
from pose_action.host.disk_errors import in_one_line, is_full


@pytest.mark.parametrize(
  ('error', 'line'),
  [
    (OSError(errno.ENOSPC, 'No space', 'a/b'), 'a/b: the disk is full: free some'),
    (OSError(errno.ENOSPC, 'No space'), 'run: the disk is full: free some'),
    (OSError(errno.EROFS, 'Read-only', 'a'), 'a: the disk is read-only: choose'),
    (PermissionError(errno.EACCES, 'Denied', 'a'), 'a: permission denied: change'),
    (
      ValueError('RESOURCE_EXHAUSTED: … [OS error 28: ENOSPC No space left on device]'),
      'run: the disk is full',
    ),
    (RuntimeError('write() failed: No space left on device; writing'), 'run: the disk'),
    (ValueError('another\nerror'), 'another\nerror'),
  ],
)
def test_in_one_line(error, line):
  assert in_one_line(error, where='run').startswith(line)
  assert is_full(error) == ('is full' in line or line == 'run: the disk')


def limited(*command, **kwargs):
  """Runs a program that may write 60 kB per file, which stands for a full disk."""
  start = (
    'import resource, signal, sys, runpy; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);'
    ' resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000));'
    ' sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name="__main__")'
  )
  return subprocess.run(
    [sys.executable, '-c', start, *command], capture_output=True, text=True, **kwargs
  )


def test_a_failed_write_leaves_the_earlier_file_whole(tmp_path):
  path = tmp_path / 'file'
  atomic_files.write_text(path, 'whole')
  code = f"""
from pose_action.host import atomic_files
atomic_files.write_text({str(path)!r}, 'x' * 100_000)
"""
  script = tmp_path / 'script.py'
  script.write_text(code)
  done = limited(str(script), cwd=ROOT, env={'PYTHONPATH': str(ROOT)})
  assert 'File too large' in done.stderr
  assert path.read_text() == 'whole'
  assert sorted(p.name for p in tmp_path.iterdir()) == ['file', 'script.py']


@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_programs_fail_in_one_line(code, monkeypatch, capsys, tmp_path):
  def full(*args, **kwargs):
    raise OSError(code, 'failed', str(tmp_path / 'report.json'))

  monkeypatch.setattr(pathlib.Path, 'is_dir', full)
  with pytest.raises(SystemExit, match='1'):
    program.run('validate', [f'--poses={tmp_path}', f'--report={tmp_path}/r.json'])
  said = capsys.readouterr().err
  assert re.fullmatch(r'error: .*report\.json: .*folder\n', said)
