"""tools/report.py on a workdir as tools/run_sweep.py writes it."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT

TOOL = ROOT / 'tools' / 'report.py'


def run(*args):
  return subprocess.run(
    [sys.executable, str(TOOL), *args],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
    check=False,
  )


def write_run(workdir, right):
  """Writes a run on four videos; the right class scores 0.9 where `right`, else 0.1."""
  workdir.mkdir(parents=True)
  labels = np.array([0, 1, 0, 1])
  scores = np.where(np.eye(2)[labels] == np.array(right)[:, None], 0.9, 0.1)
  np.savez(
    workdir / 'scores_validation.npz',
    video_ids=np.array(['v0', 'v1', 'v2', 'v3']),
    scores=scores,
    labels=labels,
    class_names=np.array(['jump', 'run']),
  )
  of = {'split': 'validation', 'checkpoint': 'last'}
  accuracy = float(np.mean(right))
  entry = {
    **of,
    'accuracy': accuracy,
    'mean_class_accuracy': accuracy,
    'scores': 'scores_validation.npz',
  }
  results = {'headline': of, 'evaluations': [entry]}
  (workdir / 'results.json').write_text(json.dumps(results))


@pytest.fixture
def swept(tmp_path):
  write_run(tmp_path / 'j', [1, 1, 0, 0])
  write_run(tmp_path / 'p', [1, 1, 1, 0])
  rows = [
    {'title': 'J', 'paper': {'jhmdb': 60.1}, 'samples': [['j'], ['j_seed1']]},
    {'title': 'J ∪ P', 'paper': {'jhmdb': 65.6}, 'samples': [['j', 'p']]},
  ]
  record = {
    'dataset': 'jhmdb',
    'setting': 'jhmdb, quick',
    'runs': [],
    'tables': [{'name': 'table5', 'title': 'Streams', 'rows': rows}],
  }
  (tmp_path / 'sweep.json').write_text(json.dumps(record))
  return tmp_path


def test_prints_the_tables_with_the_paper_s_figures_and_writes_csv(swept):
  done = run(f'--workdir={swept}')
  assert done.returncode == 0, done.stderr
  assert '### Streams' in done.stdout
  assert '| J | 50.0 | 50.0 | 1 of 2 | 60.1 |' in done.stdout
  # v2 is a draw, 0.9 + 0.1 each; the first class wins, which is right.
  assert '| J ∪ P | 75.0 | 75.0 | 1 of 1 | 65.6 |' in done.stdout
  assert 'ours: J ∪ P > J; Kendall τ = 1.00' in done.stdout
  assert f'As csv: {swept}/tables.csv' in done.stdout
  with (swept / 'tables.csv').open() as file:
    rows = list(csv.DictReader(file))
  assert [row['row'] for row in rows] == ['J', 'J ∪ P']
  assert (rows[0]['runs'], rows[0]['figures']) == ('j j_seed1', '50.0000 –')
  assert (rows[1]['runs'], rows[1]['figures']) == ('j+p', '75.0000')


def test_the_csv_file_can_be_chosen(swept):
  done = run(f'--workdir={swept}', f'--csv={swept}/deep/t.csv')
  assert done.returncode == 0, done.stderr
  assert (swept / 'deep' / 't.csv').read_text().startswith('table,row,')
  assert not (swept / 'tables.csv').exists()


def test_a_folder_without_a_sweep_is_named(tmp_path):
  done = run(f'--workdir={tmp_path}')
  assert done.returncode == 1
  assert f'error: {tmp_path}/sweep.json does not exist; give' in done.stderr
