"""Evaluation during training: what it writes, returns and changes."""

import pathlib
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run

from pose_action.evaluation import metrics
from pose_action.runtime import sharding
from pose_action.training import periodic_evaluation as validation
from pose_action.training.predict_split import predict_split
from pose_action.training.program import build_program
from pose_action.training.run import TrainingRun


class Recorder:
  """Replaces RunWriter and the terminal, and records its calls."""

  def __init__(self):
    self.scalars, self.images, self.lines = [], {}, []

  def write_scalars(self, step, scalars):
    self.scalars.append((step, scalars))

  def write_images(self, step, images):
    self.images |= {name: (step, image) for name, image in images.items()}


def _run(config, data, program, workdir=None):
  recorder = Recorder()
  return TrainingRun(
    config=config,
    workdir=workdir,
    data=data,
    program=program,
    checkpoints=None,
    writer=recorder,
    description={},
    report=recorder.lines.append,
  )


def test_figures_of_the_held_out_clips(config, data, program):
  run = _run(config, data, program)
  state = program.initial_state(jnp.int32(3))
  after, figure = validation.validate(run, state, 6)
  scores = predict_split(
    state.variables(),
    data.validation,
    data,
    program.evaluation_step,
    program.mesh,
    batch_size=7,
    num_views=2,
  ).probabilities
  labels = data.validation.labels
  ((step, scalars),) = run.writer.scalars
  assert step == 6
  assert figure == scalars['validation/accuracy'] == metrics.accuracy(scores, labels)
  loss = metrics.negative_log_likelihood(scores, labels)
  np.testing.assert_allclose(scalars['validation/loss'], loss, rtol=1e-5)
  wanted = metrics.mean_class_accuracy(scores, labels)
  assert scalars['validation/mean_class_accuracy'] == wanted
  assert run.writer.lines == [
    f'validation at step 6: loss {scalars["validation/loss"]:.3f}, accuracy'
    f' {figure:.1%}, mean class accuracy {wanted:.1%}'
  ]
  assert after is state  # The config has no plateau.
  assert set(run.writer.images) == {'validation/confusion_matrix'}


def test_clips_of_several_labels_have_a_map(several_labels, one_device):
  config, data = several_labels
  run = _run(config, data, build_program(config, data, one_device))
  state = run.program.initial_state(jnp.int32(3))
  _, figure = validation.validate(run, state, 6)
  scores = run.predict(state.variables(), data.validation).probabilities
  assert np.ptp(scores.sum(axis=1)) > 1e-3  # A sigmoid per class.
  wanted = metrics.mean_average_precision(scores, data.validation.labels)
  ((_, scalars),) = run.writer.scalars
  assert figure == scalars['validation/mAP'] == wanted
  assert set(scalars) == {'validation/loss', 'validation/mAP'}
  assert run.writer.images == {}  # Multi-label clips have no confusion matrix.
  assert run.writer.lines == [
    f'validation at step 6: loss {scalars["validation/loss"]:.3f}, mAP {wanted:.1%}'
  ]


@pytest.fixture
def several_labels(config, several_labels_dir):
  config.data.data_dir = str(several_labels_dir)
  config.train.loss = 'binary_cross_entropy'
  return config, tiny_run.open_run_data(config)


@pytest.mark.parametrize('monitored', ['accuracy', 'loss'])
def test_a_plateau_drops_the_rate(
  config, data, one_device, program, monitored, loose_dtypes
):
  """The same state does not improve on itself."""
  config.optimizer.plateau = monitored
  config.optimizer.plateau_patience = 2
  run = _run(config, data, build_program(config, data, one_device))
  state = program.initial_state(jnp.int32(3))
  scales = []
  for step in range(4):
    state, _ = validation.validate(run, state, step)
    scales.append(float(state.plateau.scale))
  np.testing.assert_allclose(scales, [1, 1, 1, 0.1], rtol=1e-6)
  # It still fits the compiled step, including shardings.
  for leaf, shape in zip(
    jax.tree.leaves(state.plateau),
    jax.tree.leaves(program.state_shapes.plateau),
    strict=True,
  ):
    assert leaf.dtype == shape.dtype
    assert leaf.sharding.is_equivalent_to(shape.sharding, leaf.ndim)


def test_pictures_go_to_tensorboard_and_the_workdir(config, data, program, tmp_path):
  run = _run(config, data, program, tmp_path)
  state = program.initial_state(jnp.int32(3))
  batch = sharding.global_batch(tiny_run.training_batch(data), program.mesh)
  validation.write_pictures(run, state, 3, batch)
  assert set(run.writer.images) == {'maps/sample_maps', 'maps/motion_maps'}
  for step, image in run.writer.images.values():
    assert step == 3
    assert (image.dtype, image.ndim) == (np.uint8, 3)
  names = {path.name for path in tmp_path.iterdir()}
  assert names == {'sample_maps.png', 'motion_maps.png'}


def test_pictures_of_potion_have_a_column_a_colour(
  jmrn_config, jmrn_data, jmrn_program, tmp_path, monkeypatch, loose_dtypes
):
  drawn = {}

  def sample_maps_image(maps, titles, column):
    drawn.update(maps=maps, titles=titles, column=column)
    return np.zeros((2, 2, 3), np.uint8)

  monkeypatch.setattr(validation.plots, 'sample_maps_image', sample_maps_image)
  run = _run(jmrn_config, jmrn_data, jmrn_program, tmp_path)
  host_batch = tiny_run.training_batch(jmrn_data)
  batch = sharding.global_batch(host_batch, jmrn_program.mesh)
  state = jmrn_program.initial_state(jnp.int32(3))
  validation.write_pictures(run, state, 3, batch)
  assert {path.name for path in tmp_path.iterdir()} == {'sample_maps.png'}
  assert drawn['column'].startswith('colour')
  names = tiny_run.CLASS_NAMES
  assert drawn['titles'] == [names[label] for label in host_batch['label'][:4]]
  # Colour c for joint j in clip b, as the model reads it at [b, j, :, :, c].
  maps, _, _ = jmrn_program.pictures(state.variables(), batch)
  assert (maps.shape, drawn['maps'].shape) == ((4, 5, 16, 16, 3), (4, 3, 16, 16, 5))
  np.testing.assert_array_equal(drawn['maps'][1, 2, :, :, 4], maps[1, 4, :, :, 2])


def test_titles_of_clips_of_several_labels(several_labels, one_device, monkeypatch):
  config, data = several_labels
  shown = []
  monkeypatch.setattr(
    validation.plots, 'sample_maps_image', lambda maps, titles, _: shown.extend(titles)
  )
  monkeypatch.setattr(validation.plots, 'save_png', lambda path, image: None)
  labels = np.array([[0, 1, 0], [1, 0, 1], [1, 1, 1], [0, 0, 0]], np.float32)
  maps = np.zeros((4, 4, 16, 16, 5), np.float32)
  program = types.SimpleNamespace(
    pictures=lambda variables, batch: (maps, None, labels)
  )
  run = _run(config, data, program, pathlib.Path())
  validation.write_pictures(
    run, types.SimpleNamespace(variables=lambda weights: {}), 3, {}
  )
  assert shown == ['lower', 'raise + 1', 'raise + 2', '–']


def test_without_held_out_clips(config, program):
  config.data.validation_folds = 0
  run = _run(config, tiny_run.open_run_data(config), program)
  with pytest.raises(ValueError, match='no clips to validate on'):
    validation.validate(run, program.initial_state(jnp.int32(0)), 1)


@pytest.mark.parametrize(
  ('every', 'total', 'drawn'),
  [
    (3, 30, list(range(3, 31, 3))),  # Ten evaluations: all of them.
    (1, 25, [1, 3, 6, 9, 12, 15, 18, 21, 24, 25]),
    (4, 10, [4, 8, 10]),  # The last evaluation is after the last step.
    (0, 10, [10]),  # Only after the last step.
  ],
)
def test_at_most_twelve_evaluations_draw_pictures(every, total, drawn):
  program = types.SimpleNamespace(steps_per_evaluation=every, total_steps=total)
  steps = [s for s in range(1, total + 1) if s == total or (every and s % every == 0)]
  assert [step for step in steps if validation.is_drawn(program, step)] == drawn


def test_an_evaluation_without_pictures_gives_the_same_figures(
  config, data, program, monkeypatch
):
  run = _run(config, data, program)
  state = program.initial_state(jnp.int32(3))
  _, figure = validation.validate(run, state, 6)
  monkeypatch.setattr(validation, 'is_drawn', lambda program, step: False)
  bare = _run(config, data, program)
  _, same = validation.validate(bare, state, 6)
  assert same == figure
  assert bare.writer.scalars == run.writer.scalars
  assert not bare.writer.images
  assert run.writer.images
