"""The data rates: synthetic clips, rates by hand, and a row for everything."""

import re
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks import data_rates
from input_pipeline.readers.registry import read_poses


def test_made_up_clips_can_be_read(tmp_path):
  path = tmp_path / 'long.pkl'
  data_rates.write_clips(path, 3, num_frames=50, num_persons=2)
  source = read_poses('pyskl', path, skeleton='coco_17')
  assert source.splits == {'train': ('v0', 'v1', 'v2')}
  clip = source.load('v1')
  assert clip.keypoints.shape == (50, 2, 17, 2)
  # They sway by 60 pixels from end to end without jumps, at most 2 turns per second.
  steps = np.abs(np.diff(clip.keypoints, axis=0))
  assert 1 < steps.mean() < steps.max() < 30 * 2 * np.pi * 2 / 24 + 6


def test_rates_are_of_all_seconds_or_of_those_once_started():
  start = data_rates.Measured(2, seconds=3, cpu_seconds=4)
  run = data_rates.Measured(60, seconds=10, cpu_seconds=12, num_bytes=30_000_000)
  row = data_rates._export_row('x | y | Beam', run, start)
  assert row == '| x | y | Beam | 10.0 | 6.0 | 3.0 | 8.6 | 200.0 | 500.0 |'
  short = data_rates.Measured(60, seconds=5, cpu_seconds=12, num_bytes=30_000_000)
  assert '| 12.0 | 6.0 | – |' in data_rates._export_row('x', short, start)
  assert '| 12.0 | 6.0 | 12.0 |' in data_rates._export_row('x', short)


@pytest.mark.parametrize(
  'workers',
  [
    0,
    pytest.param(
      2, marks=pytest.mark.skipif(not find_spec('apache_beam'), reason='needs Beam')
    ),
  ],
)
def test_prints_a_row_for_everything(tmp_path, capsys, monkeypatch, workers):
  monkeypatch.setattr(data_rates, 'LENGTHS', {'Kinetics': (12, 2)})
  monkeypatch.setattr(data_rates, 'usable_cores', lambda: 2)
  data_rates.write_clips(tmp_path / 'jhmdb.pkl', 3, num_frames=9, num_persons=1)
  clip_set = data_rates._clip_set
  monkeypatch.setattr(
    data_rates, '_clip_set', lambda *args: clip_set(*args[:3], 'coco_17')
  )
  flags = f'--poses={tmp_path}/jhmdb.pkl --clips=3 --batch=2 --seconds=0.1'
  monkeypatch.setattr(sys, 'argv', ['x', *flags.split(), f'--workers={workers}'])
  data_rates.main()
  shown = capsys.readouterr().out
  assert 'JHMDB 9.0, Kinetics length 12.0' in shown
  for name in ('JHMDB', 'Kinetics length'):
    for stored in ('keypoints', 'heatmaps', 'potion'):
      rows = re.findall(rf'^\| {name} \| {stored} \|.*\|$', shown, re.MULTILINE)
      exports = 1 if stored == 'keypoints' else 2  # Of one thread, and of two.
      assert len(rows) == exports + 1 + (workers > 0)
  *_, head, _, whole, _, eight, _, _ = shown.splitlines()
  assert head.startswith('| stored heatmaps | kB per clip | loader, clips/s |')
  assert whole.startswith('| whole | ') and eight.startswith(
    '| in chunks of 8 frames | '
  )


def test_without_beam_it_says_what_to_do(tmp_path):
  code = """
import sys
sys.modules['apache_beam'] = None
from benchmarks import data_rates
data_rates.importlib.util.find_spec = lambda name: None
data_rates.main()
"""
  done = subprocess.run(
    [sys.executable, '-c', code, '--poses=x.pkl'], capture_output=True, text=True
  )
  assert done.returncode == 2
  assert "run pip install '.[beam]', or give --workers=0" in done.stderr
