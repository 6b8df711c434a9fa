"""The class that is no action, from a run's checkpoint to its bouts."""

import tiny_run
import untrained_run

from pose_action.inference.predictor import Predictor

CLASSES = ('wave', 'sit', 'rest')


def _background(folder, config, **described):
  untrained_run.write_workdir(folder, config, tiny_run.SKELETON, CLASSES, **described)
  model = Predictor.from_workdir(folder)
  timeline = model.timeline(tiny_run.source().load('test_500'), window=4)
  assert timeline.background == model.background_class
  return model.background_class


def test_a_checkpoint_names_it(config, tmp_path):
  assert _background(tmp_path, config, background_class='rest') == 'rest'


def test_runs_of_earlier_releases_state_it_in_their_config(config, tmp_path):
  assert _background(tmp_path / 'none', config) == ''
  config.data.segments.background = 'rest'
  assert _background(tmp_path / 'stated', config) == 'rest'
