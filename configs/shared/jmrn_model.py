"""Shared by JMRN's experiments: the model, PoTion input, training and ablations.

The numbers are from the official code's scripts; the paper does not give them.
"""

from __future__ import annotations

import math

import ml_collections

from configs.shared import few_clips, options

MODELS = ('jmrn', 'potion', 'potion_deeper')
MOTIONS = ('translation', 'continuous', 'rotation', 'joint', 'none')


def parse_options(arg: str, *, choices: dict | None = None, **own):
  """Parses the options of all JMRN experiments and an experiment's `own` ones."""
  shared = {
    'representation': ('potion', 'heatmaps', 'keypoints'),
    'paa': MOTIONS,
  }
  return options.parse_arg(
    arg,
    choices={**shared, **(choices or {})},
    **{
      'representation': '',
      'fold': 0,
      'test': True,
      'paa': 'translation',
      'contrastive': True,
      'selector': True,
      'siamese': True,
      **own,
    },
  )


def read_potion(
  config: ml_collections.ConfigDict,
  representation: str,
  *,
  num_frames: int,
):
  """Lets the model read PoTion maps of whole videos, joints only (JMRN Sec. 3, 4.1).

  Args:
    representation: '' for 'potion', which sums the frames up at export.
    num_frames: maximum number of frames that are read from other representations.
  """
  data = config.data
  data.representation = representation or 'potion'
  data.encoding = 'potion'  # JMRN Sec. 3
  data.sampling = 'whole'  # JMRN Sec. 3
  data.num_frames = num_frames
  data.background = False  # official scripts
  config.augment.scale = (1.0, 1.0)  # official code: scales nothing
  config.augment.shift = 0.0  # official code: shifts only by pose-aware augmentation
  config.eval.views = 1  # official code: the whole video, centre crop


def jmrn(compressed: int, dropout: float = 0.0) -> ml_collections.ConfigDict:
  """The official code's network.

  Args:
    compressed: c_dim, channels per joint in the joint reasoning.
    dropout: rate at which whole channels are dropped; above 0 only for Charades.
  """
  return ml_collections.ConfigDict(
    {
      'name': 'jmrn',  # a name in pose_action/training/model_registry.py
      'compressed': compressed,  # c_dim, channels per joint in the joint reasoning
      'features': (128, 256),  # channels of each stage of the joint encoder
      'selector_features': 256,  # channels in the joint selector; Sec. 3.1
      'reasoning_features': 512,  # channels in the joint reasoning
      # Size of the embeddings for the joint-contrastive loss; 0 leaves them out.
      'projection_features': 128,
      'dropout': dropout,  # rate at which whole channels are dropped
      'selector': True,  # False leaves the joints unweighted (Sec. 4.3)
      'selector_temperature': 1.0,  # temperature of the selector's sigmoid
      'gumbel': False,  # noise on the selector in training; off in all scripts
      'siamese': True,  # False: a separate encoder for each joint (Table 8)
      # The official code's is 'dense'. Ours: 'windows' computes the same up to rounding,
      # on windows around each joint's motion (docs/performance.md); 'auto' does on CPUs.
      'encoder': 'auto',
      # Ours: 'winograd' computes 3×3 convolutions with stride 1 in 4/9 of the products,
      # the same up to float32 rounding, in training from 128 channels on; 'auto' does so
      # on one CPU device; or 'direct'.
      'convolution_algorithm': 'auto',
      'windows': (),  # sizes and counts of windows; () plans from the training clips
      # Dtype of the computation; parameters, BatchNorm statistics and the optimizer's
      # state stay float32. 'bfloat16' is for accelerators.
      'dtype': 'float32',
    }
  )


def potion_baseline(deeper: bool = False) -> ml_collections.ConfigDict:
  """PoTion: PA3D's action CNN on the same maps, concatenated on the channel axis.

  Args:
    deeper: add a convolution to each stage: 7.8 M parameters instead of 4.7 M, about as
      many as JMRN (Table 7; the paper does not give the sizes of its three layers).
  """
  return ml_collections.ConfigDict(
    {
      'name': 'pa3d',  # a name in pose_action/training/model_registry.py
      'temporal': 'potion',  # PoTion maps, concatenated on the channel axis
      'input_norm': 'none',  # or 'batch_norm'
      'features': (128, 256, 512),  # channels of each stage; PA3D Table 1
      # Convolutions per stage; 3 makes the baseline about as large as JMRN (Table 7).
      'convolutions': 3 if deeper else 2,
      'order': 'norm_relu',  # as in PA3D's action CNN; or 'relu_norm'
      'dropout': 0.0,  # off, as in the official scripts for JHMDB and HMDB
      # Ours: 'winograd' computes 3×3 convolutions with stride 1 in 4/9 of the products,
      # the same up to float32 rounding, in training from 128 channels on; 'auto' does so
      # on one CPU device; or 'direct'.
      'convolution_algorithm': 'auto',
      # Dtype of the computation; parameters, BatchNorm statistics and the optimizer's
      # state stay float32. 'bfloat16' is for accelerators.
      'dtype': 'float32',
    }
  )


def choose_model(
  config: ml_collections.ConfigDict,
  args: ml_collections.ConfigDict,
  *,
  compressed: int,
  dropout: float = 0.0,
):
  """Sets the network that the options `model`, `selector` and `siamese` select.

  Raises:
    ValueError: for PoTion combined with an option that only JMRN has.
  """
  if args.model == 'jmrn':
    config.model = jmrn(compressed, dropout)
    config.model.selector = args.selector
    config.model.siamese = args.siamese
    return
  if not (args.selector and args.siamese):
    raise ValueError(
      "selector=false and siamese=false change JMRN's network, but the config string"
      f' gives model={args.model}; leave them out, or use model=jmrn'
    )
  config.model = potion_baseline(deeper=args.model == 'potion_deeper')


def train_with_adam(
  config: ml_collections.ConfigDict,
  *,
  batch_size: int,
  epochs: int,
  learning_rate: float,
  patience: int,
):
  """Adam; the rate drops on a plateau (Sec. 4.1); an evaluation every 5 epochs."""
  config.optimizer.name = 'adam'  # JMRN Sec. 4.1
  config.optimizer.learning_rate = learning_rate
  config.optimizer.weight_decay = 0.0  # official code
  # JMRN Sec. 4.1; the official code monitors the loss, see `as_published`.
  config.optimizer.plateau = 'accuracy'
  config.optimizer.plateau_factor = 0.1  # official code
  config.optimizer.plateau_patience = patience
  config.train.batch_size = batch_size
  config.train.epochs = epochs
  config.train.eval_every_epochs = 5  # official scripts
  config.augment.views = 2  # official code: both are classified, so the batch doubles


def as_published(config: ml_collections.ConfigDict):
  """Selects and lowers the rate by the loss on the test split (official code)."""
  config.data.validate_on = 'test'  # official code
  config.optimizer.plateau = 'loss'  # official code


def move_joints(
  config: ml_collections.ConfigDict, mode: str, *, global_shift: int, group_shift: int
):
  """Sets pose-aware augmentation (Sec. 3.2) or one of its variants.

  Args:
    mode: 'translation' as published; 'continuous' shifts by fractions of cells too;
      'rotation' rotates groups by up to 15 degrees instead of shifting them (ours; the
      paper's supplementary gives no numbers); 'joint' shifts each joint by itself;
      'none'.
    global_shift, group_shift: β and γ in cells of a map with 64 on its short side.
  """
  motion = config.augment.pose_aware
  if mode == 'none':
    return
  motion.global_shift = float(global_shift)
  if mode == 'rotation':
    motion.rotation = 15.0  # ours
  else:
    motion.group_shift = float(group_shift)
  motion.unit = 'joint' if mode == 'joint' else 'group'
  motion.whole_cells = mode != 'continuous'


def contrast_joints(
  config: ml_collections.ConfigDict,
  *,
  weight: float,
  temperature: float,
  ramp_start: int,
  ramp_epochs: int,
):
  """Turns on the joint-contrastive loss (Eq. 1 and 2) with the official code's ramp."""
  contrastive = config.train.contrastive
  contrastive.weight = weight
  contrastive.temperature = temperature
  contrastive.ramp_start_epoch = ramp_start
  contrastive.ramp_epochs = ramp_epochs


def make_small(
  config: ml_collections.ConfigDict, args: ml_collections.ConfigDict, epochs: int
):
  """Changes a published setting to our small one for two cores; all numbers are ours.

  As for PA3D, people fill a small map, and a higher, decaying rate needs fewer epochs;
  JMRN has a quarter of the width, PoTion half. Shifts shrink with the map. `quick`
  adds augmentation, and evens out classes.
  """
  setting = few_clips.chosen(args)
  few_clips.check_keypoints(setting, args.representation)
  share = epochs / config.train.epochs
  config.data.representation = 'keypoints'
  config.data.crop = 'person'  # ours: no cells are spent on empty background
  config.data.map_size = (32, 32)  # ours: people fill it
  config.data.map_short_side = 32  # ours: people fill it
  config.data.map_sigma = 1.0  # ours: in proportion to the map
  config.data.num_frames = min(config.data.num_frames, 40)  # ours
  motion = config.augment.pose_aware
  for shift in ('global_shift', 'group_shift'):
    # Ours: people are smaller here by about this factor; whole cells need a maximum of 2.
    motion[shift] = (
      float(max(math.ceil(0.6 * motion[shift]), 2)) if motion[shift] else 0.0
    )
  contrastive = config.train.contrastive
  for field in ('ramp_start_epoch', 'ramp_epochs'):
    # Ours: the ramp shrinks with the number of epochs.
    contrastive[field] = round(contrastive[field] * share)
  if config.model.name == 'jmrn':
    config.model.features = (32, 64)  # ours: a quarter of the width
    config.model.compressed = 32  # ours: a quarter of the width
    config.model.selector_features = 64  # ours: a quarter of the width
    config.model.reasoning_features = 128  # ours: a quarter of the width
    config.model.projection_features = 64  # ours
  else:
    config.model.features = (64, 128, 256)  # ours: half the width
  config.optimizer.learning_rate = 1e-3  # ours: needs fewer epochs, as it decays
  config.optimizer.plateau = ''  # ours: the schedule lowers the rate
  config.optimizer.schedule = 'cosine'  # ours: needs fewer epochs
  config.optimizer.warmup_epochs = 2.0  # ours
  config.train.epochs = epochs
  config.train.eval_every_epochs = 10  # ours
  if setting == 'quick':
    few_clips.augment(config)
    few_clips.even_out_classes(config)
