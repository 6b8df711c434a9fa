"""The words and figures of a fusion, on scores worked out by hand."""

import dataclasses

import numpy as np
import pytest

from pose_action.evaluation.score_files import Streams
from pose_action.fusion import table as fusion_table

# Of four videos of run, walk, sit, run; fly has none.
GOOD = np.array([[0.7, 0.1, 0.1, 0.1], [0.4, 0.2, 0.2, 0.2], [0.1, 0.1, 0.7, 0.1]])
GOOD = GOOD[[0, 1, 2, 0]]  # Wrong of walk alone.
WALK = np.array([[0.2, 0.4, 0.2, 0.2]] * 4)  # Knows walk alone.
FUSED = np.array([[0.6, 0.2, 0.1, 0.1], [0.2, 0.6, 0.1, 0.1]])[[0, 1, 0, 0]]
ONE_LABEL = Streams(
  names=('good.npz', 'w.npz'),
  video_ids=np.array(['v1', 'v2', 'v3', 'v4']),
  probabilities=np.stack([GOOD, WALK]),
  labels=np.array([0, 1, 2, 0], np.int32),
  class_names=np.array(['run', 'walk', 'sit', 'fly']),
)
# Of three videos, two have class 0 and none class 1; the first stream ranks it right.
SEVERAL = Streams(
  names=('a.npz', 'b.npz'),
  video_ids=np.array(['v1', 'v2', 'v3']),
  probabilities=np.array(
    [[[0.9, 0.2], [0.1, 0.2], [0.9, 0.2]], [[0.5, 0.5], [0.8, 0.5], [0.4, 0.5]]]
  ),
  labels=np.array([[1, 0], [0, 0], [1, 0]], np.uint8),
  class_names=None,
)


def test_the_heading_has_the_notes_of_all_files():
  streams = dataclasses.replace(ONE_LABEL, notes=('of the fused',))
  fit = dataclasses.replace(ONE_LABEL, notes=('of the fit',))
  first = '2 models, 4 videos, 4 classes: mean'
  assert fusion_table.heading(ONE_LABEL, None, 'mean') == [first]
  assert fusion_table.heading(streams, fit, 'mean') == [
    first,
    'note: of the fused',
    'note: of the fit',
  ]


def test_the_table_by_hand():
  assert fusion_table.table(ONE_LABEL, np.array([0.75, 0.25]), FUSED) == [
    'scores    weight  accuracy  mean class',
    'good.npz   0.750    75.0 %      66.7 %',
    'w.npz      0.250    25.0 %      33.3 %',
    'fused               75.0 %      66.7 %',
  ]
  weights = np.array([[0.5, 1.0], [0.5, 0.0]])
  lines = fusion_table.table(SEVERAL, weights, SEVERAL.probabilities[0])
  # The second ranks video 2 first: (1/2 + 2/3) / 2.
  assert lines == [
    'scores                weight      mAP',
    'a.npz   0.750 (0.500..1.000)  100.0 %',
    'b.npz   0.250 (0.000..0.500)   58.3 %',
    'fused                         100.0 %',
  ]


def test_of_more_than_five_classes_the_table_has_the_top_five():
  scores = np.array([[0.3, 0.2, 0.2, 0.15, 0.1, 0.05]] * 2)
  streams = dataclasses.replace(
    ONE_LABEL, probabilities=np.stack([scores] * 2), labels=np.array([4, 5])
  )
  first, *rows = fusion_table.table(streams, np.ones(2), scores)
  assert first.endswith('mean class   top 5')
  for row in rows:
    assert row.split()[-6:] == ['0.0', '%', '0.0', '%', '50.0', '%']


def test_without_labels_there_are_weights_and_no_figures():
  streams = dataclasses.replace(ONE_LABEL, labels=None)
  assert fusion_table.table(streams, np.array([0.75, 0.25]), FUSED) == [
    'scores    weight',
    'good.npz   0.750',
    'w.npz      0.250',
    'fused',
  ]
  with pytest.raises(ValueError, match=r'none of good\.npz, w\.npz has labels'):
    fusion_table.class_figures(streams, FUSED)


def test_classes_gain_and_lose_against_the_best_stream():
  videos, of_classes = fusion_table.class_figures(ONE_LABEL, FUSED)
  assert videos.tolist() == [2, 1, 1, 0]
  assert of_classes[:, :3].tolist() == [[1, 0, 1], [0, 1, 0], [1, 1, 0]]
  assert fusion_table.gains(ONE_LABEL, videos, of_classes) == [
    'Classes whose accuracy gains and loses most, in points, against the best of the'
    ' models, good.npz:',
    '  +100.0  walk, videos: 1',
    '  -100.0  sit, videos: 1',
  ]
  assert fusion_table.class_csv(ONE_LABEL, videos, of_classes).decode() == (
    'class,videos,good.npz,w.npz,fused,gain\n'
    'run,2,1.0,0.0,1.0,0.0\n'
    'walk,1,0.0,1.0,1.0,1.0\n'
    'sit,1,1.0,0.0,0.0,-1.0\n'
    'fly,0,,,,\n'
  )


def test_of_several_labels_classes_have_average_precision():
  videos, of_classes = fusion_table.class_figures(SEVERAL, SEVERAL.probabilities[1])
  assert videos.tolist() == [2, 0]
  np.testing.assert_allclose(of_classes[:, 0], [1, 7 / 12, 7 / 12])
  heading, *lines = fusion_table.gains(SEVERAL, videos, of_classes)
  assert heading.startswith('Classes whose average precision gains')
  assert heading.endswith('a.npz:')
  assert lines == ['   -41.7  class_0, videos: 2']


def test_no_more_than_five_classes_are_named_each_way():
  k = 14
  streams = dataclasses.replace(
    ONE_LABEL,
    probabilities=np.full((2, k, k), 1 / k),
    labels=np.arange(k),
    class_names=None,
  )
  # Six gain, one stays, seven lose: by 0.06 down to -0.07.
  of_classes = np.zeros((3, k))
  of_classes[-1] = np.arange(6, 6 - k, -1) / 100
  lines = fusion_table.gains(streams, np.ones(k, int), of_classes)[1:]
  points = [float(line.split()[0]) for line in lines]
  assert points == [6, 5, 4, 3, 2, -3, -4, -5, -6, -7]


def test_what_the_fit_was_good_for():
  weights = np.array([1.0, 0.0])
  text = fusion_table.fit_in_words(ONE_LABEL, weights)
  # The first stream's own loss: 0.7 three times, and 0.2.
  after = -(3 * np.log(0.7) + np.log(0.2)) / 4
  # Equal weights: √(p q), to a sum of 1 a video.
  root = np.sqrt(GOOD * WALK)
  root /= root.sum(axis=1, keepdims=True)
  before = -np.log(root[np.arange(4), ONE_LABEL.labels]).mean()
  assert text == (
    f'fitted on 4 videos of good.npz, w.npz: loss there {before:.4f} with equal weights,'
    f' {after:.4f} with the learned'
  )
  text = fusion_table.fit_in_words(SEVERAL, np.full((2, 2), 0.5))
  assert text.endswith('; equal weights in classes of no video or of all: 1 of 2')
