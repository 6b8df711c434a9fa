"""Averages over views, by models whose maps are the logits."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.model_input import VIEWED
from model_lib.output import ModelOutput
from pose_action.training.evaluation_step import evaluation_step
from pose_action.training.losses import LossSettings


class MapsAsLogits(nn.Module):
  """The maps' first cells are the logits."""

  def __call__(self, maps, *, train):
    assert not train
    return ModelOutput(logits=maps[:, 0, 0, 0])


@pytest.mark.parametrize(
  ('average', 'expected'),
  [
    # Views (1/2, 1/2) and (9/10, 1/10); the other video's views are equal.
    ('probabilities', [[0.7, 0.3], [0.1, 0.9]]),
    # Logits (0, 0) and (ln 9, 0) average to (ln 3, 0).
    ('logits', [[0.75, 0.25], [0.1, 0.9]]),
  ],
)
def test_views_are_averaged(average, expected):
  even, sure = [0.0, 0.0], [np.log(9) / 2, 0.0]
  opposed = [0.0, np.log(9)]
  views = np.array([[even, sure], [opposed, opposed]], np.float32)
  batch = {
    'maps': views[:, :, None, None, None],
    'frame_size': np.array([[2, 2], [1, 1]], np.int32),
    'num_frames': np.array([4, 4], np.int32),
    'mask': np.ones(2, np.float32),
  }

  def input_of_batch(views, key):
    assert key is None  # Nothing is augmented.
    size = views['frame_size'][:, 0].astype(jnp.float32)
    return views['maps'] * size.reshape(-1, 1, 1, 1, 1)

  answer = evaluation_step(
    {},
    batch,
    model=MapsAsLogits(),
    input_of_batch=input_of_batch,
    losses=LossSettings(),
    average=average,
  )
  np.testing.assert_allclose(answer.probabilities, expected, rtol=1e-6)
  assert answer.joint_weights is None


class WeighsJoints(nn.Module):
  """The maps' cells are the logits for two classes, then the weights for three joints."""

  def __call__(self, maps, *, train):
    assert not train
    cells = maps[:, 0, 0, 0]
    return ModelOutput(logits=cells[:, :2], joint_weights=cells[:, 2:])


@pytest.mark.parametrize('name', sorted(VIEWED))
def test_views_of_every_representation(name):
  """Multi-label clips have a sigmoid per class; joint weights are averaged too."""
  rows = np.array(
    [
      [[0, np.log(3), 0.5, 0.0, 1.0], [0, 0, 0.25, 0.0, 0.5]],
      [[np.log(4), 0, 0.0, 1.0, 1.0], [np.log(4), 0, 1.0, 1.0, 1.0]],
    ],
    np.float32,
  )
  batch = {
    name: rows[:, :, None, None, None],
    'frame_size': np.array([[2, 3], [4, 5]], np.int32),
    'num_frames': np.array([6, 7], np.int32),
    'label': np.zeros((2, 2), np.float32),
    'mask': np.ones(2, np.float32),
  }

  def input_of_batch(views, key):
    assert key is None
    np.testing.assert_array_equal(views['num_frames'], [6, 6, 7, 7])
    np.testing.assert_array_equal(views['frame_size'][:, 1], [3, 3, 5, 5])
    return views[name]

  answer = evaluation_step(
    {},
    batch,
    model=WeighsJoints(),
    input_of_batch=input_of_batch,
    losses=LossSettings(classification='binary_cross_entropy'),
  )
  wanted = [[0.5, (0.75 + 0.5) / 2], [0.8, 0.5]]
  np.testing.assert_allclose(answer.probabilities, wanted, rtol=1e-6)
  wanted = [[0.375, 0.0, 0.75], [0.5, 1.0, 1.0]]
  np.testing.assert_allclose(answer.joint_weights, wanted, rtol=1e-6)


def test_unknown_average():
  message = r"average is 'median'; give 'probabilities' or 'logits'"
  with pytest.raises(ValueError, match=message):
    evaluation_step(
      {},
      {},
      model=MapsAsLogits(),
      input_of_batch=None,
      losses=LossSettings(),
      average='median',
    )
