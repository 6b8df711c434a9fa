"""Visibility as annotators state it: 0 not labelled, 1 hidden, 2 visible."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

# The score of a joint that is labelled although it is hidden (our choice).
HIDDEN_SCORE = 0.5


def scores_of_flags(scores: Float[np.ndarray, '*b']) -> Float[np.ndarray, '*b']:
  """Converts scores that are all 0, 1 or 2, and some 2, to 0, 0.5 or 1; keeps others.

  Args:
    scores: all scores of a file; NaN where one is missing.
  """
  stated = scores[np.isfinite(scores)]
  if not (stated == 2).any() or not np.isin(stated, (0, 1, 2)).all():
    return scores
  return np.select([scores == 2, scores == 1], [1.0, HIDDEN_SCORE], scores)
