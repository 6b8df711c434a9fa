"""What makes the demo worth looking at: it cannot be solved without the order of time."""

import jax
import numpy as np
import pytest

from configs import demo
from input_pipeline.catalog.stick_actions.source import CLASS_NAMES, REVERSE_OF
from pose_action.runtime import sharding
from pose_action.training import experiment

# Three pairs of classes, each the other in reversed time.
PAIRS = sorted({tuple(sorted((a, b))) for a, b in REVERSE_OF.items()})


def trained_scores(folder, temporal: str) -> tuple[np.ndarray, np.ndarray]:
  """Test probabilities and labels of a small model, trained in well under a minute."""
  with demo.get_config().unlocked() as config:
    config.data.data_dir = str(folder)
    config.data.map_short_side = 16
    config.data.map_size = (16, 16)
    config.data.map_sigma = 0.7
    config.data.crop = 'person'
    config.model.temporal = temporal
    config.model.features = (16, 32, 64)
    config.train.epochs = 10
    config.train.eval_every_epochs = 1000
    config.eval.views = 2
    config.eval.batch_size = 120
  # One device: eight virtual ones on few cores only get in each other's way.
  mesh = sharding.make_mesh(jax.devices()[:1])
  experiment.train_and_evaluate(config, str(folder / temporal), mesh=mesh)
  with np.load(folder / temporal / 'scores_test.npz') as results:
    assert tuple(results['class_names']) == CLASS_NAMES
    return results['scores'], results['labels']


def accuracies_in_pairs(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
  """(the right pair found, the right one of the pair found), over the pairs' clips."""
  found, ordered = [], []
  for pair in PAIRS:
    classes = [CLASS_NAMES.index(name) for name in pair]
    own = np.isin(labels, classes)
    found.append(np.isin(scores[own].argmax(axis=1), classes))
    chosen = np.array(classes)[scores[own][:, classes].argmax(axis=1)]
    ordered.append(chosen == labels[own])
  return float(np.concatenate(found).mean()), float(np.concatenate(ordered).mean())


def test_there_are_three_pairs():
  assert len(PAIRS) == 3
  assert sorted(PAIRS) == [('pick_up', 'put_down'), ('pull', 'push'), ('sit', 'stand')]


def test_frames_without_order_cannot_tell_a_pair_apart(tmp_path):
  found, ordered = accuracies_in_pairs(*trained_scores(tmp_path, 'tsn'))
  # It has learned something: which pair it is. But which of the two, it can only guess.
  assert found > 0.7
  assert ordered == pytest.approx(0.5, abs=0.1)


def test_temporal_pose_convolution_tells_a_pair_apart(tmp_path):
  _, ordered = accuracies_in_pairs(*trained_scores(tmp_path, 'temporal_pose_conv'))
  assert ordered > 0.75
