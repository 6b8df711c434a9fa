"""Runs with a damaged checkpoint: what resumes, what is evaluated, what is refused."""

import json
import shutil

import pytest
import tiny_run
from collected_reads import collected, frozen_before  # noqa: F401

from pose_action.runtime import writers
from pose_action.training import experiment
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.saved_model import SavedModelError, load_model

BEST, LATER, LAST = 3, 10, 12  # Steps of the checkpoints that the run keeps.

pytestmark = [
  pytest.mark.usefixtures('no_tensorboard'),
  # Orbax's, when a read that it gave up is collected.
  pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning'),
]


@pytest.fixture
def config(config):
  config.train.checkpoint_every_steps = 2
  return config


@pytest.fixture(scope='module')
def finished(data_dir, tmp_path_factory, one_device):
  """A workdir of a run with falling validation figures, and its results."""
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.data_dir = str(data_dir)
  config.train.checkpoint_every_steps = 2
  save = Checkpoints.save

  def save_falling(self, step, state, iterator, run, validation, left_open=None):
    figure = None if validation is None else 1 / step
    save(self, step, state, iterator, run, figure, left_open)

  workdir = tmp_path_factory.mktemp('finished') / 'run'
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(writers, '_tensorboard_writer', lambda workdir: None)
    patch.setattr(Checkpoints, 'save', save_falling)
    results = experiment.train_and_evaluate(config, str(workdir), mesh=one_device)
  kept = {int(p.name) for p in workdir.glob('checkpoints/[0-9]*')}
  assert kept == {BEST, LATER, LAST}
  return workdir, results


@pytest.fixture
def workdir(finished, tmp_path):
  shutil.copytree(finished[0], tmp_path / 'run')
  return tmp_path / 'run'


def _damage_arrays(workdir, step):
  """Makes the arrays differ from what the digests say."""
  file = workdir / 'checkpoints' / str(step) / 'digests' / 'metadata'
  digests = json.loads(file.read_text())
  digests['arrays'] = dict.fromkeys(digests['arrays'], '0' * 64)
  file.write_text(json.dumps(digests))


def _damage_figure(workdir, step):
  (workdir / 'checkpoints' / str(step) / 'metrics' / 'metrics').write_text('{')


def _damage_list(workdir, step):
  file = workdir / 'checkpoints' / str(step) / 'state' / '_METADATA'
  file.write_text(file.read_text().replace('"value_type"', '"value_tyqe"'))


def test_an_evaluation_without_the_best_notes_it(workdir, config, one_device):
  _damage_arrays(workdir, BEST)
  results = experiment.train_and_evaluate(
    config, str(workdir), trains=False, mesh=one_device
  )
  assert {e['checkpoint'] for e in results['evaluations']} == {'last'}
  assert results['selection_rule'] == 'none: the last checkpoint'
  (note,) = results['notes']
  assert note.startswith('only the last checkpoint is evaluated, because the best, ')
  assert f'checkpoints/{BEST} is damaged: array ' in note


@pytest.mark.parametrize('damage', [_damage_arrays, _damage_list])
def test_a_run_resumes_without_its_best(damage, finished, workdir, config, one_device):
  """The best is not read before it is evaluated."""
  shutil.rmtree(workdir / 'checkpoints' / str(LAST))
  damage(workdir, BEST)
  results = experiment.train_and_evaluate(config, str(workdir), mesh=one_device)
  lines = tiny_run.metrics_without_speeds(workdir)
  assert lines == tiny_run.metrics_without_speeds(finished[0])
  (note,) = results['notes']
  assert f'checkpoints/{BEST} is damaged: ' in note
  of_last = [e for e in finished[1]['evaluations'] if e['checkpoint'] == 'last']
  assert results['evaluations'] == of_last


def test_a_run_without_the_figure_of_its_best(workdir, config, one_device, capsys):
  _damage_figure(workdir, BEST)
  results = experiment.train_and_evaluate(config, str(workdir), mesh=one_device)
  assert f'checkpoints/{BEST} is damaged: metrics/metrics' in capsys.readouterr().err
  assert {e['step'] for e in results['evaluations']} == {LAST}


@pytest.mark.parametrize('damage', [_damage_arrays, _damage_figure, _damage_list])
def test_the_best_is_not_predicted_with_but_the_last_is(damage, workdir, one_device):
  damage(workdir, BEST)
  with pytest.raises(SavedModelError) as error:
    load_model(workdir, mesh=one_device)
  assert f'checkpoints/{BEST} is damaged: ' in str(error.value)
  assert str(error.value).endswith(
    '; to predict with the last checkpoint, give --checkpoint=last'
  )
  assert load_model(workdir, checkpoint='last', mesh=one_device).step == LAST


@pytest.mark.parametrize('damage', [_damage_arrays, _damage_figure, _damage_list])
def test_a_damaged_last_checkpoint_is_trained_again(
  damage, finished, workdir, config, one_device, capsys
):
  damage(workdir, LAST)
  results = experiment.train_and_evaluate(config, str(workdir), mesh=one_device)
  said = capsys.readouterr()
  assert f'step {LATER} is the newest whole checkpoint' in said.err
  assert f'resuming from step {LATER} of {LAST}' in said.out
  lines = tiny_run.metrics_without_speeds(workdir)
  assert lines == tiny_run.metrics_without_speeds(finished[0])
  assert results['notes'] == []
