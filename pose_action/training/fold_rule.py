"""The version of the fold rule for a run, new or begun by an earlier release."""

from __future__ import annotations

import pathlib

import ml_collections

from input_pipeline.catalog.holdout import FOLD_RULE
from pose_action.training.saved_config import get_config


def with_fold_rule(
  config: ml_collections.ConfigDict, workdir: pathlib.Path
) -> ml_collections.ConfigDict:
  """The config with the version of the fold rule if it leaves that open.

  A run that an earlier version began goes on with its own folds.

  Args:
    config: a run's config; `data.fold_rule` 0 is open.
    workdir: the run's folder, which may hold the run's config.json.
  """
  if config.data.fold_rule:
    return config
  try:
    rule = get_config(workdir / 'config.json').data.fold_rule
  except (OSError, ValueError):
    rule = FOLD_RULE
  config = ml_collections.ConfigDict(config.to_dict())
  config.data.fold_rule = rule or FOLD_RULE
  return config.lock()
