"""A whole ensemble in its workdir: files, figures, exact resume, predictions, refusals."""

import contextlib
import json
import shutil
import signal

import jax
import numpy as np
import pytest
import scipy.special
import tiny_run

import pose_action
from pose_action.ensembles import experiment, member_runs
from pose_action.evaluation import calibration
from pose_action.inference.ensemble_predictor import EnsemblePredictor
from pose_action.inference.prediction_table import PredictionTable
from pose_action.inference.predictor import Predictor, PredictorError
from pose_action.runtime import sharding, writers
from pose_action.runtime.stop_signals import StopSignals
from pose_action.training import experiment as single
from pose_action.training.loop import TrainingStopped
from pose_action.training.resume import ResumeError

MEMBERS = ('joints', 'motion')


@pytest.fixture(autouse=True, scope='module')
def quiet():
  """No TensorBoard, and the dtypes that optax mixes."""
  with pytest.MonkeyPatch.context() as patch, jax.numpy_dtype_promotion('standard'):
    patch.setattr(writers, '_tensorboard_writer', lambda workdir: None)
    yield


@pytest.fixture(scope='module')
def go():
  mesh = sharding.make_mesh(jax.devices()[:1])

  def train(config, workdir, **options):
    return experiment.train_and_evaluate(
      config.lock(), str(workdir), mesh=mesh, **options
    )

  return train


@pytest.fixture(scope='module')
def whole(tmp_path_factory, ensemble_config, go):
  """(workdir, results) of an ensemble that was not interrupted."""
  workdir = tmp_path_factory.mktemp('ensemble') / 'W'
  return workdir, go(ensemble_config(), workdir)


@contextlib.contextmanager
def signalled_at(polls, message):
  """Ctrl-C arrives before the given poll, counted over all members."""
  left = [polls]

  class Signals(StopSignals):
    def poll(self):
      left[0] -= 1
      return signal.SIGINT if left[0] <= 0 else 0

  with (
    pytest.MonkeyPatch.context() as patch,
    pytest.raises(TrainingStopped, match=message) as stopped,
  ):
    patch.setattr(single, 'StopSignals', Signals)
    yield
  assert stopped.value.exit_status == 130


def _scores(workdir, phase, split):
  files = [np.load(workdir / phase / m / f'scores_{split}.npz') for m in MEMBERS]
  assert files[0]['video_ids'].tolist() == files[1]['video_ids'].tolist()
  return np.stack([file['scores'].astype(float) for file in files]), files[0]


def test_the_workdir_holds_what_is_promised(whole):
  workdir, results = whole
  assert json.loads((workdir / 'results.json').read_text()) == results
  assert {path.name for path in workdir.iterdir()} == {
    'config.json',
    'confusion_matrix.csv',
    'confusion_matrix.png',
    'ensemble.json',
    'held_out',
    'members',
    'per_class.csv',
    'results.json',
    'scores_test.npz',
    'scores_validation.npz',
  }
  for phase in ('held_out', 'members'):
    assert {path.name for path in (workdir / phase).iterdir()} == set(MEMBERS)
  assert not (workdir / 'held_out' / 'joints' / 'scores_test.npz').exists()
  own = json.loads((workdir / 'members' / 'motion' / 'results.json').read_text())
  assert own['protocol'].startswith('trained on train, nothing held out; 2 views')


def test_the_headline_is_the_fused_test_split(whole):
  workdir, results = whole
  p, file = _scores(workdir, 'members', 'test')
  saved = json.loads((workdir / 'ensemble.json').read_text())
  weights = [saved['members'][name]['weight'] for name in MEMBERS]
  z = np.einsum('s,sbk->bk', weights, np.log(p)) / saved['temperature']
  fused = np.load(workdir / 'scores_test.npz')
  np.testing.assert_allclose(
    fused['scores'], scipy.special.softmax(z, axis=1), rtol=1e-5
  )
  assert fused['video_ids'].tolist() == file['video_ids'].tolist()
  assert results['headline'] == {'split': 'test', 'checkpoint': 'last'}
  entry = results['evaluations'][0]
  right = (z.argmax(axis=1) == file['labels']).mean()
  assert entry['accuracy'] == pytest.approx(right)
  (calibrated,) = results['calibration']
  uncalibrated = scipy.special.softmax(z * saved['temperature'], axis=1)
  assert calibrated['expected_calibration_error_before'] == pytest.approx(
    calibration.expected_calibration_error(uncalibrated, file['labels'])
  )
  after = calibrated['expected_calibration_error_after']
  assert after == entry['expected_calibration_error']
  assert calibrated['temperature'] == saved['temperature']


def test_members_are_beside_the_ensemble(whole):
  workdir, results = whole
  assert list(results['members']) == list(MEMBERS)
  for name, entry in results['members'].items():
    own = json.loads((workdir / 'members' / name / 'results.json').read_text())
    assert entry['test'] == own['evaluations'][0]
    assert entry['held_out']['split'] == 'validation'
    assert entry['held_out']['checkpoint'] == 'last'
    assert entry['folder'] == f'members/{name}'
  crossed = results['ensemble']['cross_validation']
  assert crossed['folds'] == 5
  better = crossed['fitted']['loss'] < crossed['equal']['loss']
  assert results['ensemble']['weights'] == ('fitted' if better else 'equal')
  chosen = crossed[results['ensemble']['weights']]
  validation = results['evaluations'][1]
  assert validation['accuracy'] == chosen['figure']
  assert 'cross-validated' in results['notes'][0]
  assert results['protocol'].startswith('ensemble of 2 (joints, motion), each trained')
  assert results['held_out']['held_out_clips'] == 8


def test_predictions_of_the_workdir_are_the_evaluations(whole):
  workdir, _ = whole
  model = pose_action.load(workdir)
  assert isinstance(model, EnsemblePredictor)
  assert model.class_names == tiny_run.CLASS_NAMES and model.step == 4
  saved = np.load(workdir / 'scores_test.npz')
  p, _ = _scores(workdir, 'members', 'test')
  source = tiny_run.source()
  clips = (source.load(str(name)) for name in saved['video_ids'][:5])
  for row, prediction in enumerate(model.predict(clips, batch_size=2)):
    assert prediction.video_id == saved['video_ids'][row]
    np.testing.assert_allclose(
      prediction.probabilities, saved['scores'][row], rtol=1e-5
    )
    assert list(prediction.members) == list(MEMBERS)
    for own, expected in zip(prediction.members.values(), p[:, row], strict=True):
      np.testing.assert_allclose(own, expected, rtol=1e-5)
    joints = model.members['joints'](source.load(prediction.video_id))
    np.testing.assert_allclose(
      prediction.joint_weights, joints.joint_weights, rtol=1e-6
    )
    assert prediction.joints == tiny_run.SKELETON.joints
  answer = prediction.class_names.index(prediction.label)
  first, second = (p[s, 4, answer] for s in (0, 1))
  _, row = PredictionTable((), prediction.class_names, 1).rows([prediction])
  assert f'  joints {first:.2f}, motion {second:.2f}' in row


@pytest.mark.long
def test_a_stop_anywhere_changes_nothing(
  whole, ensemble_config, go, tmp_path, monkeypatch
):
  """In a first member, in a later one's evaluation, in the second phase, in fusion."""
  workdir, results = whole
  with signalled_at(2, r'^held_out/joints: stopped at step 2; the same command'):
    go(ensemble_config(), tmp_path)
  with pytest.raises(PredictorError, match='whose training has not ended; the command'):
    Predictor.from_workdir(tmp_path)
  # One step, two evaluations, and one step of the second member.
  with signalled_at(5, r'^held_out/motion: stopped at step 2;'):
    go(ensemble_config(), tmp_path)
  with signalled_at(6, r'^members/joints: stopped at step 3;'):
    go(ensemble_config(), tmp_path)
  with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
    patch.setattr(experiment, 'write_fused_results', _interrupt)
    go(ensemble_config(), tmp_path)
  assert go(ensemble_config(), tmp_path) == results
  for name in ('ensemble.json', 'results.json', 'config.json'):
    assert (tmp_path / name).read_bytes() == (workdir / name).read_bytes()
  for phase in ('held_out', 'members'):
    for name in MEMBERS:
      metrics = (folder / phase / name for folder in (tmp_path, workdir))
      resumed, once = map(tiny_run.metrics_without_speeds, metrics)
      assert resumed == once


def _interrupt(*args):
  raise KeyboardInterrupt


def test_a_finished_ensemble_trains_nothing_again(whole, ensemble_config, go, tmp_path):
  workdir, results = whole
  shutil.copytree(workdir, tmp_path / 'W')
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(member_runs, 'train_and_evaluate', _interrupt)
    assert go(ensemble_config(), tmp_path / 'W') == results


def test_evaluating_again_changes_nothing(whole, go, tmp_path, data_dir, capsys):
  workdir, results = whole
  shutil.copytree(workdir, tmp_path / 'W')
  (tmp_path / 'W' / 'results.json').unlink()
  config = pose_action.training.saved_config.get_config(tmp_path / 'W' / 'config.json')
  capsys.readouterr()
  assert go(config, tmp_path / 'W', trains=False) == results
  printed = capsys.readouterr().out
  assert 'members/motion: tiny: trained on train' in printed and 'loss' not in printed
  assert (tmp_path / 'W' / 'results.json').read_bytes() == (
    workdir / 'results.json'
  ).read_bytes()


def test_without_a_test_split_the_figures_are_cross_validated(
  whole, ensemble_config, go, tmp_path
):
  workdir, before = whole
  shutil.copytree(workdir, tmp_path / 'W')
  results = go(ensemble_config(test_split=''), tmp_path / 'W')
  assert results['headline'] == {'split': 'validation', 'checkpoint': 'last'}
  assert results['evaluations'] == before['evaluations'][1:]
  assert 'test' not in results['members']['joints']
  assert results['calibration'][0]['split'] == 'validation'


def test_training_alone_leaves_the_test_split_untouched(
  whole, ensemble_config, go, tmp_path
):
  workdir, _ = whole
  shutil.copytree(workdir / 'held_out', tmp_path / 'held_out')
  shutil.copy(workdir / 'config.json', tmp_path)
  assert go(ensemble_config(), tmp_path, evaluates=False) is None
  assert not list(tmp_path.glob('members/*/scores*'))
  assert not (tmp_path / 'results.json').exists()
  assert (tmp_path / 'ensemble.json').read_bytes() == (
    workdir / 'ensemble.json'
  ).read_bytes()


def test_another_config_is_refused(whole, ensemble_config, config, go, tmp_path):
  workdir, _ = whole
  changed = ensemble_config()
  changed.optimizer.learning_rate = 0.5
  message = (
    r"^member 'motion': .* holds a run with other settings \(config\.optimizer\."
    r'learning_rate was 0\.05, now 0\.5\)'
  )
  with pytest.raises(ResumeError, match=message):
    go(changed, workdir)
  changed = ensemble_config()
  changed.members.third = {}
  message = r'an ensemble of joints, motion, but this config has joints, motion, third'
  with pytest.raises(ResumeError, match=message):
    go(changed, workdir)
  with pytest.raises(
    ResumeError, match=r'holds an ensemble, but this config has no mem'
  ):
    go(config, workdir)
  (tmp_path / 'checkpoints').mkdir()
  with pytest.raises(
    ResumeError, match=r'the run of a single model, but this config is'
  ):
    go(ensemble_config(), tmp_path)


def test_a_config_may_change_before_anything_is_trained(ensemble_config, go, tmp_path):
  config = ensemble_config()
  (tmp_path / 'config.json').write_text(json.dumps(config.to_dict()))
  (tmp_path / 'held_out' / 'joints' / 'checkpoints').mkdir(parents=True)
  config.optimizer.learning_rate = 0.5
  with pytest.raises(ResumeError, match='there is no trained ensemble in'):
    go(config, tmp_path, trains=False)


def test_faults_are_found_before_training(ensemble_config, go, tmp_path, capsys):
  with pytest.raises(
    ResumeError, match=r'^there is no trained ensemble in .*; train fi'
  ):
    go(ensemble_config(), tmp_path / 'W', trains=False)
  wrong = ensemble_config()
  wrong.members.joints.train = {'loss': 'binary_cross_entropy'}
  message = (
    r"^member 'joints': config\.train\.loss is 'binary_cross_entropy', but clips"
  )
  with pytest.raises(ValueError, match=message):
    go(wrong, tmp_path / 'W')
  assert not (tmp_path / 'W' / 'config.json').exists()
