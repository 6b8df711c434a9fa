"""Calibrated predictions of a single run."""

import json

import numpy as np
import pytest
import tiny_run
import untrained_run

from pose_action.evaluation.calibration import with_temperature
from pose_action.inference.errors import PredictorError
from pose_action.inference.predictor import Predictor
from pose_action.inference.saved_temperature import saved_temperature


def _results(folder):
  entries = [
    {'checkpoint': 'last', 'step': 12, 'temperature': 2.0},
    {'checkpoint': 'best', 'step': 12, 'temperature': 3.0},
    {'checkpoint': 'best', 'step': 0, 'temperature': 4.0},
  ]
  (folder / 'results.json').write_text(json.dumps({'calibration': entries}))


def test_the_temperature_is_of_the_checkpoint(tmp_path):
  _results(tmp_path)
  assert saved_temperature(tmp_path, ('best', 'last'), 12) == 3.0
  assert saved_temperature(tmp_path, ('last',), 12) == 2.0
  message = r'eval\.calibrate is set, but .*results\.json has no temperature for step 5'
  with pytest.raises(PredictorError, match=message):
    saved_temperature(tmp_path, ('best', 'last'), 5)
  (tmp_path / 'results.json').write_text('{}')
  with pytest.raises(PredictorError, match='no temperature'):
    saved_temperature(tmp_path, ('last',), 12)
  with pytest.raises(PredictorError, match='no temperature'):
    saved_temperature(tmp_path / 'nowhere', ('last',), 12)


def test_predictions_use_it_where_the_config_says_so(config, tmp_path):
  clip = tiny_run.source().load('test_500')
  found = {}
  for calibrate in (False, True):
    config.eval.calibrate = calibrate
    folder = tmp_path / str(calibrate)
    folder.mkdir()
    untrained_run.write_workdir(folder, config, tiny_run.SKELETON, tiny_run.CLASS_NAMES)
    _results(folder)
    found[calibrate] = Predictor.from_workdir(folder)(clip).probabilities
  scaled = with_temperature(found[False][None], 4.0, multi_label=False)[0]
  np.testing.assert_allclose(found[True], scaled, rtol=1e-6)
  assert found[True].dtype == np.float32
