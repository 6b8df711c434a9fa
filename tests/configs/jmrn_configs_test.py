"""JMRN's configs match the official scripts; each ablation changes only its fields."""

import functools
import importlib

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest

from input_pipeline.catalog.protocols import PROTOCOLS
from input_pipeline.poses.person_clip import PersonClipSettings
from input_pipeline.skeletons.registry import get_skeleton
from pose_action.training.model_registry import build_model


def config_of(experiment, arg=''):
  return importlib.import_module(f'configs.{experiment}').get_config(arg)


# From the official scripts: batch size, epochs, rate, patience, c_dim, dropout, β, γ,
# λ, τ, first epoch and length of the ramp.
OFFICIAL = {
  'jmrn_jhmdb': (16, 100, 1e-4, 5, 128, 0.0, 7, 4, 0.05, 0.3, 50, 50),
  'jmrn_hmdb51': (128, 150, 1e-4, 3, 64, 0.0, 5, 0, 0.5, 0.1, 0, 100),
  'jmrn_charades': (128, 75, 5e-4, 2, 32, 0.25, 9, 5, 0.05, 0.1, 0, 100),
}


@pytest.mark.parametrize('experiment', OFFICIAL)
def test_jmrn_has_the_numbers_of_the_official_scripts(experiment):
  config = config_of(experiment)
  motion, contrastive = config.augment.pose_aware, config.train.contrastive
  assert OFFICIAL[experiment] == (
    config.train.batch_size,
    config.train.epochs,
    config.optimizer.learning_rate,
    config.optimizer.plateau_patience,
    config.model.compressed,
    config.model.dropout,
    motion.global_shift,
    motion.group_shift,
    contrastive.weight,
    contrastive.temperature,
    contrastive.ramp_start_epoch,
    contrastive.ramp_epochs,
  )
  assert config.train.eval_every_epochs == 5
  assert (config.optimizer.name, config.optimizer.weight_decay) == ('adam', 0)
  assert config.optimizer.plateau_factor == 0.1
  assert (config.augment.views, config.eval.views) == (2, 1)
  assert (motion.unit, motion.whole_cells, motion.rotation) == ('group', True, 0)
  assert (contrastive.reduction, contrastive.positives) == ('mean', 'shared_label')
  assert not config.data.background
  potion = config.data.potion
  assert (config.data.encoding, config.data.sampling) == ('potion', 'whole')
  assert (potion.channels, potion.normalization, potion.variant) == (3, 'area', 'U')
  # Nothing but pose-aware shifts and flips.
  assert (config.augment.scale, config.augment.shift) == ((1.0, 1.0), 0)
  # HMDB and Charades maps are cropped at random, and stretched if smaller; JHMDB's not.
  cropped = experiment != 'jmrn_jhmdb'
  assert (config.data.random_crop, config.data.stretch) == (cropped, cropped)
  one_label = experiment != 'jmrn_charades'
  assert (config.train.loss == 'cross_entropy') == one_label
  assert config.data.map_size == ((64, 86) if one_label else (64, 64))


def test_ava_is_trained_as_charades_which_has_several_labels_too():
  ava, charades = config_of('jmrn_ava'), config_of('jmrn_charades')
  for section in ('model', 'augment', 'optimizer', 'train', 'eval'):
    assert ava[section].to_dict() == charades[section].to_dict()
  # A clip is ±1 s at 12 frames per second; all of it is read.
  assert ava.data.num_frames >= len(PersonClipSettings().times()) == 25
  assert get_skeleton(PROTOCOLS['ava'].skeleton).num_joints == 2 * 17


@pytest.mark.parametrize('experiment', OFFICIAL)
def test_what_selects_is_held_out_or_as_published_the_test_split(experiment):
  ours, published = config_of(experiment), config_of(experiment, 'as_published')
  # The paper selects by accuracy (mAP for Charades), the official code by the loss.
  assert (ours.data.validate_on, ours.optimizer.plateau) == ('held_out', 'accuracy')
  assert (published.data.validate_on, published.optimizer.plateau) == ('test', 'loss')
  assert changed_fields(experiment, 'as_published') == {
    'data.validate_on',
    'optimizer.plateau',
  }


def changed_fields(experiment, arg):
  """Dotted names of the fields that differ from the default config."""

  def flat(config, prefix=''):
    for name, value in config.items():
      if isinstance(value, ml_collections.ConfigDict):
        yield from flat(value, f'{prefix}{name}.')
      else:
        yield f'{prefix}{name}', value

  default = dict(flat(config_of(experiment)))
  other = dict(flat(config_of(experiment, arg)))
  names = default.keys() | other.keys()
  return {name for name in names if default.get(name) != other.get(name)}


MOTION = 'augment.pose_aware.'


@pytest.mark.parametrize(
  ('experiment', 'arg', 'changed'),
  [
    ('jmrn_jhmdb', 'selector=false', {'model.selector'}),
    ('jmrn_jhmdb', 'siamese=false', {'model.siamese'}),
    ('jmrn_jhmdb', 'paa=none', {f'{MOTION}global_shift', f'{MOTION}group_shift'}),
    ('jmrn_jhmdb', 'paa=joint', {f'{MOTION}unit'}),
    ('jmrn_jhmdb', 'paa=continuous', {f'{MOTION}whole_cells'}),
    ('jmrn_jhmdb', 'paa=rotation', {f'{MOTION}rotation', f'{MOTION}group_shift'}),
    ('jmrn_jhmdb', 'representation=heatmaps', {'data.representation'}),
    ('jmrn_hmdb51', 'test=false', {'data.test_split'}),
    ('jmrn_hmdb51', 'split=3', {'data.train_split', 'data.test_split'}),
    ('jmrn_charades', 'positives=weighted', {'train.contrastive.positives'}),
    # Maps are rendered on the canvas, so that nothing is cropped or stretched.
    (
      'jmrn_charades',
      'representation=keypoints',
      {'data.representation', 'data.random_crop', 'data.stretch'},
    ),
    ('jmrn_ava', 'context=false', {'data.skeleton'}),
    ('potion_jhmdb', 'deeper', {'model.convolutions'}),
    ('potion_jhmdb', 'variant=UIN', {'data.potion.variant'}),
  ],
)
def test_an_option_changes_what_it_says_and_nothing_else(experiment, arg, changed):
  assert changed_fields(experiment, arg) == changed


@pytest.mark.parametrize('experiment', ['jmrn_hmdb51', 'jmrn_charades', 'jmrn_penn'])
def test_the_potion_baseline_takes_jmrns_place_alone(experiment):
  for model, convolutions in (('potion', 2), ('potion_deeper', 3)):
    config = config_of(experiment, f'model={model}')
    assert config.model.to_dict() == {
      **config_of('potion_jhmdb').model.to_dict(),
      'convolutions': convolutions,
    }
    changed = changed_fields(experiment, f'model={model}')
    assert all(name.startswith(('model.', 'train.contrastive.')) for name in changed)
    assert config.train.contrastive.weight == 0  # It has no joints to contrast.
  message = 'selector=false and siamese=false change JMRN.* gives model=potion'
  for arg in ('selector=false', 'siamese=false'):
    with pytest.raises(ValueError, match=message):
      config_of(experiment, f'model=potion,{arg}')


def test_mimetics_has_the_setting_of_hmdb51():
  mimetics, hmdb51 = config_of('jmrn_mimetics'), config_of('jmrn_hmdb51')
  assert (mimetics.data.train_split, mimetics.data.test_split) == ('train', 'test')
  with mimetics.unlocked():
    for field in ('dataset', 'train_split', 'test_split'):
      mimetics.data[field] = hmdb51.data[field]
  assert mimetics.to_dict() == hmdb51.to_dict()


@functools.cache
def parameters(experiment, arg=''):
  """Number of parameters for the data set's classes and the papers' 18 joints."""
  config = config_of(experiment, arg)
  classes = {'jhmdb': 21, 'hmdb51': 51, 'charades': 157}[config.data.dataset]
  maps = jax.ShapeDtypeStruct((1, 18, *config.data.map_size, 3), jnp.float32)
  variables = jax.eval_shape(
    functools.partial(build_model(config.model, classes).init, train=False),
    jax.random.key(0),
    maps,
  )
  return sum(np.prod(leaf.shape) for leaf in jax.tree.leaves(variables['params']))


@pytest.mark.parametrize(
  ('experiment', 'arg', 'millions'),
  [
    # The official code's networks, including 0.049 M for the projection head.
    ('jmrn_jhmdb', '', 8.22),
    ('jmrn_hmdb51', '', 7.63),
    ('jmrn_charades', '', 7.38),
    ('potion_jhmdb', '', 4.65),
    ('potion_jhmdb', 'deeper', 7.75),
  ],
)
def test_jmrn_and_its_baseline_are_of_the_papers_sizes(experiment, arg, millions):
  assert parameters(experiment, arg) / 1e6 == pytest.approx(millions, abs=0.01)


@pytest.mark.parametrize('experiment', OFFICIAL)
def test_the_ablations_of_tables_7_and_8_are_as_large_as_jmrn(experiment):
  jmrn = parameters(experiment)
  assert parameters(experiment, 'siamese=false') == pytest.approx(jmrn, rel=0.03)
  deeper = ('potion_jhmdb', 'deeper')
  if experiment != 'jmrn_jhmdb':
    deeper = (experiment, 'model=potion_deeper')
  assert parameters(*deeper) == pytest.approx(jmrn, rel=0.07)


def test_small_shifts_by_a_share_of_the_map_and_ramps_over_a_share_of_the_epochs():
  config = config_of('jmrn_jhmdb', 'small')
  motion, contrastive = config.augment.pose_aware, config.train.contrastive
  # Shifts: 0.6·7 and 0.6·4, rounded up. Ramp: 50 of 100 epochs become 15 of 30.
  assert (motion.global_shift, motion.group_shift) == (5, 3)
  assert (contrastive.ramp_start_epoch, contrastive.ramp_epochs) == (15, 15)
  still = config_of('jmrn_jhmdb', 'small,paa=none').augment.pose_aware
  assert (still.global_shift, still.group_shift) == (0, 0)
