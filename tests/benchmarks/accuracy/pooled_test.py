"""The pooled accuracy of runs on several folds, by hand."""

import types

import numpy as np
import pytest

from benchmarks.accuracy import pooled


def write_scores(folder, split, probabilities, labels):
  folder.mkdir(exist_ok=True)
  scores = np.array(probabilities, float)
  np.savez(
    folder / f'scores_{split}.npz',
    video_ids=np.array([f'{split}_{n}' for n in range(len(labels))]),
    scores=scores,
    labels=np.array(labels, np.int32),
    class_names=np.array(['a', 'b']),
  )


@pytest.fixture
def source(monkeypatch):
  """Two folds, in each of which class 0 has three training clips and class 1 has one."""
  clips = [types.SimpleNamespace(labels=(label,)) for label in (0, 0, 0, 1)]
  splits = {
    'train_x': (0, 1, 2, 3),
    'train_y': (0, 1, 2, 3),
    'val_x': 'xx',
    'val_y': 'yyy',
  }
  made = types.SimpleNamespace(splits=splits, load=lambda name: clips[name])
  monkeypatch.setattr(pooled, 'read_poses', lambda asked: made)


def rows_of(capsys, *words):
  pooled.main(['--poses=P', '--folds=x,y', '--least=2', *words])
  lines = capsys.readouterr().out.splitlines()
  return [line.split() for line in lines[2:-1]]


def test_accuracy_by_hand(source, tmp_path, capsys):
  """Seed 0: 1 of 2 and 3 of 3 right; seed 1: 2 of 2 and 1 of 3. Filled: class 0 only."""
  right, wrong = [0.9, 0.1], [0.1, 0.9]
  write_scores(tmp_path / 'x_0', 'val_x', [right, right], [0, 1])
  write_scores(tmp_path / 'y_0', 'val_y', [right, right, wrong], [0, 0, 1])
  write_scores(tmp_path / 'x_1', 'val_x', [right, wrong], [0, 1])
  write_scores(tmp_path / 'y_1', 'val_y', [right, wrong, right], [0, 0, 1])
  (cells,) = rows_of(capsys, '--seeds=0,1', f'row={tmp_path}/FOLD_SEED')
  # Folds: 50 and 100; 100 and 33.3. Pooled: 80 and 60. Class 0: 3 of 3 and 2 of 3.
  assert ' '.join(cells) == 'row 75.0 ± 35.4 66.7 ± 47.1 70.0 ± 14.1 83.3 ± 23.6'


def test_the_mean_of_log_probabilities(source, tmp_path, capsys):
  """0.6 and 0.05 for class 0: the mean of logarithms is lower than of 0.4 and 0.95."""
  for model, first in (('a', 0.6), ('b', 0.05)):
    of_clip = [first, 1 - first]
    write_scores(tmp_path / f'{model}_x', 'val_x', [of_clip, of_clip], [1, 1])
    write_scores(tmp_path / f'{model}_y', 'val_y', [of_clip] * 3, [1, 1, 1])
  words = [f'alone={tmp_path}/a_FOLD', f'both={tmp_path}/a_FOLD+{tmp_path}/b_FOLD']
  alone, both = rows_of(capsys, *words)
  assert alone[:4] == ['alone', '0.0', '0.0', '0.0']
  assert both[:4] == ['both', '100.0', '100.0', '100.0']


def test_a_missing_run_is_one_line(source, tmp_path, capsys):
  with pytest.raises(SystemExit):
    pooled.main(['--poses=P', '--folds=x,y', f'row={tmp_path}/FOLD'])
  error = capsys.readouterr().err.splitlines()[-1]
  assert "error: row 'row': " in error and 'scores_val_x' in error
