"""A run's config is restored from JSON."""

import json

import pytest

from pose_action.host.nested import flattened
from pose_action.training.saved_config import get_config


def test_the_config_is_as_it_was_before_it_was_saved(config, tmp_path):
  (tmp_path / 'config.json').write_text(json.dumps(config.to_dict()))
  restored = get_config(tmp_path / 'config.json')
  fields = flattened(restored.to_dict())
  assert fields.items() >= flattened(config.to_dict()).items()
  assert restored.is_locked


def test_a_missing_field_has_its_past_default(config, tmp_path):
  saved = config.to_dict()
  saved['data'].pop('crop')
  saved.pop('augment')
  (tmp_path / 'config.json').write_text(json.dumps(saved))
  restored = get_config(tmp_path / 'config.json')
  assert restored.data.crop == 'frame'
  assert restored.augment.scale == (0.9, 1.1)


def test_other_json_is_refused(tmp_path):
  (tmp_path / 'results.json').write_text('{"headline": {}}')
  with pytest.raises(ValueError, match=r"results\.json does not hold a run's config"):
    get_config(tmp_path / 'results.json')
