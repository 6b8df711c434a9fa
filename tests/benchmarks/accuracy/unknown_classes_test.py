"""The benchmark of unknown classes: how it divides clips, and its figures by hand."""

import numpy as np
import pytest
import tiny_run

from benchmarks.accuracy.unknown_classes import changed_config, figures, leave_out
from pose_action.inference.prediction import Prediction


def test_the_classes_left_out_are_in_no_split_and_labels_are_renumbered():
  source = tiny_run.source()
  divided = leave_out(source, ['lower'])
  assert divided.known.class_names == ('raise', 'rest')
  # Clip n has class n % 3; 37 and 13 clips.
  everyone = [v for ids in source.splits.values() for v in ids]
  own = {v: int(v.rpartition('_')[2]) % 3 for v in everyone}
  assert set(divided.unknown) == {v for v in everyone if own[v] == 1}
  for split, ids in divided.known.splits.items():
    assert list(ids) == [v for v in source.splits[split] if own[v] != 1]
    for video_id in ids[:4]:
      assert divided.known.load(video_id).labels == (own[video_id] // 2,)


def test_classes_that_cannot_be_left_out():
  with pytest.raises(
    ValueError, match='classes to leave out are dance, but must be some'
  ):
    leave_out(tiny_run.source(), ['dance'])
  with pytest.raises(ValueError, match='and two must remain'):
    leave_out(tiny_run.source(), ['raise', 'rest'])


def test_flags_change_the_config():
  changed = changed_config(
    'ddnet_jhmdb:strong', ['--config.data.train_split=train_g0', '--config.seed=3']
  )
  assert (changed.data.train_split, changed.seed) == ('train_g0', 3)
  changed.data.dataset = 'known'  # It is not locked.


def test_figures_by_hand():
  def predictions(*shares):
    return [
      Prediction('c', ('a', 'b'), np.array([p, 1 - p]), threshold=0.7) for p in shares
    ]

  known, unknown = predictions(0.9, 0.75, 0.6, 0.2), predictions(0.65, 0.1)
  found = figures(known, ['a', 'a', 'a', 'a'], unknown)
  # Confidences 0.9, 0.75, 0.6, 0.8 against 0.65 and 0.9: 1.5 + 1 + 0 + 1 of 8.
  assert found == {
    'AUROC': pytest.approx(3.5 / 8),
    'accuracy on known classes, always answering': 0.75,
    'right answers kept': pytest.approx(2 / 3),
    'unknown clips refused': 0.5,
  }
