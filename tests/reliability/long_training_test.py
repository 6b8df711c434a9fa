"""A long training takes no more memory and holds no more open files as it goes on.

With logging, checkpoints and evaluations. POSE_ACTION_STEPS=N trains N steps instead of
a thousand.
"""

import os
import pathlib
import statistics
import time

import pytest
from process_runs import Runs, logged_step

pytestmark = pytest.mark.long

_STEPS = int(os.environ.get('POSE_ACTION_STEPS', '1000'))
_PER_EPOCH = 3  # 30 clips in batches of 8.
_MAY_GROW = 40 << 20  # Bytes; what is kept per checkpoint or step would be more.


def _resident(pid):
  pages = pathlib.Path(f'/proc/{pid}/statm').read_text().split()[1]
  return int(pages) * os.sysconf('SC_PAGE_SIZE')


def _open_files(pid):
  return len(os.listdir(f'/proc/{pid}/fd'))


def _samples(process, workdir):
  """(step, bytes in memory, open files), several times a second, until the end."""
  samples = []
  while process.poll() is None:
    step = logged_step(workdir)
    try:
      sample = step, _resident(process.pid), _open_files(process.pid)
    except (FileNotFoundError, ProcessLookupError, PermissionError, IndexError):
      break  # It has just ended.
    if 0 < step < _STEPS:  # The final evaluation is another program.
      samples.append(sample)
    time.sleep(0.2)
  return samples


def test_memory_and_open_files_do_not_grow(tmp_path):
  runs = Runs(tmp_path)
  process = runs.start(
    'long',
    flags=(
      f'--config.train.epochs={-(-_STEPS // _PER_EPOCH)}',
      '--config.train.eval_every_epochs=10',
      '--config.train.checkpoint_every_steps=20',
    ),
  )
  samples = _samples(process, tmp_path / 'long')
  runs.finish(process, name='long', seconds=600)

  tenth = _STEPS // 10
  first = [s for s in samples if tenth <= s[0] <= 2 * tenth]
  last = [s for s in samples if s[0] > _STEPS - tenth]
  memory = [statistics.median(s[1] for s in part) for part in (first, last)]
  # A save in the background opens some for a moment, often enough to move the median.
  files = [min(s[2] for s in part) for part in (first, last)]
  print(
    f'{_STEPS} steps; from step {tenth} and at the end: '
    + ', '.join(f'{size / 2**20:.1f} MiB' for size in memory)
    + f'; open files {files[0]}, {files[1]}'
  )
  for at in range(tenth, _STEPS, tenth):
    part = [s for s in samples if at <= s[0] < at + tenth]
    if part:
      print(at, [round(max(s[1] for s in part) / 2**20, 1), max(s[2] for s in part)])
  assert memory[1] - memory[0] < _MAY_GROW
  assert files[1] <= files[0]
