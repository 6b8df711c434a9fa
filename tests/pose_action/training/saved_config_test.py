"""The config of a run, back from JSON."""

import json

import pytest

from pose_action.training.saved_config import get_config


def test_the_config_is_as_it_was_before_it_was_saved(config, tmp_path):
  (tmp_path / 'config.json').write_text(json.dumps(config.to_dict()))
  restored = get_config(tmp_path / 'config.json')
  assert restored.to_dict() == config.to_dict()
  assert restored.is_locked


def test_other_json_is_refused(tmp_path):
  (tmp_path / 'results.json').write_text('{"headline": {}}')
  with pytest.raises(ValueError, match=r'results\.json does not hold the config of a'):
    get_config(tmp_path / 'results.json')
