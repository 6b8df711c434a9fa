"""Who is present, and one vector for all people of a clip."""

import jax.numpy as jnp
import numpy as np

from ddnet_jax.people import maximum_over_people, mean_over_people, present_people

# Two people, then the first alone, then nobody.
PRESENT = jnp.array([[True, True], [True, False], [False, False]])
VALUES = jnp.array([[[1.0, -4], [3, -6]], [[-1, -2], [9, 9]], [[9, 9], [9, 9]]])


def test_a_person_is_present_with_one_joint_in_one_frame():
  scores = np.zeros((1, 3, 4, 5), np.float32)
  scores[0, 0, 2, 3] = 0.1
  scores[0, 2] = 1
  assert present_people(jnp.array(scores)).tolist() == [[True, False, True]]


def test_maximum_reads_only_people_present():
  found = maximum_over_people(VALUES, PRESENT)
  assert found.tolist() == [[3, -4], [-1, -2], [0, 0]]


def test_mean_reads_only_people_present():
  found = mean_over_people(VALUES, PRESENT)
  assert found.tolist() == [[2, -5], [-1, -2], [0, 0]]
