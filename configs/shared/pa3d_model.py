"""Shared by PA3D's experiments: the model, the options and the small setting."""

from __future__ import annotations

import ml_collections

from configs.shared import few_clips, options

MODALITIES = (
  *('joints', 'parts', 'features'),
  *('joints_diff', 'parts_diff', 'features_diff'),
)
TEMPORAL = ('temporal_pose_conv', 'tsn', 'temporal_conv', 'conv3d', 'colorization')
BRANCHES = ('global', 'dilated', 'local')
# Table 4's values and PoTion's three colours; 0 is the data set's own T or N. To use
# another value, set the field.
_FRAMES = (0, 2, 4, 6, 8, 12)
_OUTPUTS = (0, 2, 3, 4, 6, 8, 12)


def parse_options(arg: str, *, choices: dict | None = None, **own):
  """Parses the options of all PA3D experiments and an experiment's `own` ones."""
  shared = {
    'representation': ('heatmaps', 'keypoints'),
    'modality': MODALITIES,
    'temporal': TEMPORAL,
    'branches': BRANCHES,
    'frames': _FRAMES,
    'outputs': _OUTPUTS,
  }
  return options.parse_arg(
    arg,
    choices={**shared, **(choices or {})},
    **{
      'representation': '',
      'fold': 0,
      'test': True,
      'modality': ('joints',),
      'temporal': 'temporal_pose_conv',
      'branches': ('global', 'dilated'),  # Table 3's best
      'frames': 0,
      'outputs': 0,
      **own,
    },
  )


def choose_stream(
  config: ml_collections.ConfigDict,
  args: ml_collections.ConfigDict,
  *,
  frames: int,
  outputs: int,
):
  """Sets modality, number of frames and model as the options say.

  Args:
    frames, outputs: the data set's T and N, used if the options give none.

  Raises:
    ValueError: for features with keypoints, which have no features.
  """
  config.data.representation = args.representation or 'heatmaps'
  if config.data.representation == 'keypoints':
    _check_rendered(args.modality)
  config.data.modalities = args.modality
  config.data.num_frames = args.frames or frames
  config.model = joint_stream(args.outputs or outputs)
  config.model.temporal = args.temporal
  config.model.branches = args.branches
  if any(name.startswith('features') for name in args.modality):
    # Ours: a CNN's features are neither in 0..1 nor sparse.
    config.model.input_norm = 'batch_norm'
    # Ours: all views of 16 videos can need 22 GB (docs/performance.md).
    config.eval.batch_size = 2


def _check_rendered(modalities: tuple[str, ...]):
  features = [name for name in modalities if name.startswith('features')]
  if features:
    raise ValueError(
      f'config string gives modality={"+".join(features)}, but keypoints have no'
      ' features; extract them with a pose network (tools/extract_poses.py), and use'
      ' representation=heatmaps, without small, quick and tuned'
    )


def joint_stream(outputs: int) -> ml_collections.ConfigDict:
  """Global + dilated temporal pose convolution and the action CNN.

  Args:
    outputs: N, in all branches together; Table 3 keeps N fixed for every combination of
      branches. The paper does not say how N is divided; we divide it evenly.
  """
  return ml_collections.ConfigDict(
    {
      'name': 'pa3d',  # a name in pose_action/training/model_registry.py
      # Or a baseline from Table 2: 'tsn', 'temporal_conv', 'conv3d', 'colorization'
      # (PoTion's colours over the clip's frames).
      'temporal': 'temporal_pose_conv',
      # Branches of temporal pose convolution: 'global', 'dilated', 'local'; Table 3's
      # best.
      'branches': ('global', 'dilated'),
      'outputs': outputs,  # N, output maps per channel, in all branches together
      'dilation': 2,  # d, frames between the taps of a dilated filter; Fig. 3
      # Ours: Eq. (2) read literally, M filters over frames 0, d, 2d, … With 'all' a
      # filter also starts at frames 1, …, d - 1.
      'dilation_phases': 'first',
      # After temporal pose convolution; ours: none, as in Eq. (1) and (2). Or 'relu'.
      'nonlinearity': 'none',
      # Ours: computes temporal pose convolution inside the first convolution where this
      # saves work, up to float32 rounding the same; 'plain' keeps them apart.
      'filter_folding': 'auto',
      # Ours: 'winograd' computes 3×3 convolutions with stride 1 in 4/9 of the products,
      # the same up to float32 rounding, in training from 128 channels on; 'auto' does so
      # on one CPU device; or 'direct'.
      'convolution_algorithm': 'auto',
      # Ours: none, since maps are sparse and in 0..1. Or 'batch_norm'.
      'input_norm': 'none',
      'features': (128, 256, 512),  # channels of each stage of the action CNN; Table 1
      # Ours: BatchNorm, then ReLU, after each convolution, as usual and as in reference
      # [4]. Or 'relu_norm'.
      'order': 'norm_relu',
      'dropout': 0.5,  # rate before the classifier; ours: the usual one
      # Dtype of the computation; parameters, BatchNorm statistics and the optimizer's
      # state stay float32. 'bfloat16' is for accelerators.
      'dtype': 'float32',
    }
  )


def make_small(
  config: ml_collections.ConfigDict, args: ml_collections.ConfigDict, epochs: int
):
  """Changes a paper's setting to our small one for two cores; all numbers are ours.

  People fill a small map. Half the width is enough for few clips. A higher, decaying
  rate with label smoothing needs fewer epochs. `quick` and `tuned` add
  augmentation, and even out classes.
  """
  setting = few_clips.chosen(args)
  few_clips.check_keypoints(setting, args.representation)
  _check_rendered(args.modality)
  config.data.representation = 'keypoints'
  config.data.crop = 'person'  # ours: no cells are spent on empty background
  config.data.map_size = (32, 32)  # ours: people fill it
  config.data.map_short_side = 32  # ours: people fill it
  config.data.map_sigma = 1.0  # ours: in proportion to the map
  config.data.part_width = 1.0  # ours
  config.data.num_frames = args.frames or 8  # ours
  config.augment.scale = (0.85, 1.15)  # ours
  config.model.features = (64, 128, 256)  # ours: half the width, for few clips
  config.optimizer.learning_rate = 0.05  # ours: needs fewer epochs, as it decays
  config.optimizer.schedule = 'cosine'  # ours: needs fewer epochs
  config.optimizer.warmup_epochs = 2.0  # ours
  config.train.epochs = epochs
  config.train.label_smoothing = 0.1  # ours: needs fewer epochs
  config.train.eval_every_epochs = 10  # ours
  if setting == 'small':
    return
  few_clips.augment(config)
  if setting == 'quick':
    # Ours: half of the balanced softmax; all of it costs accuracy in well-filled classes.
    config.train.logit_adjustment = 0.5
  else:
    few_clips.even_out_classes(config)
    config.augment.mixup = 0.2  # ours
