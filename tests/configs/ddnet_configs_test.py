"""DD-Net's configs match its two codes; our networks change what they say."""

import importlib

import pytest

EXPERIMENTS = pytest.mark.parametrize('experiment', ['ddnet_jhmdb', 'ddnet_penn'])


def config_of(experiment, arg=''):
  return importlib.import_module(f'configs.{experiment}').get_config(arg)


@EXPERIMENTS
@pytest.mark.parametrize('form', ['keras', 'port'])
def test_the_published_recipe_changes_no_clip(experiment, form):
  config = config_of(experiment, f'form={form}')
  data, augment = config.data, config.augment
  assert (data.encoding, data.representation) == ('trajectories', 'keypoints')
  assert (data.sampling, data.num_frames) == ('whole', 32)
  assert data.trajectories.resampling == 'cubic'
  assert data.trajectories.median_filter == (form == 'port')
  assert (augment.flip_probability, augment.shift, augment.scale) == (0, 0, (1, 1))
  assert (augment.mixup, augment.joint_noise, augment.rotation) == (0, 0, 0)
  assert (config.model.network, config.model.form) == ('ddnet', form)
  assert (config.model.width, config.model.hidden) == (64, (128, 128))
  assert (config.model.channel_dropout, config.model.dropout) == (0.1, 0.5)


@EXPERIMENTS
def test_the_published_rates(experiment):
  keras, port = config_of(experiment), config_of(experiment, 'form=port')
  for config in (keras, port):
    assert config.train.batch_size == 0  # All clips.
    assert (config.optimizer.name, config.optimizer.learning_rate) == ('adam', 1e-3)
    assert (config.train.loss, config.train.label_smoothing) == ('cross_entropy', 0)
  # 600 epochs at 1e-3, then 600 at 1e-4.
  assert keras.train.epochs == 1200
  assert (keras.optimizer.schedule, keras.optimizer.decay_epochs) == ('steps', (600,))
  assert (keras.optimizer.decay_factor, keras.optimizer.plateau) == (0.1, '')
  optimizer = port.optimizer
  assert port.train.epochs == 600
  assert (optimizer.schedule, optimizer.plateau) == ('constant', 'train_loss')
  assert (optimizer.plateau_factor, optimizer.plateau_patience) == (0.5, 5)
  assert optimizer.plateau_floor == 5e-6


@EXPERIMENTS
def test_our_networks_share_a_recipe(experiment):
  strong = config_of(experiment, 'strong')
  assert strong.model.network == 'streams+joints'
  for branch in ('streams', 'joints'):
    alone = config_of(experiment, branch)
    assert alone.model.network == branch
    assert {**alone.model.to_dict(), 'network': ''} == {
      **strong.model.to_dict(),
      'network': '',
    }
    assert alone.model.hidden == (128,)
    for section in ('data', 'augment', 'optimizer', 'train', 'eval'):
      assert strong[section].to_dict() == alone[section].to_dict()
  assert strong.data.trajectories.resampling == 'linear'  # Time is augmented.
  assert strong.eval.mirror and not config_of(experiment).eval.mirror
  assert strong.data.read_frames == config_of(experiment).data.read_frames
  assert strong.train.logit_adjustment == 1


@EXPERIMENTS
@pytest.mark.parametrize(
  ('arg', 'message'),
  [
    ('strong,joints', "'strong' and 'joints', which are 2 networks; give one"),
    ('strong,form=port', "form=port, a published form of DD-Net, and 'strong'"),
    ('joints,form=port', "form=port, a published form of DD-Net, and 'joints'"),
    ('form=torch', "gives form='torch'; allowed: keras, port"),
  ],
)
def test_options_that_exclude_each_other(experiment, arg, message):
  with pytest.raises(ValueError, match=message):
    config_of(experiment, arg)
