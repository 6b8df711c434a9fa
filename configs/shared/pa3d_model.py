"""What PA3D's experiments share: its model, its options, its small setting."""

from __future__ import annotations

import ml_collections

from configs.shared import options as config_args

MODALITIES = (
  *('joints', 'parts', 'features'),
  *('joints_diff', 'parts_diff', 'features_diff'),
)
TEMPORAL = ('temporal_pose_conv', 'tsn', 'temporal_conv', 'conv3d', 'colorization')
BRANCHES = ('global', 'dilated', 'local')
# Table 4's, and PoTion's three colours; any other by its field.
_FRAMES = (0, 2, 4, 6, 8, 12)
_OUTPUTS = (0, 2, 3, 4, 6, 8, 12)


def parse_options(arg: str, *, choices: dict | None = None, **own):
  """The options that all these experiments have, and those that are one's `own`."""
  shared = {
    'representation': ('heatmaps', 'keypoints'),
    'modality': MODALITIES,
    'temporal': TEMPORAL,
    'branches': BRANCHES,
    'frames': _FRAMES,
    'outputs': _OUTPUTS,
  }
  return config_args.parse_arg(
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
  """Sets what the options say of modality, time and model.

  Args:
    frames, outputs: the data set's T and N, where the options give none.

  Raises:
    ValueError: for features of keypoints, which do not have them.
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
    # All views of 16 videos can take 22 GB (docs/performance.md).
    config.eval.batch_size = 2


def _check_rendered(modalities: tuple[str, ...]):
  features = [name for name in modalities if name.startswith('features')]
  if features:
    raise ValueError(
      f'config string gives modality={"+".join(features)}, but keypoints have no'
      ' features; they come from a pose network (tools/extract_poses.py), as'
      ' representation=heatmaps, without quick'
    )


def joint_stream(outputs: int) -> ml_collections.ConfigDict:
  """Global + dilated temporal pose convolution and the action CNN.

  Args:
    outputs: N, over both branches together: Table 3 keeps it while it changes the
      branches. How it is shared is left open; ours: evenly.
  """
  return ml_collections.ConfigDict(
    {
      'name': 'pa3d',
      # Or a baseline of Table 2: 'tsn', 'temporal_conv', 'conv3d', 'colorization'
      # (PoTion's colours, over the clip's frames).
      'temporal': 'temporal_pose_conv',
      'branches': ('global', 'dilated'),  # Table 3's best
      'outputs': outputs,
      'dilation': 2,  # Fig. 3
      # Left open; ours: Eq. (2) read literally, M filters over frames 0, d, 2d, …
      # 'all' also starts at frames 1, …, d - 1.
      'dilation_phases': 'first',
      # Left open; ours: none, as Eq. (1) and (2) stand. Or 'relu'.
      'nonlinearity': 'none',
      # Left open; ours: none, maps come in 0..1 and are sparse. Or 'batch_norm'.
      'input_norm': 'none',
      'features': (128, 256, 512),  # Table 1
      # Left open; ours: BatchNorm then ReLU after each convolution, as is usual, and as
      # in reference [4]. Or 'relu_norm'.
      'order': 'norm_relu',
      'dropout': 0.5,  # rate left open; ours: the usual one
      # Of the computation; parameters, BatchNorm statistics and the optimiser's state
      # stay float32. 'bfloat16' is for accelerators.
      'dtype': 'float32',
    }
  )


def make_quick(
  config: ml_collections.ConfigDict, args: ml_collections.ConfigDict, epochs: int
):
  """Turns a paper's setting into ours for two cores; all numbers here are ours.

  People fill a small map, so that the cells go where the joints are; half the width is
  enough for few clips; a higher rate that decays, and softer labels, for fewer epochs.
  """
  if args.representation == 'heatmaps':
    raise ValueError(
      "'quick' fits the map to the people, which needs keypoints; leave"
      ' representation=heatmaps out'
    )
  _check_rendered(args.modality)
  config.data.representation = 'keypoints'
  config.data.crop = 'person'
  config.data.map_size = (32, 32)
  config.data.map_short_side = 32
  config.data.map_sigma = 1.0
  config.data.part_width = 1.0
  config.data.num_frames = args.frames or 8
  config.augment.scale = (0.85, 1.15)
  config.model.features = (64, 128, 256)
  config.optimizer.learning_rate = 0.05
  config.optimizer.schedule = 'cosine'
  config.optimizer.warmup_epochs = 2.0
  config.train.epochs = epochs
  config.train.label_smoothing = 0.1
  config.train.eval_every_epochs = 10
