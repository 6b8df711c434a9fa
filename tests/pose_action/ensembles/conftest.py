"""A tiny ensemble of a PA3D and a JMRN."""

import pytest
import tiny_run

from configs.shared import ensemble


def tiny_ensemble(data_dir, test_split='test'):
  """Both learn in few steps; validation clips are a fifth of 37."""
  jmrn = tiny_run.get_jmrn_config().unlock()
  jmrn.optimizer.plateau = ''
  jmrn.train.contrastive.ramp_start_epoch = 0
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.data_dir = jmrn.data.data_dir = str(data_dir)
  config.data.test_split = jmrn.data.test_split = test_split
  config.train.epochs = jmrn.train.epochs = 2
  ensemble.add_members(config, motion={}, joints=jmrn)
  return config


@pytest.fixture
def ensemble_config(data_dir):
  return tiny_ensemble(data_dir)
