"""Visibility flags as scores."""

import numpy as np

from input_pipeline.readers.visibility import scores_of_flags


def test_flags_become_scores_and_scores_stay():
  np.testing.assert_array_equal(
    scores_of_flags(np.array([0, 1, 2, np.nan])), [0, 0.5, 1, np.nan]
  )
  for scores in ([0, 1, 1], [0.2, 2, 1], [np.nan, 1]):
    np.testing.assert_array_equal(scores_of_flags(np.array(scores)), scores)
