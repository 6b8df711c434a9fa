"""The text and figures that describe a fusion, on scores worked out by hand."""

import dataclasses

import numpy as np
import pytest

from pose_action.evaluation.score_files import Streams
from pose_action.fusion import table as fusion_table

# Four videos: run, walk, sit, run. None is of the class fly.
GOOD = np.array([[0.7, 0.1, 0.1, 0.1], [0.4, 0.2, 0.2, 0.2], [0.1, 0.1, 0.7, 0.1]])
GOOD = GOOD[[0, 1, 2, 0]]  # Wrong only for the walk.
WALK = np.array([[0.2, 0.4, 0.2, 0.2]] * 4)  # Always says walk.
FUSED = np.array([[0.6, 0.2, 0.1, 0.1], [0.2, 0.6, 0.1, 0.1]])[[0, 1, 0, 0]]
ONE_LABEL = Streams(
  names=('good.npz', 'w.npz'),
  video_ids=np.array(['v1', 'v2', 'v3', 'v4']),
  probabilities=np.stack([GOOD, WALK]),
  labels=np.array([0, 1, 2, 0], np.int32),
  class_names=np.array(['run', 'walk', 'sit', 'fly']),
)
# Three videos: two have class 0, none has class 1. Only the first stream ranks class 0
# without a mistake.
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
  streams = dataclasses.replace(ONE_LABEL, notes=('on the fused files',))
  fit = dataclasses.replace(ONE_LABEL, notes=('on the fit files',))
  first = '2 models, 4 videos, 4 classes: mean'
  assert fusion_table.heading(ONE_LABEL, None, 'mean') == [first]
  assert fusion_table.heading(streams, fit, 'mean') == [
    first,
    'note: on the fused files',
    'note: on the fit files',
  ]


def test_the_table_shows_weights_and_figures():
  assert fusion_table.table(ONE_LABEL, np.array([0.75, 0.25]), FUSED) == [
    'scores    weight  accuracy  mean class',
    'good.npz   0.750    75.0 %      66.7 %',
    'w.npz      0.250    25.0 %      33.3 %',
    'fused               75.0 %      66.7 %',
  ]
  weights = np.array([[0.5, 1.0], [0.5, 0.0]])
  lines = fusion_table.table(SEVERAL, weights, SEVERAL.probabilities[0])
  # The second stream ranks video 2 first: (1/2 + 2/3) / 2.
  assert lines == [
    'scores                weight      mAP',
    'a.npz   0.750 (0.500..1.000)  100.0 %',
    'b.npz   0.250 (0.000..0.500)   58.3 %',
    'fused                         100.0 %',
  ]


def test_with_more_than_five_classes_the_table_has_top_5_accuracy():
  scores = np.array([[0.3, 0.2, 0.2, 0.15, 0.1, 0.05]] * 2)
  streams = dataclasses.replace(
    ONE_LABEL, probabilities=np.stack([scores] * 2), labels=np.array([4, 5])
  )
  first, *rows = fusion_table.table(streams, np.ones(2), scores)
  assert first.endswith('mean class   top 5')
  for row in rows:
    assert row.split()[-6:] == ['0.0', '%', '0.0', '%', '50.0', '%']


def test_without_labels_the_table_has_weights_only():
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
  videos, class_figures = fusion_table.class_figures(ONE_LABEL, FUSED)
  assert videos.tolist() == [2, 1, 1, 0]
  assert class_figures[:, :3].tolist() == [[1, 0, 1], [0, 1, 0], [1, 1, 0]]
  assert fusion_table.gains(ONE_LABEL, videos, class_figures) == [
    'Classes whose accuracy gains and loses most against the best model, good.npz, in'
    ' percentage points:',
    '  +100.0  walk, videos: 1',
    '  -100.0  sit, videos: 1',
  ]
  assert fusion_table.class_csv(ONE_LABEL, videos, class_figures).decode() == (
    'class,videos,good.npz,w.npz,fused,gain\n'
    'run,2,1.0,0.0,1.0,0.0\n'
    'walk,1,0.0,1.0,1.0,1.0\n'
    'sit,1,1.0,0.0,0.0,-1.0\n'
    'fly,0,,,,\n'
  )


def test_with_multi_hot_labels_classes_have_average_precision():
  videos, class_figures = fusion_table.class_figures(SEVERAL, SEVERAL.probabilities[1])
  assert videos.tolist() == [2, 0]
  np.testing.assert_allclose(class_figures[:, 0], [1, 7 / 12, 7 / 12])
  heading, *lines = fusion_table.gains(SEVERAL, videos, class_figures)
  assert heading.startswith('Classes whose average precision gains')
  assert 'the best model, a.npz, in' in heading
  assert lines == ['   -41.7  class_0, videos: 2']


def test_at_most_five_gaining_and_five_losing_classes_are_named():
  k = 14
  streams = dataclasses.replace(
    ONE_LABEL,
    probabilities=np.full((2, k, k), 1 / k),
    labels=np.arange(k),
    class_names=None,
  )
  # Six classes gain, one stays, seven lose: from +0.06 down to -0.07.
  class_figures = np.zeros((3, k))
  class_figures[-1] = np.arange(6, 6 - k, -1) / 100
  lines = fusion_table.gains(streams, np.ones(k, int), class_figures)[1:]
  points = [float(line.split()[0]) for line in lines]
  assert points == [6, 5, 4, 3, 2, -3, -4, -5, -6, -7]


def test_the_fit_is_described_with_its_loss_before_and_after():
  weights = np.array([1.0, 0.0])
  text = fusion_table.fit_in_words(ONE_LABEL, weights)
  # The first stream's own loss: p = 0.7 three times, and 0.2 once.
  after = -(3 * np.log(0.7) + np.log(0.2)) / 4
  # Equal weights give √(p q), normalized to a sum of 1 per video.
  root = np.sqrt(GOOD * WALK)
  root /= root.sum(axis=1, keepdims=True)
  before = -np.log(root[np.arange(4), ONE_LABEL.labels]).mean()
  assert text == (
    'fitted on 4 videos from good.npz, w.npz, where the loss per video is'
    f' {before:.4f} nats with equal weights and {after:.4f} nats with learned ones'
  )
  text = fusion_table.fit_in_words(SEVERAL, np.full((2, 2), 0.5))
  assert text.endswith(
    '; 1 of 2 classes have equal weights, as no video has them, or every video'
  )


def test_the_protocols_own_metric_leads():
  """Charades: an unlabelled video, here the second, ranks last and counts for nothing."""
  streams = dataclasses.replace(SEVERAL, asked=('charades_mAP',))
  weights = np.array([[0.5, 1.0], [0.5, 0.0]])
  # As clips, the second stream's are ranked second and third: (1/2 + 2/3) / 2.
  assert fusion_table.table(streams, weights, SEVERAL.probabilities[1]) == [
    'scores                weight  Charades mAP      mAP',
    'a.npz   0.750 (0.500..1.000)       100.0 %  100.0 %',
    'b.npz   0.250 (0.000..0.500)       100.0 %   58.3 %',
    'fused                              100.0 %   58.3 %',
  ]
  videos, figures = fusion_table.class_figures(streams, SEVERAL.probabilities[1])
  assert videos.tolist() == [2, 0]
  np.testing.assert_allclose(figures[:, 0], 1)
