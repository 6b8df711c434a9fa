"""Every experiment's config loads, refuses mistakes, and builds a model."""

import functools
import importlib
import inspect
import json
import pathlib
import re
import types
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest
from places import ROOT

import configs
from configs.shared import options
from configs.shared.few_clips import SETTINGS
from input_pipeline.catalog.protocols import PROTOCOLS
from input_pipeline.loading.loader import evaluation_batches, training_batches
from input_pipeline.model_input import batch_input
from input_pipeline.skeletons.registry import get_skeleton
from input_pipeline.storage.dataset import PoseDataset
from input_pipeline.storage.files import stored_name
from pose_action.runtime import sharding
from pose_action.training.model_registry import build_model
from pose_action.training.program import build_program
from pose_action.training.run_data import make_run_data

MODULES = {
  file.stem: importlib.import_module(f'configs.{file.stem}')
  for folder in configs.__path__
  for file in sorted(pathlib.Path(folder).glob('*.py'))
}
EXPERIMENTS = [
  name for name, module in MODULES.items() if hasattr(module, 'get_config')
]


def options_of(experiment: str) -> dict[str, list[str]]:
  """For every option of an experiment, config strings that set it."""
  with mock.patch.object(options, 'parse_arg', wraps=options.parse_arg) as parse_arg:
    MODULES[experiment].get_config('')
  # An ensemble's config calls those of its members after parsing its own options.
  defaults = dict(parse_arg.call_args_list[0].kwargs)
  choices = defaults.pop('choices', None) or {}
  strings = {}
  for name, default in defaults.items():
    if name in choices:
      strings[name] = [f'{name}={choice}' for choice in choices[name]]
    elif isinstance(default, bool):
      strings[name] = [f'{name}=false' if default else name]
    else:
      strings[name] = [f'{name}=1']
  return strings


ARGS = [
  (experiment, arg)
  for experiment in EXPERIMENTS
  for arg in ('', *(s for strings in options_of(experiment).values() for s in strings))
]
each_experiment = pytest.mark.parametrize('experiment', EXPERIMENTS)
each_arg = pytest.mark.parametrize(('experiment', 'arg'), ARGS)


def config_of(experiment, arg=''):
  return MODULES[experiment].get_config(arg)


def test_the_experiments_are_found():
  assert {'demo', 'potion_jhmdb'} <= set(EXPERIMENTS)
  assert {
    f'jmrn_{name}' for name in ('jhmdb', 'hmdb51', 'charades', 'mimetics', 'penn')
  } <= set(EXPERIMENTS)
  assert {f'pa3d_{name}' for name in ('jhmdb', 'hmdb51', 'charades', 'penn')} <= set(
    EXPERIMENTS
  )
  assert not any(name.endswith('sweep') for name in EXPERIMENTS)
  assert ('pa3d_jhmdb', 'split=3') in ARGS
  assert ('pa3d_penn', 'test=false') in ARGS


@each_arg
def test_loads_locked(experiment, arg):
  config = config_of(experiment, arg)
  assert config.is_locked
  sections = [v for v in config.values() if isinstance(v, ml_collections.ConfigDict)]
  assert len(sections) >= 6
  assert all(section.is_locked for section in sections)
  assert set(json.loads(config.to_json())) == set(config)  # Runs save it as JSON.


RESULTS = (ROOT / 'docs' / 'results.md').read_text('utf-8')


@each_experiment
def test_every_option_changes_the_config(experiment):
  default = config_of(experiment).to_dict()
  for strings in options_of(experiment).values():
    assert any(config_of(experiment, arg).to_dict() != default for arg in strings)


def stored_maps(config, skeleton, frames):
  """All maps of a pose network."""
  channels = {
    'maps': skeleton.num_maps,
    'parts': skeleton.num_part_maps,
    'features': config.data.num_features,
  }
  maps = {
    name: np.ones((frames, *config.data.map_size, number), np.uint8)
    for name, number in channels.items()
  }
  return maps | {'features_scale': np.float32(1)}


def protocol_of(config):
  """Returns the protocol of the config's data set; for your own poses, JHMDB's."""
  return PROTOCOLS[config.data.dataset.replace('mine', 'jhmdb')]


def dataset_of(config, class_names=tuple('abcdefg'), frames=5):
  """A data set for the config, with ten clips in each split."""
  protocol = protocol_of(config)
  skeleton = get_skeleton(protocol.skeleton)
  poses = {
    'keypoints': {'keypoints': np.ones((frames, 1, skeleton.num_joints, 3), 'f4')},
    'heatmaps': stored_maps(config, skeleton, frames),
    'potion': {
      'potion': np.ones((skeleton.num_maps, *config.data.map_size, 3), np.float16),
      'num_frames': frames,
    },
  }[config.data.representation]
  label = {'label': 0}
  labels = {'labels': 10 * [0]}
  if protocol.multi_label:
    label = {'labels': np.eye(len(class_names), dtype=np.uint8)[0]}
    labels = {'labels': 10 * [(0, 2)]}
  record = {'frame_size': np.array((240, 320), np.int32), **poses, **label}
  splits = (config.data.train_split,)
  if config.data.dataset in PROTOCOLS:
    splits = tuple(split for pair in protocol.splits for split in pair)
  columns = {'video_ids': [f'clip{n}' for n in range(10)], 'num_frames': 10 * [frames]}
  split_info = types.SimpleNamespace(shard_lengths=[10])
  builder: Any = types.SimpleNamespace(
    as_data_source=lambda split: 10 * [record],
    info=types.SimpleNamespace(
      splits={stored_name(split): split_info for split in splits}
    ),
  )
  return PoseDataset(
    directory=pathlib.Path('data', 'nowhere', 'keypoints', '1.0.0'),
    representation=config.data.representation,
    skeleton=skeleton,
    class_names=class_names,
    settings={
      'modalities': ('joints', 'parts', 'features'),
      'num_features': config.data.num_features,
    },
    splits=splits,
    left_out=(),
    multi_label=protocol.multi_label,
    _columns=dict.fromkeys(splits, columns | labels),
    _builder=builder,
  )


def first_batch(data, batches, **options):
  """A batch of two training clips from the run's loader."""
  clips = {'batch_size': 2, 'read_threads': 0}
  return next(
    batches(data.train.records, range(4), data.clip_settings, **clips, **options)
  )


@functools.cache
def logits_shape(model_json, maps_shapes):
  """Shape of the logits of a config's model; cached, since many configs share one."""
  model = build_model(ml_collections.ConfigDict(json.loads(model_json)), 7)
  maps = {n: jax.ShapeDtypeStruct(s, jnp.float32) for n, s in maps_shapes}
  output, _ = jax.eval_shape(
    functools.partial(model.init_with_output, train=False),
    jax.random.key(0),
    maps.get('', maps),
  )
  return output.logits.shape


def by_name(tree):
  """A dict by modality; the key is '' for a single modality."""
  return tree if isinstance(tree, dict) else {'': tree}


@each_arg
def test_makes_a_model_that_takes_its_maps(experiment, arg):
  config = config_of(experiment, arg)
  data = make_run_data(config, dataset_of(config))
  maps = jax.eval_shape(
    functools.partial(
      batch_input,
      skeleton=data.skeleton,
      settings=data.map_settings,
      augmentation=data.augment_settings,
      trajectories=data.trajectory_settings,
    ),
    first_batch(data, training_batches, seed=0),
    jax.random.key(0),
  )
  rows = 2 * config.augment.views
  examples = by_name(data.example_input)
  assert {name: leaf.shape for name, leaf in by_name(maps).items()} == {
    name: (rows, *leaf.shape[1:]) for name, leaf in examples.items()
  }
  shapes = tuple((name, leaf.shape) for name, leaf in examples.items())
  assert logits_shape(config.model.to_json(), shapes) == (1, 7)


def shapes_of(tree):
  return jax.tree.map(lambda leaf: (leaf.shape, leaf.dtype), tree)


@each_experiment
def test_makes_one_step_and_an_evaluation(experiment):
  """Traces everything that a run compiles, at the paper's size, without computing."""
  config = config_of(experiment)
  data = make_run_data(config, dataset_of(config))
  program = build_program(config, data, sharding.make_mesh(jax.devices()[:1]))
  batch = first_batch(data, training_batches, seed=0)
  # Optax's Adam corrects its bias by the standard promotion.
  promotion = 'standard' if 'adam' in config.optimizer.name else 'strict'
  with jax.numpy_dtype_promotion(promotion):
    metrics = jax.eval_shape(program.empty_metrics)
    after, counted = jax.eval_shape(
      program.train_step, program.state_shapes, metrics, batch
    )
  assert shapes_of(after) == shapes_of(program.state_shapes)
  assert shapes_of(counted) == shapes_of(metrics)
  prediction, index = jax.eval_shape(
    program.evaluation_step,
    program.state_shapes.variables(),
    first_batch(data, evaluation_batches, num_views=config.eval.views),
  )
  assert prediction.probabilities.shape == (2, 7)
  assert index.shape == (2,)


@each_arg
def test_its_splits_are_the_protocols(experiment, arg):
  data = config_of(experiment, arg).data
  if data.dataset == 'mine':
    assert (data.train_split, data.test_split) == ('all', '')
    return
  splits = PROTOCOLS[data.dataset].splits
  assert (data.train_split, data.test_split) in [*splits, *((s, '') for s, _ in splits)]
  assert data.validation_fold < data.validation_folds
  assert min(data.map_size) == data.map_short_side


@each_experiment
def test_an_unknown_option_is_refused_with_what_is_known(experiment):
  with pytest.raises(ValueError, match="gives 'qick', which is not an option of this"):
    config_of(experiment, 'qick')


def test_an_option_that_is_nearly_right_gets_a_hint():
  with pytest.raises(ValueError, match="did you mean 'quick'"):
    config_of('pa3d_jhmdb', 'qick')
  with pytest.raises(ValueError, match='gives split=4; allowed: 1, 2, 3'):
    config_of('pa3d_jhmdb', 'split=4')
  with pytest.raises(ValueError, match='allowed: heatmaps, keypoints'):
    config_of('pa3d_penn', 'representation=potion')
  with pytest.raises(ValueError, match='allowed: translation, continuous, rotation, j'):
    config_of('jmrn_jhmdb', 'paa=turn')
  with pytest.raises(ValueError, match='allowed: jmrn, potion, potion_deeper'):
    config_of('jmrn_hmdb51', 'model=deeper')


@each_experiment
def test_an_unknown_field_is_refused_with_a_hint(experiment):
  config = config_of(experiment)
  with pytest.raises(AttributeError, match='Did you mean "num_frames" instead of'):
    config.data.num_frame = 16
  with pytest.raises(KeyError, match='Did you mean "learning_rate" instead of'):
    config['optimizer']['learning_rat'] = 0.1
  with pytest.raises(AttributeError, match='Did you mean "optimizer" instead of'):
    config.optimiser = {}
  with pytest.raises(TypeError, match='num_frames'):
    config.data.num_frames = 'eight'


@each_experiment
def test_the_header_gives_the_command_and_every_option(experiment):
  header = inspect.getdoc(MODULES[experiment])
  assert header
  assert f'python main.py --config=configs/{experiment}.py' in header
  assert '--workdir=' in header
  ours = header.partition('Ours:')[2].partition('(docs/results.md)')[0]
  assert ours
  if ' '.join(ours.split()) != 'not trained here':
    (accuracy,) = re.findall(r'(\d+\.\d)(?: ± \d\.\d)? %', ours)
    assert f'**{accuracy}' in RESULTS  # This page says how it was measured.
  for option, strings in options_of(experiment).items():
    named = [f'`{option}`', *(f'`{arg}`' for arg in strings)]
    assert any(name in header for name in named), option


def test_25_views_of_charades_keep_the_number_of_clips_per_batch():
  config = config_of('pa3d_charades', 'views=25')
  assert (config.eval.views, config.eval.batch_size) == (25, 6)
  assert config_of('pa3d_charades').eval == config_of('pa3d_hmdb51').eval


def test_jhmdb_is_as_in_the_paper():
  config = config_of('pa3d_jhmdb')
  # Sec. 4.1: T=4, N=8, 10 test clips. Sec. 4: batches of 32, SGD from 0.01, 150 epochs.
  assert (config.data.num_frames, config.model.outputs) == (4, 8)
  assert (config.train.batch_size, config.train.epochs) == (32, 150)
  assert (config.optimizer.name, config.optimizer.learning_rate) == ('sgd', 0.01)
  assert config.eval.views == 10
  # Table 3's best branches, Fig. 3's dilation, Table 1's network; stored maps.
  assert config.model.branches == ('global', 'dilated')
  assert config.model.dilation == 2
  assert config.model.features == (128, 256, 512)
  assert config.data.representation == 'heatmaps'
  assert (config.data.train_split, config.data.test_split) == ('train1', 'test1')


def test_hmdb_and_charades_are_as_in_the_paper():
  hmdb, charades = config_of('pa3d_hmdb51'), config_of('pa3d_charades')
  # Sec. 4.1: T=8, N=6; Sec. 4: batches of 64 and 256, 400 and 60 epochs, SGD and Adam.
  assert (hmdb.data.num_frames, hmdb.model.outputs) == (8, 6)
  assert (hmdb.train.batch_size, hmdb.train.epochs) == (64, 400)
  assert (hmdb.optimizer.name, hmdb.optimizer.learning_rate) == ('sgd', 0.01)
  assert (charades.train.batch_size, charades.train.epochs) == (256, 60)
  assert (charades.optimizer.name, charades.optimizer.learning_rate) == ('adam', 0.01)
  assert charades.train.loss == 'binary_cross_entropy'
  assert hmdb.data.representation == charades.data.representation == 'heatmaps'


def test_several_modalities_are_read_as_one_model():
  config = config_of('pa3d_jhmdb', 'modality=joints+parts_diff,branches=global')
  assert config.data.modalities == ('joints', 'parts_diff')
  data = make_run_data(config, dataset_of(config))
  assert {name: leaf.shape[1] for name, leaf in data.example_input.items()} == {
    'joints': 4,
    'parts_diff': 3,
  }
  assert config_of('pa3d_jhmdb', 'modality=features').model.input_norm == 'batch_norm'


@pytest.mark.parametrize('options', [*SETTINGS, 'representation=keypoints'])
def test_keypoints_have_no_features(options):
  with pytest.raises(ValueError, match='keypoints have no features; extract them with'):
    config_of('pa3d_jhmdb', f'{options},modality=joints+features_diff')


def test_penn_follows_the_papers_hmdb():
  config = config_of('pa3d_penn')
  assert (config.data.num_frames, config.model.outputs) == (8, 6)
  assert config.train.batch_size == 64
  assert (config.optimizer.name, config.optimizer.learning_rate) == ('sgd', 0.01)
  assert config.model.features == (128, 256, 512)


def test_the_demo_needs_no_data():
  config = config_of('demo')
  assert PROTOCOLS[config.data.dataset].format is None  # The library generates it.
  assert config.data.representation == 'keypoints'
  assert config.data.poses == ''
