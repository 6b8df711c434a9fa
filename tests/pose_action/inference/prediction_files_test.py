"""Predictions as files, with contents worked out by hand."""

import csv
import json

import numpy as np
import pytest

from pose_action.evaluation.score_files import read_scores
from pose_action.inference.prediction import Prediction, Predictions
from pose_action.inference.prediction_files import WRITERS, check_output
from pose_action.inference.prediction_table import PredictionTable, summary

CLASSES = ('run', 'wave, high')


def answer(name='a', share=0.25, labels=('run',), weights=(0.5, 0.125), **more):
  return Prediction(
    name,
    CLASSES,
    np.array([share, 1 - share], np.float32),
    joints=('head', 'hand'),
    joint_weights=None if weights is None else np.array(weights, np.float32),
    source='poses/',
    labels=labels,
    **more,
  )


def test_csv(tmp_path):
  Predictions([answer(), answer('b', 0.75, ())]).save(tmp_path / 'x.csv')
  with (tmp_path / 'x.csv').open(newline='') as file:
    rows = list(csv.reader(file))
  assert rows == [
    [
      *('source', 'clip', 'labels', 'label', 'probability', 'p(run)', 'p(wave, high)'),
      *('weight(head)', 'weight(hand)'),
    ],
    ['poses/', 'a', 'run', 'wave, high', '0.75', '0.25', '0.75', '0.5', '0.125'],
    ['poses/', 'b', '', 'run', '0.75', '0.75', '0.25', '0.5', '0.125'],
  ]


def test_json(tmp_path):
  one = answer(members={'joints': np.array([0.5, 0.5], np.float32)}, labels=())
  one.save(tmp_path / 'x.json')
  assert json.loads((tmp_path / 'x.json').read_text()) == {
    'class_names': ['run', 'wave, high'],
    'multi_label': False,
    'predictions': [
      {
        'source': 'poses/',
        'clip': 'a',
        'label': 'wave, high',
        'probability': 0.75,
        'probabilities': {'run': 0.25, 'wave, high': 0.75},
        'joint_weights': {'head': 0.5, 'hand': 0.125},
        'members': {'joints': {'run': 0.5, 'wave, high': 0.5}},
      }
    ],
  }


def test_npz_can_be_fused(tmp_path):
  Predictions([answer(), answer('b', 0.75, ('wave, high',))]).save(tmp_path / 'x.npz')
  scores = read_scores(str(tmp_path / 'x.npz'))
  assert list(scores.video_ids) == ['a', 'b']
  np.testing.assert_array_equal(scores.labels, [0, 1])
  np.testing.assert_array_equal(scores.probabilities, [[0.25, 0.75], [0.75, 0.25]])


def test_npz_without_labels_and_with_equal_names(tmp_path):
  Predictions([answer(labels=()), answer()]).save(tmp_path / 'x.npz')
  with np.load(tmp_path / 'x.npz') as file:
    assert 'labels' not in file
    assert list(file['video_ids']) == ['poses//a', 'poses//a']


def test_labels_of_several_classes(tmp_path):
  both = answer(labels=CLASSES, multi_label=True)
  Predictions([both, answer('b', labels=(), multi_label=True)]).save(tmp_path / 'x.npz')
  with np.load(tmp_path / 'x.npz') as file:
    np.testing.assert_array_equal(file['labels'], [[1, 1], [0, 0]])


def test_what_cannot_be_written(tmp_path):
  with pytest.raises(ValueError, match=r"x.txt ends in '.txt', but .* \*.csv, \*.json"):
    check_output('x.txt')
  with pytest.raises(FileNotFoundError, match=r'there is no folder .*/nowhere'):
    check_output(tmp_path / 'nowhere' / 'x.csv')
  with pytest.raises(ValueError, match='no prediction to write'):
    Predictions().save(tmp_path / 'x.csv')
  other = Prediction('b', ('sit',), np.ones(1, np.float32))
  with pytest.raises(ValueError, match='different classes'):
    Predictions([answer(), other]).save(tmp_path / 'x.csv')
  assert sorted(WRITERS) == ['.csv', '.gif', '.html', '.json', '.mp4', '.npz']


def test_the_table_of_the_terminal():
  table = PredictionTable(['a', 'bcdef'], CLASSES, top=3)
  first = list(table.rows([answer()]))
  second = list(table.rows([answer('bcdef', 0.9, (), weights=(0.1, 0.2))]))
  assert first + second == [
    'clip   labelled    1.                 2.                 joints that counted',
    'a      run         wave, high  75.0%  run         25.0%  head 0.50, hand 0.12',
    'bcdef  -           run         90.0%  wave, high  10.0%  hand 0.20, head 0.10',
  ]


def test_the_summary_counts_labelled_clips():
  found = [answer(), answer('b', 0.75), answer('c', labels=())]
  assert summary(found) == '1 of 2 labelled clips are predicted as labelled (50.0%)'
  assert summary([answer(labels=())]) is None
