"""Which joints are missing: shares, and never all of them."""

import functools

import jax
import numpy as np
import pytest

from input_pipeline.augmentation import augment
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.joint_masking import JointMaskingSettings
from input_pipeline.skeletons.registry import get_skeleton

PENN = get_skeleton('penn_action')


@functools.partial(jax.jit, static_argnums=0)
def hidden(settings):
  """The missing joints of 1,000 draws, `[1000, j]`."""
  keys = jax.random.split(jax.random.key(1), 1000)
  settings = AugmentSettings(joint_masking=settings)
  return jax.vmap(
    lambda key: augment.draw(key, settings, (16, 22), PENN).hidden_joints
  )(keys)


def test_shares_of_clips_and_of_joints():
  drawn = np.asarray(hidden(JointMaskingSettings(probability=0.3, share=0.25)))
  masked = drawn.any(axis=1)
  # A chosen clip keeps all 13 joints with probability 0.75^13, about 0.02.
  assert 0.24 < masked.mean() < 0.35
  # With 300 clips, a joint's share has a standard deviation of 0.025.
  shares = drawn[masked].mean(axis=0)
  assert shares.min() > 0.16
  assert shares.max() < 0.36
  correlation = np.corrcoef(drawn[masked].astype(float).T)
  assert abs(correlation - np.eye(13)).max() < 0.25


@pytest.mark.parametrize('share', [0.9, 1.0])
def test_one_joint_always_stays(share):
  drawn = np.asarray(hidden(JointMaskingSettings(share=share)))
  assert (~drawn).any(axis=1).all()
  stays = (~drawn).sum(axis=0)
  assert (stays > 30).all()  # Any joint may be the last.
  if share == 1:
    np.testing.assert_array_equal(drawn.sum(axis=1), 12)


def test_off_draws_nothing():
  for off in ({}, {'share': 0.5, 'probability': 0.0}):
    assert hidden(JointMaskingSettings(**off)) is None


@pytest.mark.parametrize('field', ['probability', 'share'])
@pytest.mark.parametrize('value', [-0.1, 1.5, float('nan')])
def test_settings_out_of_range_are_refused(field, value):
  message = rf'config\.augment\.joint_masking\.{field} is {value}; it is a share'
  with pytest.raises(ValueError, match=message):
    JointMaskingSettings(**{field: value})
