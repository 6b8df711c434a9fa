"""`small`, `quick` and `tuned`: the experiments' settings for two cores."""

import numpy as np
import pytest

from configs.shared.few_clips import SETTINGS
from tests.configs.configs_test import EXPERIMENTS, config_of, options_of

SMALL = [name for name in EXPERIMENTS if 'small' in options_of(name)]
OF_TWO_CORES = [(name, s) for name in SMALL for s in SETTINGS if s in options_of(name)]


@pytest.mark.parametrize(('experiment', 'setting'), OF_TWO_CORES)
def test_settings_for_two_cores_are_smaller_and_the_same_protocol(experiment, setting):
  whole, small = config_of(experiment), config_of(experiment, setting)
  assert np.prod(small.data.map_size) * 4 < np.prod(whole.data.map_size)
  features = zip(small.model.features, whole.model.features, strict=True)
  assert all(narrow * 2 <= wide for narrow, wide in features)
  assert small.train.epochs < whole.train.epochs
  assert small.eval.to_dict() == whole.eval.to_dict()
  for field in ('train_split', 'test_split', 'validation_fold', 'validation_folds'):
    assert small.data[field] == whole.data[field]


@pytest.mark.parametrize('experiment', SMALL)
def test_small_quick_and_tuned_each_add_to_the_one_before(experiment):
  pa3d = experiment.startswith('pa3d')
  share = {'small': 0.0, 'quick': 0.5 if pa3d else 1.0, 'tuned': 1.0}
  small = config_of(experiment, 'small')
  for setting in (s for name, s in OF_TWO_CORES if name == experiment):
    config = config_of(experiment, setting)
    assert config.train.logit_adjustment == share[setting]
    assert config.augment.rotation == (0.0 if setting == 'small' else 15.0)
    assert config.augment.mixup == (0.2 if setting == 'tuned' else 0.0)
    assert config.model == small.model
    assert config.optimizer == small.optimizer


@pytest.mark.parametrize('experiment', SMALL)
def test_only_one_of_them_is_given(experiment):
  with pytest.raises(ValueError, match=r'gives small and quick, .* give only quick'):
    config_of(experiment, 'quick,small')


@pytest.mark.parametrize(
  ('experiment', 'setting', 'representation'),
  [
    (experiment, setting, representation)
    for experiment, setting in OF_TWO_CORES
    for representation in options_of(experiment)['representation']
    if 'keypoints' not in representation
  ],
)
def test_small_settings_and_stored_maps_exclude_each_other(
  experiment, setting, representation
):
  with pytest.raises(ValueError, match=f"'{setting}' .* needs keypoints"):
    config_of(experiment, f'{setting},{representation}')
