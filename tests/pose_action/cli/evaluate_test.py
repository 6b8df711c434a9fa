"""`pose-action evaluate` on the workdir of a tiny run."""

import json
import sys

import pytest
import tiny_run
import untrained_run

from pose_action.cli import evaluate
from pose_action.cli.launch import program
from pose_action.training.fold_rule import with_fold_rule


@pytest.fixture
def workdir(config, tmp_path):
  """A workdir with one checkpoint, of an untrained PA3D, and the run's config."""
  config = with_fold_rule(config, tmp_path)
  untrained_run.write_workdir(
    tmp_path / 'run', config, tiny_run.SKELETON, tiny_run.CLASS_NAMES
  )
  (tmp_path / 'run' / 'config.json').write_text(json.dumps(config.to_dict()))
  return tmp_path / 'run'


@pytest.fixture
def call(monkeypatch, capsys):
  """Calls the program; returns its exit status and what it printed."""
  monkeypatch.setattr(sys, 'argv', ['pose-action'])

  def run(*flags):
    status = 0
    try:
      program.run('evaluate', [*map(str, flags)])
    except SystemExit as stopped:
      status = stopped.code
    out, err = capsys.readouterr()
    return status, out + err

  return run


# ml_collections loads config files in a way that Python will drop.
@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_evaluates_with_the_config_of_the_run(call, workdir, no_tensorboard):
  status, printed = call(f'--workdir={workdir}', '--config.eval.batch_size=16')
  assert status == 0, printed
  results = json.loads((workdir / 'results.json').read_text())
  splits = [(entry['split'], entry['step']) for entry in results['evaluations']]
  assert splits == [('validation', 0), ('test', 0)]
  assert 'tiny: trained on train, fold 0 of 5' in printed
  assert [folder.name for folder in (workdir / 'checkpoints').iterdir()] == ['0']


@pytest.mark.filterwarnings('ignore:the load_module:DeprecationWarning')
def test_what_the_training_depends_on_must_not_change(call, workdir, no_tensorboard):
  status, printed = call('--workdir', workdir, '--config.optimizer.learning_rate=1')
  assert status == 1
  assert 'config.optimizer.learning_rate was 0.05, now 1' in printed
  assert not (workdir / 'results.json').exists()


def test_a_folder_without_a_run(call, tmp_path):
  status, printed = call(f'--workdir={tmp_path}')
  assert status == 1
  assert f'error: {tmp_path}/config.json does not exist; give the --workdir' in printed
  status, printed = call()
  assert status == 1
  assert 'error: --workdir is missing: Folder of a run' in printed


def test_a_given_config_goes_before_the_saved_one(workdir):
  args = [f'--workdir={workdir}', '--config=demo']
  assert evaluate.before_parsing(args)[1].endswith('configs/demo.py')
