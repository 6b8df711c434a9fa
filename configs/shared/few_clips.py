"""Our recipe for few clips, for any model, and the options that choose it.

`small` is a network and maps for two cores. `quick` adds what pays for the model on clips
from new sources (docs/results.md), `tuned` also what pays only where classes are thin.
"""

from __future__ import annotations

import ml_collections

SETTINGS = ('small', 'quick', 'tuned')


def chosen(args: ml_collections.ConfigDict) -> str:
  """The one of `SETTINGS` that the options give, or ''.

  Raises:
    ValueError: if they give more than one.
  """
  given = [name for name in SETTINGS if args.get(name)]
  if len(given) > 1:
    raise ValueError(
      f'config string gives {" and ".join(given)}, of which each includes the one before;'
      f' give only {given[-1]}'
    )
  return given[0] if given else ''


def check_keypoints(setting: str, representation: str):
  """Raises ValueError for a representation whose maps cannot be fitted to the people."""
  if representation not in ('', 'keypoints'):
    raise ValueError(
      f"'{setting}' fits the map to the people and needs keypoints; leave out"
      f' representation={representation}'
    )


def augment(config: ml_collections.ConfigDict):
  """Turns and stretches the whole body, and moves joints.

  The map must fit the people (`config.data.crop = 'person'`): joint noise is a share of
  the map.
  """
  augment = config.augment
  augment.rotation = 15.0  # ours
  augment.aspect = (0.85, 1.15)  # ours
  # Ours: about 0.02 of the root mean square distance from a person's mean joint.
  augment.joint_noise = 0.006


def even_out_classes(config: ml_collections.ConfigDict):
  """Favours no class for having many training clips."""
  config.train.logit_adjustment = 1.0  # ours: the balanced softmax
