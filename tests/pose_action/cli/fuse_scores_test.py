"""tools/fuse_scores.py as a user calls it, on scores worked out by hand."""

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT

TOOL = ROOT / 'tools' / 'fuse_scores.py'


@pytest.fixture
def folder(tmp_path):
  """Scores of a good model (logits) and of a model that knows only the class walk."""

  def write(name, ids, scores, **known):
    np.savez(tmp_path / name, video_ids=ids, scores=np.float32(scores), **known)

  labels, classes = np.array([0, 1, 2, 0]), np.array(['run', 'walk', 'sit', 'fly'])
  good = np.full((4, 4), 0.1)
  good[np.arange(4), labels] = 0.7
  good[1] = [0.4, 0.2, 0.2, 0.2]  # Wrong: the label is walk.
  walk = np.full((4, 4), 0.2)
  walk[:, 1] = 0.4
  walk[1] = [0.1, 0.7, 0.1, 0.1]
  for part in ('test', 'val'):
    ids = [f'{part}_{i}' for i in range(4)]
    # Logits are log p plus any constant per video.
    write(f'good_{part}.npz', ids, np.log(good) + 3)
    write(f'walk_{part}.npz', ids, walk, labels=labels, class_names=classes)
    write(f'bare_{part}.npz', ids, walk)
  return tmp_path


def run(folder, *args):
  return subprocess.run(
    [sys.executable, *args],
    cwd=folder,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
    check=False,
  )


# Calls the tool once per list of flags, in one process: imports take most of its time.
EACH = """
import contextlib, io, json, sys
from pose_action.cli.launch import program
done = []
for case in json.loads(sys.argv[1]):
  error, printed = io.StringIO(), io.StringIO()
  try:
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(error):
      program.run('fuse', case)
  except SystemExit as stopped:
    assert stopped.code == 1
  done.append((error.getvalue(), printed.getvalue()))
print(json.dumps(done))
"""


def fuse_each(folder, *cases):
  """For each list of flags, the error message and what the tool prints."""
  done = run(folder, '-c', EACH, json.dumps(cases))
  assert done.returncode == 0, done.stderr
  return json.loads(done.stdout)


def test_learned_weights_with_their_figures_and_files(folder):
  done = run(
    folder,
    str(TOOL),
    '--scores=good_test.npz:softmax,walk_test.npz',
    '--fit_scores=good_val.npz:softmax,walk_val.npz',
    '--method=learned',
    '--output=new/fused.npz',
    '--per_class=classes.csv',
  )
  assert done.returncode == 0, done.stderr
  heading, note, _, _, *lines = done.stdout.splitlines()
  assert heading.startswith(
    '2 models, 4 videos, 4 classes: weighted sum of logits, fit'
  )
  assert 'fitted on 4 videos from good_val.npz, walk_val.npz, where' in heading
  assert note == (
    "note: good_test.npz has no class names: the other files' order is assumed"
  )
  table = [line.split() for line in lines[:4]]
  assert table[0] == ['scores', 'weight', 'accuracy', 'mean', 'class']
  assert [table[1][0], *table[1][2:]] == ['good_test.npz', '75.0', '%', '66.7', '%']
  assert [table[2][0], *table[2][2:]] == ['walk_test.npz', '25.0', '%', '33.3', '%']
  assert table[3] == ['fused', '100.0', '%', '100.0', '%']
  assert 'the best model, good_test.npz, in percentage points:' in lines[5]
  assert lines[6:-2] == ['  +100.0  walk, videos: 1']
  with (folder / 'classes.csv').open(newline='') as file:
    assert list(csv.reader(file)) == [
      ['class', 'videos', 'good_test.npz', 'walk_test.npz', 'fused', 'gain'],
      ['run', '2', '1.0', '0.0', '1.0', '0.0'],
      ['walk', '1', '0.0', '1.0', '1.0', '1.0'],
      ['sit', '1', '1.0', '0.0', '1.0', '0.0'],
      ['fly', '0', '', '', '', ''],
    ]
  with np.load(folder / 'new' / 'fused.npz', allow_pickle=False) as fused:
    assert set(fused) == {'video_ids', 'scores', 'labels', 'class_names'}
    assert fused['scores'].dtype == np.float32
    assert fused['scores'].argmax(axis=1).tolist() == [0, 1, 2, 0]
    assert fused['labels'].tolist() == [0, 1, 2, 0]


def test_fixed_weights_without_labels_and_learned_weights_for_multi_hot(folder):
  hot, p = np.array([[1, 0], [0, 0], [1, 0]]), np.array([[0.9, 0.2]] * 3)
  p[1, 0] = 0.1
  for part in ('test', 'val'):
    ids = [f'{part}_{i}' for i in range(3)]
    np.savez(folder / f'hot_{part}.npz', video_ids=ids, scores=p, labels=hot)
    np.savez(folder / f'flat_{part}.npz', video_ids=ids, scores=np.full((3, 2), 0.5))
  unlabelled, several = fuse_each(
    folder,
    [
      '--scores=good_test.npz:softmax,bare_test.npz',
      '--method=fixed',
      '--weights=3,1',
      '--output=fused.npz',
    ],
    [
      '--scores=hot_test.npz,flat_test.npz',
      '--fit_scores=hot_val.npz,flat_val.npz',
      '--method=learned',
      '--output=several.npz',
    ],
  )
  assert unlabelled == [
    '',
    '2 models, 4 videos, 4 classes: mean of probabilities with fixed weights\n\n'
    'scores         weight\n'
    'good_test.npz   0.750\n'
    'bare_test.npz   0.250\n'
    'fused\n\n'
    'Fused scores: fused.npz\n',
  ]
  with np.load(folder / 'fused.npz', allow_pickle=False) as fused:
    assert set(fused) == {'video_ids', 'scores'}
    # (3 · 0.4 + 0.1) / 4 and (3 · 0.2 + 0.7) / 4.
    np.testing.assert_allclose(fused['scores'][1, :2], [0.325, 0.325], rtol=1e-6)

  error, printed = several
  heading, _, columns, hot_row, flat_row, fused_row, *_ = printed.splitlines()
  assert error == ''
  assert '; 1 of 2 classes have equal weights, as no video has them' in heading
  assert columns.split() == ['scores', 'weight', 'mAP']
  # Logits of 0 change nothing, whatever their weight; the last class was not fitted.
  assert hot_row.split()[2].startswith('(0.500..')
  assert flat_row.split() == ['flat_test.npz', '0.500', '(0.500..0.500)', '66.7', '%']
  assert fused_row.split() == ['fused', '100.0', '%']


def test_mistakes_are_answered_with_what_to_do(folder):
  np.savez(
    folder / 'hot_val.npz',
    video_ids=['w'],
    scores=np.full((1, 4), 0.5),
    labels=np.zeros((1, 4), int),
  )
  scores = '--scores=good_test.npz:softmax,walk_test.npz'
  unlabelled = '--scores=bare_test.npz,bare_test.npz'
  cases = {
    '--weights and --method=fixed need each other': [scores, '--method=fixed'],
    '--fit_scores and --method=learned need each other': [
      scores,
      '--fit_scores=a.npz,b.npz',
    ],
    '--fit_scores has 1 files, but --scores has 2': [
      scores,
      '--method=learned',
      '--fit_scores=walk_val.npz',
    ],
    '--scores has 1 file, but needs two or more: walk_test.npz': [
      '--scores=walk_test.npz'
    ],
    'must end in .npz': [scores, '--output=fused'],
    '--weights is 3,x, but must be numbers': [
      scores,
      '--method=fixed',
      '--weights=3,x',
    ],
    '--output=walk_test.npz is also an input': [scores, '--output=walk_test.npz'],
    '--per_class needs labels': [unlabelled, '--per_class=c.csv'],
    'none of bare_val.npz, bare_val.npz has any': [
      scores,
      '--method=learned',
      '--fit_scores=bare_val.npz,bare_val.npz',
    ],
    'good_test.npz and hot_val.npz differ: only one of them has several': [
      scores,
      '--method=learned',
      '--fit_scores=hot_val.npz,hot_val.npz',
    ],
    "error: [Errno 2] No such file or directory: 'a.npz'": ['--scores=a.npz,b.npz'],
  }
  flags = [['--output=fused.npz', *case] for case in cases.values()]
  for message, (error, _) in zip(cases, fuse_each(folder, *flags), strict=True):
    assert message in error
  assert not (folder / 'fused.npz').exists()
