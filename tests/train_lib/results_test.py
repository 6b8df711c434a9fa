"""What an evaluation leaves behind, read back with the plainest tools."""

import csv
import json

import numpy as np
import pytest
from matplotlib import image as images

from train_lib import results

PROTOCOL = {
  'dataset': 'jhmdb',
  'protocol': 'split 1, accuracy over clips',
  'selection_rule': 'highest validation accuracy, the first of equals',
  'selection_split': 'validation1',
}
NAMES = ('brush_hair', 'catch', 'clap')


def _evaluation(split='test1', checkpoint='last', predicted=(0, 1, 1, 0), **changes):
  fields = {
    'split': split,
    'checkpoint': checkpoint,
    'step': 1600,
    'video_ids': ('v1', 'v2', 'v3', 'vídeo 4'),
    'scores': np.eye(3)[list(predicted)] * 0.7 + 0.1,
    'labels': [0, 0, 1, 1],
    'class_names': NAMES,
    'views': 10,
  }
  return results.Evaluation(**(fields | changes))


def test_results_state_the_protocol_and_every_figure(tmp_path):
  evaluations = [
    _evaluation('validation1', 'last'),
    _evaluation('validation1', 'best', (0, 0, 1, 0), step=1200),
    _evaluation('test1', 'last', (0, 0, 0, 0)),
    _evaluation('test1', 'best', (0, 0, 1, 1), step=1200),
  ]
  returned = results.write_results(tmp_path, evaluations, **PROTOCOL)
  read = json.loads((tmp_path / 'results.json').read_text('utf-8'))
  assert read == returned
  assert {name: read[name] for name in ('dataset', 'protocol', 'selection_rule')} == {
    name: PROTOCOL[name] for name in ('dataset', 'protocol', 'selection_rule')
  }
  assert read['headline'] == {'split': 'test1', 'checkpoint': 'best'}
  assert read['evaluations'][1] == {
    'split': 'validation1',
    'checkpoint': 'best',
    'step': 1200,
    'num_clips': 4,
    'views': 10,
    'accuracy': 0.75,
    'mean_class_accuracy': 0.75,  # 0.5 if the class without clips counted as 0.
    'selected_on_this_split': True,
    'scores': 'scores_validation1_best.npz',
  }
  assert [e['accuracy'] for e in read['evaluations']] == [0.5, 0.75, 0.5, 1.0]
  marked = ['selected_on_this_split' in e for e in read['evaluations']]
  assert marked == [False, True, False, False]


def test_files_are_those_of_the_contract_and_no_others(tmp_path):
  evaluations = [_evaluation(checkpoint='last'), _evaluation(checkpoint='best')]
  results.write_results(tmp_path, evaluations, **PROTOCOL)
  assert sorted(path.name for path in tmp_path.iterdir()) == [
    'confusion_matrix.csv',
    'confusion_matrix.png',
    'per_class.csv',
    'results.json',
    'scores_test1.npz',
    'scores_test1_best.npz',
  ]
  image = images.imread(tmp_path / 'confusion_matrix.png')
  assert min(image.shape[:2]) > 100


def test_scores_read_back_without_pickles(tmp_path):
  results.write_results(tmp_path, [_evaluation()], **PROTOCOL)
  with np.load(tmp_path / 'scores_test1.npz', allow_pickle=False) as read:
    assert set(read) == {'video_ids', 'scores', 'labels', 'class_names'}
    assert read['video_ids'].tolist() == ['v1', 'v2', 'v3', 'vídeo 4']
    assert read['class_names'].tolist() == list(NAMES)
    assert (read['scores'].dtype, read['labels'].dtype) == (np.float32, np.int32)
    np.testing.assert_allclose(read['scores'][1], [0.1, 0.8, 0.1], rtol=1e-6)
    np.testing.assert_array_equal(read['labels'], [0, 0, 1, 1])


def test_class_tables_are_of_the_headline(tmp_path):
  results.write_results(
    tmp_path,
    [_evaluation('validation1', predicted=(2, 2, 2, 2)), _evaluation()],
    **PROTOCOL,
  )
  with (tmp_path / 'per_class.csv').open(newline='', encoding='utf-8') as file:
    assert list(csv.reader(file)) == [
      ['class', 'clips', 'correct', 'accuracy'],
      ['brush_hair', '2', '1', '0.5'],
      ['catch', '2', '1', '0.5'],
      ['clap', '0', '0', ''],
    ]
  with (tmp_path / 'confusion_matrix.csv').open(newline='', encoding='utf-8') as file:
    assert list(csv.reader(file)) == [
      ['true \\ predicted', *NAMES],
      ['brush_hair', '1', '1', '0'],
      ['catch', '1', '1', '0'],
      ['clap', '0', '0', '0'],
    ]


@pytest.mark.parametrize(
  ('made', 'expected'),
  [
    ([('validation1', 'last'), ('validation1', 'best')], ('validation1', 'last')),
    ([('validation1', 'best')], ('validation1', 'best')),
    ([('validation1', 'last'), ('test1', 'last')], ('test1', 'last')),
    (
      [('test1', 'last'), ('test1', 'best'), ('validation1', 'last')],
      ('test1', 'best'),
    ),
  ],
)
def test_headline_is_not_chosen_on_the_split_it_is_measured_on(made, expected):
  chosen = results.headline([_evaluation(*which) for which in made], 'validation1')
  assert (chosen.split, chosen.checkpoint) == expected


def test_top5_is_given_beyond_five_classes_only(tmp_path):
  def entry(k):
    scores = np.tile(np.linspace(0.6, 0.1, k), (2, 1))  # Class 0 first, the last last.
    evaluation = _evaluation(
      video_ids=('a', 'b'), scores=scores, labels=[0, k - 1], class_names='abcdefg'[:k]
    )
    written = results.write_results(tmp_path, [evaluation], **PROTOCOL)
    return written['evaluations'][0]

  assert 'top5' not in entry(5)
  assert entry(6)['top5'] == 0.5


def test_results_table_is_aligned_and_marks_optimism(tmp_path):
  workdir = tmp_path / 'my run'
  written = results.write_results(
    workdir,
    [
      _evaluation('validation1', 'best', (0, 0, 1, 0), step=200),
      _evaluation('test1', 'best', (0, 1, 1, 0)),
    ],
    **PROTOCOL,
  )
  lines = results.results_table(written, workdir).splitlines()
  assert lines[:5] == [
    'jhmdb: split 1, accuracy over clips',
    'split        checkpoint  step  clips  views  accuracy  mean class  top 5',
    'validation1  best *       200      4     10    75.0 %      75.0 %      –',
    'test1        best        1600      4     10    50.0 %      50.0 %      –',
    '* selected on the split it is measured on, so optimistic',
  ]
  assert lines[-2] == f'Pictures: {workdir}/confusion_matrix.png'
  assert f"tensorboard --logdir='{workdir}'" in lines[-1]  # A shell can read it.


def test_a_failure_leaves_the_results_that_were_there(tmp_path, monkeypatch):
  results.write_results(tmp_path, [_evaluation()], **PROTOCOL)
  before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

  def killed(*_):
    raise KeyboardInterrupt

  monkeypatch.setattr(results.os, 'replace', killed)
  with pytest.raises(KeyboardInterrupt):
    results.write_results(tmp_path, [_evaluation(predicted=(1, 1, 1, 1))], **PROTOCOL)
  assert {name: (tmp_path / name).read_bytes() for name in before} == before


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'checkpoint': 'first'}, "split 'test1': checkpoint is 'first'; it is 'last' or"),
    ({'split': '../test'}, 'cannot be part of a file name'),
    ({'labels': [0, 1]}, r'labels \(2,\), but 4 videos and 3 classes need \(4, 3\)'),
    ({'video_ids': ('a', 'a', 'b', 'c')}, 'a video is scored twice'),
    ({'scores': np.eye(3)[[0, 1, 2, 0]] * 9}, r'lie in 0\.0\.\.9\.0, but must be prob'),
    ({'scores': np.full((4, 3), np.nan)}, 'lie in nan'),
  ],
)
def test_a_broken_evaluation_is_refused(changes, message):
  with pytest.raises(ValueError, match=message):
    _evaluation(**changes)


@pytest.mark.parametrize('evaluations', [[], [_evaluation(), _evaluation()]])
def test_nothing_and_doubles_are_refused(tmp_path, evaluations):
  with pytest.raises(ValueError, match='need at least one, and no checkpoint twice'):
    results.write_results(tmp_path, evaluations, **PROTOCOL)
  assert list(tmp_path.iterdir()) == []
