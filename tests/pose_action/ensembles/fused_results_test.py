"""The fused results of members whose scores are written by hand."""

import types
from typing import Any

import ml_collections
import numpy as np
import pytest

from input_pipeline.catalog.holdout import hold_out
from pose_action.ensembles import fused_results
from pose_action.evaluation.evaluation import Evaluation
from pose_action.evaluation.results import write_results
from pose_action.fusion.fused_members import FusedMembers

CLASSES = ('run', 'sit', 'wave')
TRAINED = tuple(f'g{n // 2:02}_{n}' for n in range(60))  # Two clips per source video.


def _data(labels) -> Any:
  holdout = hold_out(TRAINED, labels, fold=0, group_by=r'(g\d+)_')
  held_out = [name for name, out in zip(TRAINED, holdout.mask, strict=True) if out]
  return types.SimpleNamespace(
    holdout=holdout, validation=types.SimpleNamespace(video_ids=tuple(held_out))
  )


def _write(folder, split, names, labels, seed, note):
  """A member's results: right in most clips; in an order of its own."""
  rng = np.random.default_rng(seed)
  several = labels.ndim == 2
  truth = labels if several else np.eye(3)[labels]
  odds = np.exp(3 * truth + rng.normal(size=truth.shape))
  scores = odds / (1 + odds) if several else odds / odds.sum(axis=1, keepdims=True)
  order = rng.permutation(len(names))
  evaluation = Evaluation(
    split,
    'last',
    5,
    [names[i] for i in order],
    scores[order],
    labels[order],
    CLASSES,
    2,
  )
  write_results(
    folder,
    [evaluation],
    dataset='mine',
    protocol='by hand',
    selection_rule='none',
    selection_split=None,
    notes=[note],
  )


@pytest.mark.parametrize('several', [False, True])
def test_members_are_fused_and_shown(several, tmp_path, capsys):
  rng = np.random.default_rng(0)
  labels = rng.integers(0, 3, 60)
  test_labels = rng.integers(0, 3, 20)
  if several:
    labels, test_labels = (
      (np.eye(3)[a] + np.eye(3)[(a + 1) % 3] * (a > 0)[:, None]).astype(np.uint8)
      for a in (labels, test_labels)
    )
  data = _data(labels)
  names = data.validation.video_ids
  of_name = dict(zip(TRAINED, labels, strict=True))
  held_out = {name: tmp_path / 'held_out' / name for name in 'ab'}
  for seed, (name, folder) in enumerate(held_out.items()):
    own = np.array([of_name[video] for video in names])
    _write(folder, 'validation', names, own, seed, 'unseen')
    tests = [f't{n}' for n in range(20)]
    _write(tmp_path / 'members' / name, 'test', tests, test_labels, seed, 'of test')
  fit = fused_results.fit_on_held_out(held_out, data)
  groups = {video.partition('_')[0] for video in names}
  assert fit.folds == min(5, len(groups)) and len(names) == 2 * len(groups)

  fused = FusedMembers(
    {name: f'members/{name}' for name in 'ab'}, fit.weights, fit.temperature
  )
  config = ml_collections.ConfigDict(
    {'data': {'dataset': 'mine', 'train_split': 'train', 'test_split': 'test'}}
  )
  results = fused_results.write_fused_results(
    tmp_path, config, data, held_out, fit, fused
  )
  figure = 'mAP' if several else 'accuracy'
  test, validation = results['evaluations']
  assert test['num_clips'] == 20 and test['step'] == 5 and test['views'] == 2
  assert validation[figure] == fit.chosen.figure
  own = [results['members'][name]['test'][figure] for name in 'ab']
  assert test[figure] >= min(own) > 0.5
  assert ('expected_calibration_error_after' in results['calibration'][0]) != several
  assert results['calibration'][0]['temperature'] == fit.temperature
  assert [entry['fitted_on'] for entry in results['abstention']] == (
    [] if several else ['validation']
  )
  assert results['notes'][0] == 'of test' and 'unseen' not in results['notes']
  weights = [results['members'][name]['weight'] for name in 'ab']
  assert np.shape(weights) == ((2, 3) if several else (2,))
  printed = capsys.readouterr().out
  assert 'mine: ensemble of 2 (a, b), each trained on all of train; ' in printed
  assert printed.count('\nfused ') == 2 and str(fit)[:5] in ('equal', 'fitte')


def test_clips_of_one_source_video_share_a_group():
  data = _data(np.arange(60) % 3)
  names = data.validation.video_ids
  groups = fused_results._groups(names[::-1], data)
  assert groups == [name.partition('_')[0] for name in names[::-1]]
