"""Our recipe for few clips: what changes every training clip, for any model."""

from __future__ import annotations

import ml_collections


def augment(config: ml_collections.ConfigDict):
  """Turns, stretches and scales the whole body, moves joints, and evens out classes.

  The map must fit the people (`config.data.crop = 'person'`): joint noise is a share of
  the map.
  """
  augment = config.augment
  augment.rotation = 15.0  # ours
  augment.scale = (0.85, 1.15)  # ours
  augment.aspect = (0.85, 1.15)  # ours
  # Ours: about 0.02 of the root mean square distance from a person's mean joint.
  augment.joint_noise = 0.006
  config.train.label_smoothing = 0.1  # ours
  config.train.logit_adjustment = 1.0  # ours: the balanced softmax
