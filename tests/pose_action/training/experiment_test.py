"""A whole experiment in its workdir: files, exact resume, refusals."""

import contextlib
import csv
import importlib.util
import json
import shutil

import numpy as np
import pytest
import tiny_run
from interrupted_run import latest_step, run, saved_bits, signalled_at, stopped_after

from configs.shared import jmrn_model
from pose_action.evaluation import calibration, metrics
from pose_action.runtime import writers
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.resume import ResumeError
from pose_action.training.step import TrainingDiverged

LAST_STEP = 12


def _settings(config):
  """All random features, a plateau that drops, and checkpoints between evaluations."""
  config.optimizer.plateau = 'accuracy'
  config.optimizer.plateau_patience = 1
  config.train.checkpoint_every_steps = 2
  return config


@pytest.fixture
def config(config):
  return _settings(config)


@pytest.fixture(scope='module')
def whole(tmp_path_factory, data_dir, one_device):
  """(workdir, results) of an uninterrupted run with TensorBoard."""
  workdir = tmp_path_factory.mktemp('whole') / 'run'
  config = _settings(tiny_run.get_config().unlock())
  config.data.data_dir = str(data_dir)
  results = run(config, workdir, one_device)
  assert tiny_run.metrics_without_speeds(workdir)[-1]['step'] == LAST_STEP
  return workdir, results


@pytest.fixture(scope='module')
def published(tmp_path_factory, data_dir, one_device):
  """(config, workdir, results) of a JMRN selected on the test split."""
  config = tiny_run.get_jmrn_config().unlock()
  config.data.data_dir = str(data_dir)
  config.train.checkpoint_every_steps = 2
  jmrn_model.as_published(config)
  workdir = tmp_path_factory.mktemp('published') / 'run'
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(writers, '_tensorboard_writer', lambda workdir: None)
    return config, workdir, run(config, workdir, one_device)


def test_a_run_leaves_what_is_promised(whole, config):
  workdir, results = whole
  names = {path.name for path in workdir.iterdir()}
  events = {name for name in names if name.startswith('events.out.tfevents')}
  if importlib.util.find_spec('tensorboard') is not None:
    assert len(events) == 1
  assert names - events == {
    'checkpoints',
    'config.json',
    'metrics.jsonl',
    'results.json',
    'per_class.csv',
    'confusion_matrix.csv',
    'confusion_matrix.png',
    'sample_maps.png',
    'motion_maps.png',
    'scores_validation.npz',
    'scores_validation_best.npz',
    'scores_test.npz',
    'scores_test_best.npz',
  }
  written = json.loads((workdir / 'config.json').read_text())
  assert written['optimizer'] == config.optimizer.to_dict() | {'decay_epochs': []}
  assert json.loads((workdir / 'results.json').read_text()) == results
  assert [(e['split'], e['checkpoint']) for e in results['evaluations']] == [
    ('validation', 'last'),
    ('test', 'last'),
    ('validation', 'best'),
    ('test', 'best'),
  ]
  scores = np.load(workdir / 'scores_test.npz')
  assert scores['scores'].shape == (tiny_run.NUM_TEST, 3)
  assert scores['class_names'].tolist() == list(tiny_run.CLASS_NAMES)
  np.testing.assert_allclose(scores['scores'].sum(axis=1), 1, atol=1e-5)


def test_the_last_evaluation_is_that_of_training(whole):
  workdir, results = whole
  lines = tiny_run.metrics_without_speeds(workdir)
  during = [line for line in lines if 'validation/accuracy' in line]
  assert [line['step'] for line in during] == [3, 6, 9, 12]
  last = results['evaluations'][0]
  assert last['accuracy'] == during[-1]['validation/accuracy']
  best = max(during, key=lambda line: (line['validation/accuracy'], line['step']))
  chosen = results['evaluations'][2]
  assert chosen['step'] == best['step']
  assert chosen['accuracy'] == best['validation/accuracy']


def test_results_say_what_a_temperature_from_held_out_clips_does(whole):
  workdir, results = whole
  last, best = results['calibration']
  assert (last['checkpoint'], best['checkpoint']) == ('last', 'best')
  held_out, test = (
    np.load(workdir / f'scores_{split}_best.npz') for split in ('validation', 'test')
  )
  temperature = calibration.fit_temperature(held_out['scores'], held_out['labels'])
  assert best['temperature'] == temperature
  assert (best['fitted_on'], best['split']) == ('validation', 'test')
  before = calibration.expected_calibration_error(test['scores'], test['labels'])
  assert best['expected_calibration_error_before'] == before
  assert results['evaluations'][3]['expected_calibration_error'] == before


def test_results_say_when_to_answer_none_of_these(whole):
  workdir, results = whole
  last, best = results['abstention']
  assert (last['checkpoint'], best['checkpoint']) == ('last', 'best')
  held_out = np.load(workdir / 'scores_validation_best.npz')
  scores, labels = held_out['scores'], held_out['labels']
  right = scores.argmax(axis=1) == labels
  # At most 7 clips are right, and 95 % of 7 rounds up to all of them.
  assert best['threshold'] == pytest.approx(scores.max(axis=1)[right].min(), rel=1e-5)


def test_a_checkpoint_describes_its_run(whole):
  with contextlib.closing(Checkpoints(whole[0])) as checkpoints:
    description = checkpoints.run_description(LAST_STEP)
  assert description['class_names'] == list(tiny_run.CLASS_NAMES)
  assert description['skeleton']['joints'] == list(tiny_run.SKELETON.joints)
  assert description['config']['data']['dataset'] == 'tiny'
  assert description['clip_times']['num_frames'][2] == tiny_run.NUM_FRAMES


def test_resuming_is_exact(
  whole, config, tmp_path, one_device, program, no_tensorboard, capsys
):
  """Stopped before the first checkpoint, right after one, and between two."""
  workdir, results = whole
  latest = []
  for steps in (1, 4, 3):
    with stopped_after(steps):
      run(config, tmp_path, one_device)
    latest.append(latest_step(tmp_path))
  assert latest == [None, 4, 6]
  assert run(config, tmp_path, one_device) == results
  assert 'resuming from step 6 of 12' in capsys.readouterr().out

  lines = tiny_run.metrics_without_speeds(tmp_path)
  assert lines == tiny_run.metrics_without_speeds(workdir)
  rates = [line['train/learning_rate'] for line in lines if 'train/loss' in line]
  assert len(set(rates)) == len(rates)
  assert saved_bits(tmp_path, program, LAST_STEP) == saved_bits(
    workdir, program, LAST_STEP
  )


def test_a_stop_at_any_moment_changes_nothing(
  whole, config, tmp_path, one_device, program, no_tensorboard
):
  """Before a log, in an evaluation, in its repetition, after a save, and at the end."""
  for poll, step in ((1, 1), (2, 3), (1, 3), (2, 4), (12, 12)):
    with signalled_at(poll, f'stopped at step {step}; the same command resumes'):
      run(config, tmp_path, one_device)
    assert latest_step(tmp_path) == step
  workdir, results = whole
  assert run(config, tmp_path, one_device) == results
  lines = tiny_run.metrics_without_speeds(tmp_path)
  assert lines == tiny_run.metrics_without_speeds(workdir)
  assert saved_bits(tmp_path, program, LAST_STEP) == saved_bits(
    workdir, program, LAST_STEP
  )


def test_jmrn_resumes_exactly(
  published, tmp_path, one_device, jmrn_program, no_tensorboard
):
  """While λ starts to rise; with two views, moved joints, dropout and Adam."""
  config, workdir, results = published
  with stopped_after(9):
    run(config, tmp_path, one_device)
  assert latest_step(tmp_path) == 8
  assert run(config, tmp_path, one_device) == results
  lines = tiny_run.metrics_without_speeds(tmp_path)
  assert lines == tiny_run.metrics_without_speeds(workdir)
  assert all(
    line['train/contrastive_loss'] > 0 for line in lines if 'train/loss' in line
  )
  last = 16  # Training uses all 37 clips: four steps per epoch.
  assert saved_bits(tmp_path, jmrn_program, last) == saved_bits(
    workdir, jmrn_program, last
  )


def test_selected_on_the_test_split_and_said_so(published):
  _, workdir, results = published
  entries = results['evaluations']
  # It is the validation split too, but is evaluated only once per checkpoint.
  assert [(e['split'], e['checkpoint']) for e in entries] == [
    ('test', 'last'),
    ('test', 'best'),
  ]
  assert entries[1]['selected_on_this_split']
  assert results['headline'] == {'split': 'test', 'checkpoint': 'last'}
  assert 'calibration' not in results  # No training clip is held out.
  assert results['notes'] == [
    'same as published: test chose the best checkpoint and lowered the learning rate (by its'
    ' loss), so its figures are optimistic'
  ]
  assert results['protocol'] == (
    'trained on train, validated on test; whole videos, at most 8 frames each; seed 0'
  )
  assert json.loads((workdir / 'results.json').read_text()) == results


def test_a_jmrn_run_leaves_its_joint_weights(published):
  _, workdir, _ = published
  found = {path.name for path in workdir.glob('joint_weights*')}
  assert found == {
    'joint_weights.csv',
    'joint_weights_per_class.csv',
    'joint_weights.png',
    'joint_weights_skeleton.png',
  }
  assert not (workdir / 'motion_maps.png').exists()
  heading, *rows = csv.reader((workdir / 'joint_weights.csv').read_text().splitlines())
  assert heading == ['video_id', 'class', *tiny_run.SKELETON.joints]
  scores = np.load(workdir / 'scores_test.npz')
  assert [row[0] for row in rows] == scores['video_ids'].tolist()
  weights = np.array([row[2:] for row in rows], float)
  assert ((weights > 0) & (weights < 1)).all()
  assert np.ptp(weights, axis=0).min() > 0  # Each clip has its own weights.


def test_nothing_is_noted_of_a_run_that_held_clips_out(whole):
  workdir, results = whole
  assert results['notes'] == []
  assert 'fold 0 of 5 held out; 2 views of 4 frames per video' in results['protocol']
  assert not list(workdir.glob('joint_weights*'))  # PA3D does not weigh joints.


def test_results_record_which_clips_were_held_out(whole):
  workdir, results = whole
  read = json.loads((workdir / 'results.json').read_text())
  assert read['held_out'] == results['held_out']
  assert results['held_out'] == {
    'fold': 0,
    'folds': 5,
    'rule': 2,
    'group_by': 'none',
    'clips': tiny_run.NUM_TRAIN,
    'held_out_clips': 8,
    'groups': tiny_run.NUM_TRAIN,
    'held_out_groups': 8,
  }
  assert results['protocol'].endswith('; seed 0; folds by clip (rule 2)')
  assert json.loads((workdir / 'config.json').read_text())['data']['fold_rule'] == 2


def test_clips_of_several_labels(
  several_labels_dir, tmp_path, one_device, no_tensorboard
):
  """A JMRN trained same as for Charades."""
  config = tiny_run.get_jmrn_config().unlock()
  config.data.data_dir = str(several_labels_dir)
  config.train.loss = 'binary_cross_entropy'
  config.train.contrastive.positives = 'weighted'
  config.train.epochs = 6
  config.model.dropout = 0.0
  results = run(config, tmp_path, one_device)
  lines = tiny_run.metrics_without_speeds(tmp_path)
  losses = [line['train/loss'] for line in lines if 'train/loss' in line]
  # Single batches are noisy.
  assert np.mean(losses[-4:]) < np.mean(losses[:4])
  during = [line['validation/mAP'] for line in lines if 'validation/mAP' in line]
  assert results['evaluations'][0]['mAP'] == during[-1]
  assert 'accuracy' not in results['evaluations'][0]
  scores = np.load(tmp_path / 'scores_test.npz')
  assert scores['labels'].shape == scores['scores'].shape == (tiny_run.NUM_TEST, 3)
  found = metrics.mean_average_precision(scores['scores'], scores['labels'])
  (entry,) = (
    e
    for e in results['evaluations']
    if (e['split'], e['checkpoint']) == ('test', 'last')
  )
  assert entry['mAP'] == found
  assert not (tmp_path / 'confusion_matrix.csv').exists()


def test_what_does_not_change_the_model_may_change(
  whole, config, tmp_path, data_dir, one_device, program, no_tensorboard
):
  with stopped_after(5):
    run(config, tmp_path / 'run', one_device)
  shutil.copytree(data_dir, tmp_path / 'moved')
  config.data.data_dir = str(tmp_path / 'moved')
  config.data.read_threads = 0
  config.train.log_every_steps = 5
  run(config, tmp_path / 'run', one_device)
  bits = saved_bits(tmp_path / 'run', program, LAST_STEP)
  assert bits == saved_bits(whole[0], program, LAST_STEP)


def test_other_settings_are_refused(whole, config, one_device):
  workdir, _ = whole
  before = {path: path.read_bytes() for path in workdir.glob('*.*')}
  config.optimizer.learning_rate = 0.25
  config.train.batch_size = 16
  message = (
    r'holds a run with other settings \(config\.optimizer\.learning_rate was 0\.05, now'
    r' 0\.25; config\.train\.batch_size was 8, now 16\)\. Give a new --workdir'
  )
  with pytest.raises(ResumeError, match=message):
    run(config, workdir, one_device)
  assert {path: path.read_bytes() for path in workdir.glob('*.*')} == before


def test_other_clips_are_refused(whole, config, tmp_path, one_device):
  tiny_run.export(tmp_path, first=100)
  config.data.data_dir = str(tmp_path)
  with pytest.raises(
    ResumeError, match=r'on other data: the names of the clips changed'
  ):
    run(config, whole[0], one_device)


def test_a_finished_run_is_only_evaluated(
  whole, config, tmp_path, one_device, no_tensorboard, capsys
):
  workdir, results = whole
  shutil.copytree(workdir, tmp_path, dirs_exist_ok=True)
  for options in ({}, {'trains': False}):
    (tmp_path / 'results.json').unlink()
    assert run(config, tmp_path, one_device, **options) == results
    assert 'loss' not in capsys.readouterr().out  # No step and no validation ran.
    for name in ('results.json', 'metrics.jsonl', 'per_class.csv'):
      assert (tmp_path / name).read_bytes() == (workdir / name).read_bytes()
    for name in ('scores_test.npz', 'scores_validation_best.npz'):
      got, wanted = np.load(tmp_path / name), np.load(workdir / name)
      np.testing.assert_array_equal(got['scores'], wanted['scores'])


def test_training_alone_leaves_the_test_split_untouched(
  whole, config, tmp_path, one_device, program, no_tensorboard
):
  config.data.test_split = ''  # Free to change: it does not affect training.
  assert run(config, tmp_path, one_device, evaluates=False) is None
  assert not list(tmp_path.glob('scores_*'))
  assert not (tmp_path / 'results.json').exists()
  bits = saved_bits(tmp_path, program, LAST_STEP)
  assert bits == saved_bits(whole[0], program, LAST_STEP)


def test_there_must_be_something_to_evaluate(
  config, tmp_path, one_device, no_tensorboard
):
  message = r'there is no checkpoint in .*; train first \(--mode=train'
  with pytest.raises(ResumeError, match=message):
    run(config, tmp_path, one_device, trains=False)
  config.data.test_split = ''
  config.data.validation_folds = 0
  config.optimizer.plateau = ''
  message = r'validation_folds is 0 and .* is empty; give one of them, or --mode=train'
  with pytest.raises(ValueError, match=message):
    run(config, tmp_path, one_device)
  assert latest_step(tmp_path) is None  # The error came before training.


def test_divergence_names_the_step_and_saves_nothing_after(
  config, tmp_path, one_device, program, no_tensorboard
):
  """Step 1 makes parameters huge; step 2 has a huge loss and a non-finite gradient."""
  config.optimizer.update({'learning_rate': 1e30, 'schedule': 'constant'})
  config.train.checkpoint_every_steps = 1
  message = r'gradient of step 2 is not finite \(learning rate 1e\+30\).*from step 1$'
  with pytest.raises(TrainingDiverged, match=message):
    run(config, tmp_path, one_device)
  assert latest_step(tmp_path) == 1
  assert saved_bits(tmp_path, program, step=1)
  steps = {line['step'] for line in tiny_run.metrics_without_speeds(tmp_path)}
  assert steps == {1}


def test_divergence_is_found_between_logs_too(
  config, tmp_path, one_device, no_tensorboard
):
  config.optimizer.update({'learning_rate': 1e30, 'schedule': 'constant'})
  config.train.update({'checkpoint_every_steps': 0, 'log_every_steps': 0})
  # Step 2 made parameters non-finite, but its metrics were not logged.
  with pytest.raises(
    TrainingDiverged, match=r'loss of step 3 is .*no checkpoint is saved$'
  ):
    run(config, tmp_path, one_device)
  assert latest_step(tmp_path) is None
