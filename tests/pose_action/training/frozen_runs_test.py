"""Workdirs made by earlier versions still evaluate, predict and report the same."""

import copy
import functools
import json
import pathlib
import shutil

import frozen_run
import jax
import numpy as np
import pytest
import tiny_run

from input_pipeline.model_input import batch_input
from pose_action.runtime import sharding
from pose_action.sweeps.record import read_record
from pose_action.sweeps.table import report
from pose_action.training import experiment
from pose_action.training.evaluation_step import evaluation_step
from pose_action.training.losses import LossSettings
from pose_action.training.predict_split import predict_split
from pose_action.training.resume import ResumeError
from pose_action.training.saved_model import SavedModelError, load_model

FROZEN = pathlib.Path(__file__).with_name('frozen')
# Fields that the frozen runs have at their past defaults: older versions lacked some.
OFTEN_MISSING = {
  'pa3d': (
    *('augment', 'data.crop', 'data.modalities', 'data.potion', 'data.encoding'),
    *('train.state_sharding', 'train.contrastive', 'train.loss', 'eval.average'),
    *('model.order', 'model.branches', 'model.dropout', 'optimizer.plateau'),
  ),
  'jmrn': (
    *('augment.flip_probability', 'augment.pose_aware.whole_cells', 'data.crop'),
    *('data.potion.variant', 'train.state_sharding', 'train.contrastive.positives'),
    *('eval.average', 'model.gumbel', 'model.selector_temperature', 'model.siamese'),
  ),
}


@pytest.fixture(params=['pa3d', 'jmrn'])
def name(request):
  return request.param


@pytest.fixture
def workdir(name, tmp_path):
  """A fresh copy of the frozen run."""
  frozen_run.thaw(FROZEN / f'{name}.zip', tmp_path / name)
  return tmp_path / name


@pytest.fixture
def todays_config(name, config, jmrn_config):
  return jmrn_config if name == 'jmrn' else config


def without(config: dict, field: str) -> dict:
  """A copy of a nested dict without a dotted field."""
  config = copy.deepcopy(config)
  *sections, last = field.split('.')
  del functools.reduce(dict.__getitem__, sections, config)[last]
  return config


def change_saved_config(workdir, change):
  """Rewrites the config in the description that the newest checkpoint holds."""
  (file,) = workdir.glob('checkpoints/*/run/metadata')
  description = json.loads(file.read_text())
  description['config'] = change(description['config'])
  file.write_text(json.dumps(description))


def drop_fields(workdir, name):
  def dropped(config):
    return functools.reduce(without, OFTEN_MISSING[name], config)

  change_saved_config(workdir, dropped)


def assert_frozen_results(workdir, name, tmp_path):
  """Compares figures and scores; figures may be added, the wording of protocol and notes may change."""
  wanted = tmp_path / 'wanted'
  frozen_run.thaw(FROZEN / f'{name}.zip', wanted)
  results = [json.loads((w / 'results.json').read_text()) for w in (workdir, wanted)]
  for key in ('dataset', 'headline'):
    assert results[0][key] == results[1][key]
  for got, frozen in zip(*(r['evaluations'] for r in results), strict=True):
    assert frozen.items() <= got.items()  # Later versions add figures.
  files = sorted(path.name for path in wanted.glob('scores_*.npz'))
  assert len(files) == 4
  for file in files:
    got, frozen = np.load(workdir / file), np.load(wanted / file)
    assert got.files == frozen.files
    np.testing.assert_allclose(got['scores'], frozen['scores'], atol=1e-5)
    for array in set(frozen.files) - {'scores'}:
      np.testing.assert_array_equal(got[array], frozen[array])


def predicted(workdir, data_dir) -> np.ndarray:
  """Test scores of the best model in a workdir, which its checkpoint alone gives."""
  mesh = sharding.make_mesh(jax.devices()[:1])
  saved = load_model(workdir, mesh=mesh)
  saved.config.data.data_dir = str(data_dir)
  data = tiny_run.open_run_data(saved.config)
  evaluate = functools.partial(
    evaluation_step,
    model=saved.model,
    input_of_batch=functools.partial(
      batch_input,
      skeleton=saved.skeleton,
      settings=data.map_settings,
      augmentation=data.augment_settings,
    ),
    losses=LossSettings.from_config(saved.config.train, steps_per_epoch=1),
    average=saved.config.eval.average,
  )
  prediction = predict_split(
    saved.variables,
    data.test,
    data,
    jax.jit(lambda variables, batch: (evaluate(variables, batch), batch['index'])),
    mesh,
    batch_size=8,
    num_views=saved.config.eval.views,
  )
  return prediction.probabilities


@pytest.mark.parametrize(('complete', 'trains'), [(True, False), (False, True)])
def test_evaluating_gives_the_frozen_results(
  complete, trains, todays_config, workdir, name, tmp_path, loose_dtypes, no_tensorboard
):
  """By `main.py --mode=evaluate`, and by resuming, with today's config of the run."""
  if not complete:
    drop_fields(workdir, name)
  for path in (*workdir.glob('scores_*'), workdir / 'results.json'):
    path.unlink()
  experiment.train_and_evaluate(todays_config, str(workdir), trains=trains)
  assert_frozen_results(workdir, name, tmp_path)


@pytest.mark.parametrize('complete', [True, False])
def test_a_loaded_model_predicts_the_frozen_scores(complete, workdir, name, data_dir):
  if not complete:
    drop_fields(workdir, name)
  frozen = np.load(workdir / 'scores_test.npz')
  np.testing.assert_allclose(predicted(workdir, data_dir), frozen['scores'], atol=1e-5)


def test_the_report_of_a_sweep_prints_the_frozen_tables(tmp_path):
  frozen_run.thaw(FROZEN / 'sweep.zip', tmp_path)
  printed = report(read_record(tmp_path), tmp_path)
  assert printed.strip() == (FROZEN / 'sweep.md').read_text().strip()


def test_a_field_that_was_missing_cannot_be_changed_by_resuming(
  config, tmp_path, one_device
):
  """As if `data.crop` were newer than the run, and the user now sets it."""
  frozen_run.thaw(FROZEN / 'pa3d.zip', tmp_path)
  change_saved_config(tmp_path, lambda saved: without(saved, 'data.crop'))
  config.data.crop = 'person'
  message = r'other settings \(config\.data\.crop was frame, now person\)\. Give a new'
  with pytest.raises(ResumeError, match=message):
    experiment.train_and_evaluate(config, str(tmp_path), mesh=one_device)


def _other_model(saved):
  return saved | {'model': {'name': 'st_gcn', 'dtype': 'float32'}}


def _deeper(saved):
  return saved | {'model': saved['model'] | {'features': [8, 8]}}


def _wider(saved):
  return saved | {'model': saved['model'] | {'features': [12]}}


def _unknown_field(saved):
  return saved | {'model': saved['model'] | {'attention': True}}


@pytest.mark.parametrize(
  ('change', 'message'),
  [
    (_other_model, r"config\.model\.name is 'st_gcn'; give one of"),
    (_unknown_field, r"got an unexpected keyword argument 'attention'"),
    (_deeper, r'it has no .*norm2_1\.mean, .* and 7 more'),
    (_wider, r'\.norm1_1\.mean is \(8,\) and not \(12,\)'),
  ],
)
def test_a_model_of_another_version_is_refused_in_one_line(
  change, message, tmp_path, one_device
):
  frozen_run.thaw(FROZEN / 'pa3d.zip', tmp_path)
  change_saved_config(tmp_path, change)
  with pytest.raises(SavedModelError, match=message) as error:
    load_model(tmp_path, mesh=one_device)
  assert 'was made by another version of this library: ' in str(error.value)
  assert 'use that version, or train in a new --workdir' in str(error.value)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize(
  ('branches', 'message'),
  [
    (('global', 'local'), r'it has no .*\.local'),
    (('global',), r'it also has .*\.dilated'),
  ],
)
def test_a_state_of_another_version_is_refused_in_one_line(
  branches, message, config, tmp_path, one_device, no_tensorboard
):
  """As if the temporal filter had other arrays when the run was trained."""
  frozen_run.thaw(FROZEN / 'pa3d.zip', tmp_path)
  config.model.branches = branches
  change_saved_config(
    tmp_path,
    lambda saved: saved | {'model': saved['model'] | {'branches': list(branches)}},
  )
  message = rf'another version of this library: {message}.*new --workdir$'
  with pytest.raises(ValueError, match=message) as error:
    experiment.train_and_evaluate(config, str(tmp_path), mesh=one_device)
  assert '\n' not in str(error.value)


@pytest.mark.parametrize('part', ['run', 'state', 'config', 'skeleton'])
def test_a_checkpoint_that_lacks_a_part_is_refused(part, tmp_path, one_device):
  frozen_run.thaw(FROZEN / 'pa3d.zip', tmp_path)
  (file,) = tmp_path.glob('checkpoints/*/run/metadata')
  if part in ('run', 'state'):
    shutil.rmtree(file.parents[1] / part)
  else:
    file.write_text(json.dumps(without(json.loads(file.read_text()), part)))
  message = r'made by another version of this library: (it|its description) has no '
  with pytest.raises(SavedModelError, match=message):
    load_model(tmp_path, mesh=one_device)
