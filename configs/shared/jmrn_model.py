"""What JMRN's experiments share: its model, PoTion input, training and ablations.

Numbers are those of the official code's scripts, which the paper does not print.
"""

from __future__ import annotations

import math

import ml_collections

from configs.shared import options as config_args

MODELS = ('jmrn', 'potion', 'potion_deeper')
MOTIONS = ('translation', 'continuous', 'rotation', 'joint', 'none')


def parse_options(arg: str, *, choices: dict | None = None, **own):
  """The options that all these experiments have, and those that are one's `own`."""
  shared = {
    'representation': ('potion', 'heatmaps', 'keypoints'),
    'paa': MOTIONS,
  }
  return config_args.parse_arg(
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
  """The model reads PoTion maps of whole videos, joints alone (JMRN Sec. 3, 4.1).

  Args:
    representation: '' for 'potion', whose frames are summed up once, at export.
    num_frames: of the other representations the most that are read.
  """
  data = config.data
  data.representation = representation or 'potion'
  data.encoding = 'potion'
  data.sampling = 'whole'
  data.num_frames = num_frames
  data.background = False
  config.augment.scale = (1.0, 1.0)
  config.augment.shift = 0.0
  config.eval.views = 1  # the video as a whole, at the centre (official code)


def jmrn(compressed: int, dropout: float = 0.0) -> ml_collections.ConfigDict:
  """The network of the official code.

  Args:
    compressed: c_dim, channels a joint keeps for the reasoning.
    dropout: of whole channels; on for Charades only.
  """
  return ml_collections.ConfigDict(
    {
      'name': 'jmrn',
      'compressed': compressed,
      'features': (128, 256),  # of the joint encoder's two stages
      'selector_features': 256,  # Sec. 3.1
      'reasoning_features': 512,
      'projection_features': 128,  # of the contrastive loss' embeddings; 0: none
      'dropout': dropout,
      'selector': True,  # False: joints are not re-weighted (Sec. 4.3)
      'selector_temperature': 1.0,
      'gumbel': False,  # noise on the selector in training; off in all scripts
      'siamese': True,  # False: an encoder for each joint (Table 8)
      # Of the computation; parameters, BatchNorm statistics and the optimiser's state
      # stay float32. 'bfloat16' is for accelerators.
      'dtype': 'float32',
    }
  )


def potion_baseline(deeper: bool = False) -> ml_collections.ConfigDict:
  """PoTion: PA3D's action CNN on the same maps, laid side by side.

  Args:
    deeper: one more convolution in each stage, 7.8 M parameters instead of 4.7 M, near
      JMRN's (Table 7; the paper does not say which sizes its three layers have).
  """
  return ml_collections.ConfigDict(
    {
      'name': 'pa3d',
      'temporal': 'potion',
      'input_norm': 'none',
      'features': (128, 256, 512),
      'convolutions': 3 if deeper else 2,
      'order': 'norm_relu',
      'dropout': 0.0,  # off, as in the official scripts for JHMDB and HMDB
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
  """Sets the network that the options `model`, `selector` and `siamese` ask for.

  Raises:
    ValueError: where PoTion is asked for without a part that only JMRN has.
  """
  if args.model == 'jmrn':
    config.model = jmrn(compressed, dropout)
    config.model.selector = args.selector
    config.model.siamese = args.siamese
    return
  if not (args.selector and args.siamese):
    raise ValueError(
      "selector=false and siamese=false change JMRN's network, but the config string"
      f' gives model={args.model}; leave them out, or take model=jmrn'
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
  """Adam, its rate dropped on a plateau (Sec. 4.1); an evaluation every 5 epochs."""
  config.optimizer.name = 'adam'
  config.optimizer.learning_rate = learning_rate
  config.optimizer.weight_decay = 0.0
  # The paper's; the official code watches the loss, see `as_published`.
  config.optimizer.plateau = 'accuracy'
  config.optimizer.plateau_factor = 0.1
  config.optimizer.plateau_patience = patience
  config.train.batch_size = batch_size
  config.train.epochs = epochs
  config.train.eval_every_epochs = 5
  config.train.fast_cpu_convolutions = True  # ours
  config.augment.views = 2  # both are classified, and make the batch twice as large


def as_published(config: ml_collections.ConfigDict):
  """Selects and lowers the rate by the loss on the test split (official code)."""
  config.data.validate_on = 'test'
  config.optimizer.plateau = 'loss'


def move_joints(
  config: ml_collections.ConfigDict, mode: str, *, global_shift: int, group_shift: int
):
  """Pose-aware augmentation (Sec. 3.2) and its variants.

  Args:
    mode: 'translation' as published; 'continuous', by parts of cells too; 'rotation',
      of groups instead of their shifts, up to 15 degrees (ours; the paper's
      supplementary has it without numbers); 'joint', each joint on its own; 'none'.
    global_shift, group_shift: β and γ in cells of a map with 64 on its short side.
  """
  motion = config.augment.pose_aware
  if mode == 'none':
    return
  motion.global_shift = float(global_shift)
  if mode == 'rotation':
    motion.rotation = 15.0
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
  """The joint-contrastive loss (Eq. 1 and 2) with the official code's ramp."""
  contrastive = config.train.contrastive
  contrastive.weight = weight
  contrastive.temperature = temperature
  contrastive.ramp_start_epoch = ramp_start
  contrastive.ramp_epochs = ramp_epochs


def make_quick(config: ml_collections.ConfigDict, representation: str, epochs: int):
  """Turns a published setting into ours for two cores; all numbers here are ours.

  As PA3D's: people fill a small map, a network of a quarter of the width, and a higher
  rate that decays, for fewer epochs. Shifts shrink with the map, the ramp of λ with
  the epochs.
  """
  if representation not in ('', 'keypoints'):
    raise ValueError(
      "'quick' fits the map to the people, which needs keypoints; leave"
      f' representation={representation} out'
    )
  share = epochs / config.train.epochs
  config.data.representation = 'keypoints'
  config.data.crop = 'person'
  config.data.map_size = (32, 32)
  config.data.map_short_side = 32
  config.data.map_sigma = 1.0
  config.data.num_frames = min(config.data.num_frames, 40)
  motion = config.augment.pose_aware
  for shift in ('global_shift', 'group_shift'):
    # People are smaller here by about this much; whole cells need a maximum of 2.
    motion[shift] = (
      float(max(math.ceil(0.6 * motion[shift]), 2)) if motion[shift] else 0.0
    )
  contrastive = config.train.contrastive
  for field in ('ramp_start_epoch', 'ramp_epochs'):
    contrastive[field] = round(contrastive[field] * share)
  if config.model.name == 'jmrn':
    config.model.features = (32, 64)
    config.model.compressed = 32
    config.model.selector_features = 64
    config.model.reasoning_features = 128
    config.model.projection_features = 64
  else:
    config.model.features = (64, 128, 256)
  config.optimizer.learning_rate = 1e-3
  config.optimizer.plateau = ''
  config.optimizer.schedule = 'cosine'
  config.optimizer.warmup_epochs = 2.0
  config.train.epochs = epochs
  config.train.eval_every_epochs = 10
