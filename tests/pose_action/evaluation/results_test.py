"""An evaluation's files, read back with the simplest tools."""

import csv
import json

import numpy as np
import pytest
from matplotlib import image as images

from input_pipeline.skeletons.registry import get_skeleton
from pose_action.evaluation import results, score_files
from pose_action.evaluation.evaluation import Evaluation

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
  return Evaluation(**(fields | changes))


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


@pytest.mark.parametrize(
  ('made', 'expected'),
  [
    ([('validation1', 'last'), ('validation1', 'average')], ('validation1', 'average')),
    ([('test1', 'last'), ('test1', 'average')], ('test1', 'average')),
    (
      [('test1', 'last'), ('test1', 'average'), ('test1', 'best')],
      ('test1', 'best'),
    ),
  ],
)
def test_the_headline_is_of_the_weights_that_the_run_is_judged_by(made, expected):
  evaluations = [_evaluation(*which) for which in made]
  chosen = results.headline(evaluations, 'validation1', 'average')
  assert (chosen.split, chosen.checkpoint) == expected
  assert results.headline(evaluations[:2], 'validation1').checkpoint == 'last'


def test_top5_is_given_beyond_five_classes_only(tmp_path):
  def entry(k):
    scores = np.tile(
      np.linspace(0.6, 0.1, k), (2, 1)
    )  # Class 0 ranks first, the last class last.
    evaluation = _evaluation(
      video_ids=('a', 'b'), scores=scores, labels=[0, k - 1], class_names='abcdefg'[:k]
    )
    written = results.write_results(tmp_path, [evaluation], **PROTOCOL)
    return written['evaluations'][0]

  assert 'top5' not in entry(5)
  assert entry(6)['top5'] == 0.5


# Clips 0 and 2 have class 0, clips 1 and 2 class 1, no clip class 2; clip 3 has none.
MULTI_HOT = np.array([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]], np.uint8)
# Class 0 ranks its clips 1 and 3, class 1 ranks its clips 1 and 2.
RANKING = np.array([[0.9, 0.1, 0.5], [0.6, 0.9, 0.5], [0.3, 0.5, 0.5], [0.1, 0.2, 0.5]])


def test_clips_of_several_labels_are_judged_by_map(tmp_path):
  evaluation = _evaluation(scores=RANKING, labels=MULTI_HOT)
  written = results.write_results(tmp_path, [evaluation], **PROTOCOL)
  entry = written['evaluations'][0]
  precisions = [(1 / 1 + 2 / 3) / 2, 1.0]
  assert set(entry) & {'accuracy', 'mean_class_accuracy', 'top5', 'mAP'} == {'mAP'}
  np.testing.assert_allclose(entry['mAP'], np.mean(precisions), rtol=1e-12)
  assert sorted(path.name for path in tmp_path.iterdir()) == [
    'per_class.csv',
    'results.json',
    'scores_test1.npz',
  ]
  rows = _table(tmp_path / 'per_class.csv')
  assert rows[0] == ['class', 'positives', 'average_precision']
  assert rows[2:] == [['catch', '2', '1.0'], ['clap', '0', '']]
  np.testing.assert_allclose(float(rows[1][2]), precisions[0], rtol=1e-12)
  with np.load(tmp_path / 'scores_test1.npz', allow_pickle=False) as read:
    np.testing.assert_array_equal(read['labels'], MULTI_HOT)
    assert read['labels'].dtype == np.uint8
  lines = results.results_table(written, tmp_path).splitlines()
  assert lines[1:3] == [
    'split  checkpoint  step  clips  views     mAP',
    'test1  last        1600      4     10  91.7 %',
  ]


def test_the_map_of_boxes_is_called_that_and_says_how_the_frame_map_is_had(tmp_path):
  scores = np.array([[0.9, 0.2, 0.1]] * 3 + [[0.1, 0.8, 0.3]])
  labels = np.array([[1, 0, 0]] * 3 + [[0, 1, 1]], np.uint8)
  evaluation = _evaluation(scores=scores, labels=labels, asked=('frame_mAP',))
  written = results.write_results(tmp_path, [evaluation], **PROTOCOL)
  assert written['evaluations'][0]['box_mAP'] == 1
  assert 'mAP' not in written['evaluations'][0]
  assert 'tools/evaluate_ava.py' in written['definitions']['box_mAP']
  assert '  box mAP' in results.results_table(written, tmp_path)


def test_charades_is_judged_by_its_own_map_and_says_so(tmp_path):
  # Clip 3, which has no label, ranks first: it lowers scikit-learn's mAP only.
  scores = np.where(MULTI_HOT.any(axis=1, keepdims=True), RANKING, 0.95)
  evaluation = _evaluation(scores=scores, labels=MULTI_HOT, asked=('charades_mAP',))
  written = results.write_results(tmp_path, [evaluation], **PROTOCOL)
  entry = written['evaluations'][0]
  own = [(1 / 1 + 2 / 3) / 2, 1.0]
  plain = [(1 / 2 + 2 / 4) / 2, (1 / 2 + 2 / 3) / 2]
  np.testing.assert_allclose(entry['charades_mAP'], np.mean(own), rtol=1e-12)
  np.testing.assert_allclose(entry['mAP'], np.mean(plain), rtol=1e-12)
  assert set(written['definitions']) == {'mAP', 'charades_mAP'}
  assert 'Charades_v1_classify.m' in written['definitions']['charades_mAP']
  rows = _table(tmp_path / 'per_class.csv')
  assert rows[0][2:] == ['average_precision', 'charades_average_precision']
  np.testing.assert_allclose(
    np.array([row[2:] for row in rows[1:3]], float), np.transpose([plain, own])
  )
  assert rows[3] == ['clap', '0', '', '']
  heading = results.results_table(written, tmp_path).splitlines()[1]
  assert heading.split()[5:] == ['Charades', 'mAP', 'mAP']


def test_scores_name_the_figures_that_the_protocol_asks_for(tmp_path):
  asked = ('charades_mAP',)
  evaluation = _evaluation(scores=RANKING, labels=MULTI_HOT, asked=asked)
  results.write_results(tmp_path, [evaluation], **PROTOCOL)
  file = str(tmp_path / 'scores_test1.npz')
  streams, _ = score_files.read_streams([file, file])
  assert streams.asked == asked
  (tmp_path / 'fused.npz').write_bytes(score_files.fused_npz(streams, RANKING))
  assert score_files.read_scores(str(tmp_path / 'fused.npz')).asked == asked


def test_one_label_a_clip_may_be_judged_by_map_too(tmp_path):
  written = results.write_results(tmp_path, [_evaluation(asked=('mAP',))], **PROTOCOL)
  entry = written['evaluations'][0]
  # Class 0 scores 0.8 for clips 0 and 3, and 0.1 for clips 1 and 2. Its clips are 0 and
  # 1: one enters at the first threshold, precision 1/2; the other with all, 2/4. Class 1
  # ranks clips 1 and 2 first: the same.
  assert entry['mAP'] == pytest.approx((1 / 2 + 2 / 4) / 2)
  assert entry['accuracy'] == 0.5
  assert set(written['definitions']) == {'mAP'}
  plain = results.write_results(tmp_path, [_evaluation()], **PROTOCOL)
  assert plain['definitions'] == {}


def test_joint_weights_of_the_headline_are_written(tmp_path):
  weights = np.random.default_rng(0).random((4, 15))
  jhmdb = get_skeleton('jhmdb')
  last = _evaluation('validation1', joint_weights=0 * weights, skeleton=jhmdb)
  test = _evaluation(joint_weights=weights, skeleton=jhmdb)
  results.write_results(tmp_path, [last, test], **PROTOCOL)
  rows = _table(tmp_path / 'joint_weights.csv')
  assert rows[0] == ['video_id', 'class', *jhmdb.joints]
  assert rows[4][:2] == ['vídeo 4', 'catch']
  np.testing.assert_allclose(np.array(rows[4][2:], float), weights[3], atol=1e-6)
  assert _table(tmp_path / 'joint_weights_per_class.csv')[3][:3] == ['clap', '0', '']
  for name in ('joint_weights', 'joint_weights_skeleton'):
    assert min(images.imread(tmp_path / f'{name}.png').shape[:2]) > 200


def test_as_published_the_test_split_selects_and_the_last_checkpoint_speaks(tmp_path):
  published = PROTOCOL | {'selection_split': 'test1', 'protocol': 'as published'}
  note = 'the learning rate was lowered by the loss on the test split'
  written = results.write_results(
    tmp_path,
    [_evaluation(), _evaluation(checkpoint='best', step=1200)],
    **published,
    notes=[note],
  )
  assert written['headline'] == {'split': 'test1', 'checkpoint': 'last'}
  assert written['notes'] == [note]
  assert json.loads((tmp_path / 'results.json').read_text('utf-8')) == written
  lines = results.results_table(written, tmp_path).splitlines()
  assert lines[2].startswith('test1  last    ')
  assert lines[3].startswith('test1  best *')
  assert lines[4:6] == [
    '* optimistic: selected on the same split',
    note,
  ]


def _table(path):
  with path.open(newline='', encoding='utf-8') as file:
    return list(csv.reader(file))


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
    'split        checkpoint  step  clips  views  accuracy  mean class',
    'validation1  best *       200      4     10    75.0 %      75.0 %',
    'test1        best        1600      4     10    50.0 %      50.0 %',
    '* optimistic: selected on the same split',
  ]
  assert lines[-2] == f'Pictures: {workdir}/confusion_matrix.png'
  assert f"tensorboard --logdir='{workdir}'" in lines[-1]  # Quoted for a shell.


def test_a_failure_leaves_the_results_that_were_there(tmp_path, monkeypatch):
  results.write_results(tmp_path, [_evaluation()], **PROTOCOL)
  before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

  def killed(*_):
    raise KeyboardInterrupt

  monkeypatch.setattr(results.os, 'replace', killed)
  with pytest.raises(KeyboardInterrupt):
    results.write_results(tmp_path, [_evaluation(predicted=(1, 1, 1, 1))], **PROTOCOL)
  assert {name: (tmp_path / name).read_bytes() for name in before} == before


@pytest.mark.parametrize('evaluations', [[], [_evaluation(), _evaluation()]])
def test_nothing_and_doubles_are_refused(tmp_path, evaluations):
  with pytest.raises(
    ValueError, match='give at least one, and each checkpoint at most once'
  ):
    results.write_results(tmp_path, evaluations, **PROTOCOL)
  assert list(tmp_path.iterdir()) == []
