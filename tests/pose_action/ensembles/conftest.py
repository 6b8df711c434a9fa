"""A tiny ensemble of a JMRN and a PA3D on the tiny data set."""

import pytest
import tiny_run

from configs.shared import ensemble


@pytest.fixture(scope='session')
def ensemble_config(data_dir):
  """Returns the config, unlocked; the members make three steps, or four on all clips.

  Neither has dropout, plateaus or several views, which only make compiling slower.
  """

  def make(test_split='test', folder=data_dir):
    config = tiny_run.get_config().copy_and_resolve_references().unlock()
    config.data.data_dir = str(folder)
    config.data.test_split = test_split
    config.train.epochs = 1
    config.train.log_every_steps = 1
    jmrn = tiny_run.get_jmrn_config().copy_and_resolve_references().unlock()
    jmrn.data.data_dir = str(folder)
    jmrn.data.test_split = test_split
    jmrn.train.epochs = 1
    jmrn.train.contrastive.weight = 0.0
    jmrn.train.log_every_steps = 1
    jmrn.augment.views = 1
    jmrn.optimizer.name = 'sgd'
    jmrn.optimizer.plateau = ''
    ensemble.add_members(config, motion={}, joints=jmrn)
    return config

  return make
