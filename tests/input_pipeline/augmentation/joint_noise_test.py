"""Displacements of single joints: their spread, and what they depend on."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.augmentation import augment, joint_noise
from input_pipeline.augmentation.augment import AugmentSettings
from input_pipeline.augmentation.joint_noise import JointNoise
from input_pipeline.skeletons.registry import get_skeleton

PENN = get_skeleton('penn_action')


@functools.partial(jax.jit, static_argnums=0)
def displacements(settings):
  """Returns 50 draws for 20 frames and 13 joints on 64 × 86 cells."""
  keys = jax.random.split(jax.random.key(2), 50)

  def one(key):
    drawn = augment.draw(key, settings, (64, 86), PENN)
    return joint_noise.displacements(drawn.noise, 20, 13)

  return jax.vmap(one)(keys)


def test_displacements_are_gaussian_shares_of_the_map_s_sides():
  drawn = np.asarray(displacements(AugmentSettings(joint_noise=0.02)))
  assert drawn.shape == (50, 20, 13, 2)
  x, y = drawn[..., 0].ravel(), drawn[..., 1].ravel()
  np.testing.assert_allclose([x.std(), y.std()], [1.72, 1.28], rtol=0.03)
  assert abs(x.mean()) < 0.05
  # A Gaussian has 68.3 % of its values within one standard deviation, and 95.4 in two.
  for values, deviation in ((x, 1.72), (y, 1.28)):
    inside = [(abs(values) < n * deviation).mean() for n in (1, 2)]
    np.testing.assert_allclose(inside, [0.683, 0.954], atol=0.02)


def test_frames_joints_axes_and_draws_are_independent():
  drawn = np.asarray(displacements(AugmentSettings(joint_noise=0.02)))
  columns = drawn[:, :4, :4].reshape(50, -1)
  assert abs(np.corrcoef(columns.T) - np.eye(32)).max() < 0.65  # 4.5 deviations
  values = drawn.ravel()
  for lag in (1, 2, 13 * 2, 20 * 13 * 2):  # Next axis, joint, frame and draw.
    assert abs(np.corrcoef(values[:-lag], values[lag:])[0, 1]) < 0.03


def test_the_same_key_gives_the_same_displacements():
  noise = JointNoise(key=jax.random.key(0), deviation=jnp.array([1.0, 0.0]))
  first = joint_noise.displacements(noise, 3, 5)
  np.testing.assert_array_equal(first, joint_noise.displacements(noise, 3, 5))
  np.testing.assert_array_equal(first[..., 1], 0)
  assert (first[..., 0] != 0).all()


def test_off_draws_nothing():
  drawn = augment.draw(jax.random.key(0), AugmentSettings(), (64, 86), PENN)
  assert drawn.noise is None


@pytest.mark.parametrize('value', [-0.1, float('nan'), float('inf')])
def test_settings_out_of_range_are_refused(value):
  message = rf"config\.augment\.joint_noise is {value}; it is a share of the map's side"
  with pytest.raises(ValueError, match=message):
    AugmentSettings(joint_noise=value)
