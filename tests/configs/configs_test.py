"""Every experiment's config: that it loads, refuses mistakes, and makes a model."""

import functools
import importlib
import inspect
import json
import pathlib
import re
from unittest import mock

import jax
import jax.numpy as jnp
import ml_collections
import numpy as np
import pytest

import configs
from configs import config_args
from input_pipeline.augment import AugmentSettings
from input_pipeline.clip_maps import MapSettings
from input_pipeline.datasets.protocols import get_protocol
from input_pipeline.loader import ClipSettings
from input_pipeline.skeletons import get_skeleton
from train_lib.models import build_model

MODULES = {
  file.stem: importlib.import_module(f'configs.{file.stem}')
  for folder in configs.__path__
  for file in sorted(pathlib.Path(folder).glob('*.py'))
}
EXPERIMENTS = [
  name for name, module in MODULES.items() if hasattr(module, 'get_config')
]


def options_of(experiment: str) -> dict[str, list[str]]:
  """Every option of an experiment, and config strings that set it."""
  with mock.patch.object(
    config_args, 'parse_arg', wraps=config_args.parse_arg
  ) as parse_arg:
    MODULES[experiment].get_config('')
  defaults = dict(parse_arg.call_args.kwargs)
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
  assert {'demo', 'pa3d_jhmdb', 'pa3d_penn'} <= set(EXPERIMENTS)
  assert ('pa3d_jhmdb', 'split=3') in ARGS
  assert ('pa3d_penn', 'test=false') in ARGS


@each_arg
def test_loads_locked(experiment, arg):
  config = config_of(experiment, arg)
  assert config.is_locked
  sections = [v for v in config.values() if isinstance(v, ml_collections.ConfigDict)]
  assert len(sections) >= 6
  assert all(section.is_locked for section in sections)
  assert set(json.loads(config.to_json())) == set(config)  # As a run keeps it.


RESULTS = (pathlib.Path(__file__).parents[2] / 'docs' / 'results.md').read_text('utf-8')


@each_experiment
def test_every_option_changes_the_config(experiment):
  default = config_of(experiment).to_dict()
  for strings in options_of(experiment).values():
    assert any(config_of(experiment, arg).to_dict() != default for arg in strings)


@each_arg
def test_makes_a_model_that_takes_its_maps(experiment, arg):
  config = config_of(experiment, arg)
  skeleton = get_skeleton(get_protocol(config.data.dataset).skeleton)
  model = build_model(config.model, num_classes=7)
  maps_shape = (2, config.data.num_frames, *config.data.map_size, skeleton.num_maps)
  output, _ = jax.eval_shape(
    functools.partial(model.init_with_output, train=False),
    jax.random.key(0),
    jax.ShapeDtypeStruct(maps_shape, jnp.float32),
  )
  assert output.logits.shape == (2, 7)


@each_arg
def test_its_data_settings_are_valid(experiment, arg):
  data, augment = (
    config_of(experiment, arg)[section] for section in ('data', 'augment')
  )
  ClipSettings(data.num_frames, data.sampling, data.max_persons, tuple(data.map_size))
  MapSettings(tuple(data.map_size), data.map_short_side, data.map_sigma, data.crop)
  AugmentSettings(**augment)
  splits = get_protocol(data.dataset).splits
  assert (data.train_split, data.test_split) in [*splits, *((s, '') for s, _ in splits)]
  assert data.validation_fold < data.validation_folds
  assert min(data.map_size) == data.map_short_side


@each_experiment
def test_an_unknown_option_is_refused_with_what_is_known(experiment):
  with pytest.raises(ValueError, match="gives 'qick', which this config does not know"):
    config_of(experiment, 'qick')


def test_an_option_that_is_nearly_right_gets_a_hint():
  with pytest.raises(ValueError, match="did you mean 'quick'"):
    config_of('pa3d_jhmdb', 'qick')
  with pytest.raises(ValueError, match='gives split=4; allowed: 1, 2, 3'):
    config_of('pa3d_jhmdb', 'split=4')
  with pytest.raises(ValueError, match='allowed: heatmaps, keypoints'):
    config_of('pa3d_penn', 'representation=potion')


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
  (accuracy,) = re.findall(r'(\d+\.\d)(?: ± \d\.\d)? %', ours)
  assert f'**{accuracy}' in RESULTS  # The page says how the figure was got.
  for option, strings in options_of(experiment).items():
    named = [f'`{option}`', *(f'`{arg}`' for arg in strings)]
    assert any(name in header for name in named), option


def test_jhmdb_is_as_in_the_paper():
  config = config_of('pa3d_jhmdb')
  # Sec. 4.1: T=4, N=8; Sec. 4: batches of 32, SGD from 0.01, 150 epochs, 10 clips.
  assert (config.data.num_frames, config.model.outputs) == (4, 8)
  assert (config.train.batch_size, config.train.epochs) == (32, 150)
  assert (config.optimizer.name, config.optimizer.learning_rate) == ('sgd', 0.01)
  assert config.eval.views == 10
  # Table 3's best, Fig. 3's dilation, Table 1's network; the maps themselves are read.
  assert config.model.branches == ('global', 'dilated')
  assert config.model.dilation == 2
  assert config.model.features == (128, 256, 512)
  assert config.data.representation == 'heatmaps'
  assert (config.data.train_split, config.data.test_split) == ('train1', 'test1')


def test_penn_follows_the_papers_hmdb():
  config = config_of('pa3d_penn')
  assert (config.data.num_frames, config.model.outputs) == (8, 6)
  assert config.train.batch_size == 64
  assert (config.optimizer.name, config.optimizer.learning_rate) == ('sgd', 0.01)
  assert config.model.features == (128, 256, 512)


def test_the_demo_needs_no_data():
  config = config_of('demo')
  assert get_protocol(config.data.dataset).format is None  # The library makes it.
  assert config.data.representation == 'keypoints'
  assert config.data.poses == ''


@pytest.mark.parametrize('experiment', ['pa3d_jhmdb', 'pa3d_penn'])
def test_quick_is_smaller_and_the_same_protocol(experiment):
  whole, quick = config_of(experiment), config_of(experiment, 'quick')
  assert np.prod(quick.data.map_size) * 4 < np.prod(whole.data.map_size)
  assert quick.model.features == (64, 128, 256)
  assert quick.train.epochs < whole.train.epochs
  assert quick.eval.to_dict() == whole.eval.to_dict()
  for field in ('train_split', 'test_split', 'validation_fold', 'validation_folds'):
    assert quick.data[field] == whole.data[field]


@pytest.mark.parametrize('experiment', ['pa3d_jhmdb', 'pa3d_penn'])
def test_quick_and_stored_maps_exclude_each_other(experiment):
  with pytest.raises(ValueError, match='needs keypoints'):
    config_of(experiment, 'quick,representation=heatmaps')
