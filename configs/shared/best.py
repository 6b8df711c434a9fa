"""Shared by configs/best_*.py: several networks on the same joints, fused as one.

Each member is an experiment of its own (`ddnet_*`, `pa3d_*`, `jmrn_*`), in our setting
for few clips. What differs between data sets is only which experiments are taken.
"""

from __future__ import annotations

import ml_collections

from configs.shared import ensemble

# Fields on which all members agree, see pose_action/ensembles/members.py.
_SHARED = (
  'dataset',
  'train_split',
  'test_split',
  'validation_fold',
  'max_persons',
)


def fuse(
  config: ml_collections.ConfigDict, **members: ml_collections.ConfigDict
) -> ml_collections.ConfigDict:
  """Makes an ensemble of `config`, called 'trajectories', and further members.

  Args:
    config: the first member, unlocked; its data set, splits and people are everyone's.
    **members: whole configs by name.

  Returns:
    The ensemble's config, locked.
  """
  others = {}
  for name, member in members.items():
    others[name] = ml_collections.ConfigDict(member.to_dict())
    for field in _SHARED:
      others[name].data[field] = config.data[field]
  for each in (config, *others.values()):
    # Ours: nothing is chosen while members train.
    each.train.eval_every_epochs = max(1, each.train.epochs // 2)
  ensemble.add_members(config, trajectories={}, **others)
  return config.lock()


def another_seed(config: ml_collections.ConfigDict) -> ml_collections.ConfigDict:
  """The same experiment with the next seed: another member of the same kind."""
  other = ml_collections.ConfigDict(config.to_dict())
  other.seed = config.seed + 1
  return other
