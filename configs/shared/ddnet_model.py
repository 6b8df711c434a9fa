"""Shared by DD-Net's experiments: the networks, their input, and how they are trained.

DD-Net's published numbers are from the authors' Keras notebooks for JHMDB, or from a
PyTorch port, which differs in a few places.
"""

from __future__ import annotations

import ml_collections

from configs.shared import few_clips, options

FORMS = ('keras', 'port')
# Our networks by option.
_OURS = {'strong': 'streams+joints', 'streams': 'streams', 'joints': 'joints'}


def parse_options(arg: str, *, choices: dict | None = None, **own):
  """Parses the options of all DD-Net experiments and an experiment's `own` ones.

  Raises:
    ValueError: for two networks at once, or a published form of ours.
  """
  args = options.parse_arg(
    arg,
    choices={'form': FORMS, **(choices or {})},
    **{
      'fold': 0,
      'test': True,
      'form': 'keras',
      **dict.fromkeys(_OURS, False),
      **own,
    },
  )
  chosen = [option for option in _OURS if args[option]]
  if len(chosen) > 1:
    raise ValueError(
      f'config string gives {" and ".join(map(repr, chosen))}, which are'
      f' {len(chosen)} networks; give one'
    )
  if chosen and args.form != 'keras':
    raise ValueError(
      f'config string gives form={args.form}, a published form of DD-Net, and'
      f' {chosen[0]!r}, a network of ours; give one'
    )
  return args


def choose_network(
  config: ml_collections.ConfigDict,
  args: ml_collections.ConfigDict,
  *,
  read_frames: int,
  epochs: int,
):
  """Sets input, network and training as the options say.

  Args:
    read_frames: most frames of a clip that reach the device.
    epochs: of our networks; a published form has its own.
  """
  data = config.data
  data.representation = 'keypoints'
  data.encoding = 'trajectories'
  data.sampling = 'whole'  # DD-Net's Keras code
  data.num_frames = 32  # DD-Net's Keras code
  data.read_frames = read_frames
  config.eval.views = 1  # DD-Net's Keras code: the whole clip
  config.eval.batch_size = 64  # ours: clips of joints are small
  chosen = [network for option, network in _OURS.items() if args[option]]
  if chosen:
    _use_our_recipe(config, epochs)
    config.model = _small(chosen[0])
  else:
    _train_as_published(config, args.form)
    config.model = ddnet('ddnet', form=args.form)


def ddnet(network: str, form: str = 'keras') -> ml_collections.ConfigDict:
  """One of the networks in the room `ddnet_jax`, with its defaults."""
  return ml_collections.ConfigDict(
    {
      'name': 'ddnet',  # a name in pose_action/training/model_registry.py
      # 'ddnet', as published; or ours: 'streams', 'joints', which has a weight per joint,
      # or both as branches, 'streams+joints'.
      'network': network,
      # For 'ddnet': 'keras', the authors' notebooks; 'port', a PyTorch port, whose
      # BatchNorm is over frames.
      'form': form,
      'width': 64,  # F, filters of 'ddnet' and 'streams'; the paper's smaller: 32, 16
      # Stems of 'streams', names in ddnet_jax/features.py; ours.
      'streams': ('distances', 'positions', 'steps', 'strides'),
      # For 'joints', ours: channels of the two stages of the shared encoder, size of the
      # vector learned for each joint, and hidden size of the joint selector; without the
      # selector, 0, joints are not weighted.
      'joint_features': (64, 96),
      'joint_vector': 16,
      'selector_features': 64,
      'reasoning_features': (256, 384),  # two layers over all joints of 'joints'; ours
      # Dense layers before the classifier; DD-Net's Keras code has two, ours one.
      'hidden': (128, 128) if network == 'ddnet' else (128,),
      'channel_dropout': 0.1,  # rate at which whole channels are dropped; DD-Net's code
      # Rate after each dense layer (DD-Net's code); of our networks also before.
      'dropout': 0.5,
      # Ours: 'winograd' computes convolutions over three frames with half of the products
      # in evaluations and predictions, the same up to float32 rounding; 'auto' does so on
      # one CPU device; or 'direct'.
      'convolution_algorithm': 'auto',
      # Dtype of the computation; parameters, BatchNorm statistics and the optimizer's
      # state stay float32. 'bfloat16' is for accelerators.
      'dtype': 'float32',
    }
  )


def _small(network: str) -> ml_collections.ConfigDict:
  """Our networks in a size for few clips (docs/results.md)."""
  model = ddnet(network)
  model.width = 32  # ours: 64 gives the same
  model.joint_features = (32, 48)  # ours
  model.reasoning_features = (192, 256)  # ours
  return model


def _train_as_published(config: ml_collections.ConfigDict, form: str):
  """Adam on the whole training set as one batch, without augmentation."""
  trajectories = config.data.trajectories
  trajectories.normalization = 'frame'  # like JHMDB's pos_world, without the scale
  trajectories.resampling = 'cubic'
  # The Keras code calls the filter on an empty array, so that it filters nothing.
  trajectories.median_filter = form == 'port'
  config.augment.flip_probability = 0.0  # DD-Net's Keras code
  config.augment.scale = (1.0, 1.0)  # DD-Net's Keras code
  config.augment.shift = 0.0  # DD-Net's Keras code
  optimizer, train = config.optimizer, config.train
  optimizer.name = 'adam'
  optimizer.learning_rate = 1e-3  # DD-Net's Keras code
  optimizer.weight_decay = 0.0  # DD-Net's Keras code
  # DD-Net's Keras code: all training clips; the port's 512 are more than JHMDB's.
  train.batch_size = 0
  train.eval_every_epochs = 50  # ours
  if form == 'port':
    train.epochs = 600  # DD-Net's port; 250 give the same
    optimizer.plateau = 'train_loss'
    optimizer.plateau_factor = 0.5  # DD-Net's port
    optimizer.plateau_patience = 5  # DD-Net's port
    optimizer.plateau_cooldown = 1  # DD-Net's port: 0.5, which in PyTorch acts like 1
    optimizer.plateau_floor = 5e-6  # DD-Net's port
  else:
    train.epochs = 1200  # DD-Net's Keras code: 600 and 600
    optimizer.schedule = 'steps'
    optimizer.decay_epochs = (600,)  # DD-Net's Keras code
    optimizer.decay_factor = 0.1  # DD-Net's Keras code


def _use_our_recipe(config: ml_collections.ConfigDict, epochs: int):
  """Augmentation, AdamW, a decaying rate, and mirror images in evaluation; ours."""
  data, augment = config.data, config.augment
  data.trajectories.normalization = 'clip'
  data.trajectories.resampling = 'linear'
  data.crop = 'person'  # ours: shares of the map are then shares of the person
  data.map_size = (64, 64)  # ours: trajectories need no shape of the frame
  few_clips.augment(config)
  few_clips.even_out_classes(config)
  augment.scale = (0.85, 1.15)  # ours
  augment.flip_probability = 0.5  # ours
  augment.shift = 0.0  # ours: the clip's mean position is subtracted
  augment.time.crop = (0.6, 1.0)  # ours
  augment.time.crop_probability = 0.7  # ours
  augment.time.tempo = 1.25  # ours
  augment.mixup = 0.4  # ours
  optimizer, train = config.optimizer, config.train
  optimizer.name = 'adamw'
  optimizer.learning_rate = 2e-3  # ours
  optimizer.weight_decay = 0.05  # ours
  optimizer.clip_norm = 1.0  # ours
  optimizer.schedule = 'cosine'
  optimizer.warmup_epochs = 5.0  # ours
  train.batch_size = 64  # ours
  train.epochs = epochs
  train.label_smoothing = 0.1  # ours
  train.eval_every_epochs = 25  # ours
  config.eval.mirror = True
