"""Calibrated predictions of a single run."""

import json

import numpy as np
import pytest
import tiny_run
import untrained_run

from pose_action.evaluation.calibration import with_temperature
from pose_action.inference.errors import PredictorError
from pose_action.inference.prediction import NONE_OF_THESE
from pose_action.inference.prediction_files import as_dict
from pose_action.inference.prediction_table import PredictionTable
from pose_action.inference.predictor import Predictor
from pose_action.inference.saved_temperature import saved_temperature, saved_threshold


def _results(folder):
  entries = [
    {'checkpoint': 'last', 'step': 12, 'temperature': 2.0},
    {'checkpoint': 'best', 'step': 12, 'temperature': 3.0},
    {'checkpoint': 'best', 'step': 0, 'temperature': 4.0},
  ]
  threshold = {'threshold': 0.9, 'calibrated_threshold': 0.4}
  thresholds = [
    {'checkpoint': 'best', 'step': 0, **threshold},
    {'checkpoint': 'last', 'step': 12, 'threshold': 0.2, 'calibrated_threshold': 0.1},
  ]
  content = {'calibration': entries, 'abstention': thresholds}
  (folder / 'results.json').write_text(json.dumps(content))


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


def test_the_threshold_is_of_the_checkpoint(tmp_path):
  _results(tmp_path)
  assert saved_threshold(tmp_path, ('best', 'last'), 0) == 0.9
  assert saved_threshold(tmp_path, ('best', 'last'), 0, calibrated=True) == 0.4
  assert saved_threshold(tmp_path, ('last',)) == 0.2
  with pytest.raises(
    PredictorError, match=r'no threshold for "none of these" for step 5'
  ):
    saved_threshold(tmp_path, ('last',), 5)
  (tmp_path / 'results.json').write_text('{}')
  with pytest.raises(
    PredictorError, match='no threshold for "none of these"; a run on'
  ):
    saved_threshold(tmp_path, ('last',))


def test_a_model_that_abstains_says_none_of_these(config, tmp_path):
  clip = tiny_run.source().load('test_500')
  untrained_run.write_workdir(tmp_path, config, tiny_run.SKELETON, tiny_run.CLASS_NAMES)
  with pytest.raises(PredictorError, match='no threshold'):
    Predictor.from_workdir(tmp_path, abstain=True)
  plain = Predictor.from_workdir(tmp_path)
  assert plain.timeline(clip, window=8).rule.threshold == 0.5
  _results(tmp_path)
  always = Predictor.from_workdir(tmp_path)(clip)
  assert always.label in tiny_run.CLASS_NAMES
  model = Predictor.from_workdir(tmp_path, abstain=True)
  assert model.threshold == 0.9
  prediction = model(clip)
  assert prediction.label == NONE_OF_THESE
  assert prediction.top(1)[0][0] == always.label
  np.testing.assert_array_equal(prediction.probabilities, always.probabilities)
  table = PredictionTable([clip.video_id], prediction.class_names, top=1)
  _, line = table.rows([prediction])
  assert line.endswith('  none of these (all below 90.0%)')
  stored = as_dict(prediction)
  assert stored['label'] == NONE_OF_THESE
  assert stored['probability'] == max(stored['probabilities'].values())
  # That of a model that always answers begins its bouts there, too.
  plain = Predictor.from_workdir(tmp_path)
  assert plain.threshold is None
  assert plain.timeline(clip, window=8).rule.threshold == 0.9
  # A timeline takes the threshold for its bouts: an untrained model has none above it.
  assert model.timeline(clip, window=8).rule.threshold == 0.9
  assert model.timeline(clip, window=8).bouts == ()
