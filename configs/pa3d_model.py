"""PA3D's model fields, shared by its experiments."""

from __future__ import annotations

import ml_collections


def joint_stream(outputs: int) -> ml_collections.ConfigDict:
  """Global + dilated temporal pose convolution and the action CNN.

  Args:
    outputs: N, over both branches together: Table 3 keeps it while it changes the
      branches. How it is shared is left open; ours: evenly.
  """
  return ml_collections.ConfigDict(
    {
      'name': 'pa3d',
      'temporal': 'temporal_pose_conv',  # or the baseline 'tsn' (Table 2)
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


def make_quick(config: ml_collections.ConfigDict, representation: str, epochs: int):
  """Turns a paper's setting into ours for two cores; all numbers here are ours.

  People fill a small map, so that the cells go where the joints are; half the width is
  enough for few clips; a higher rate that decays, and softer labels, for fewer epochs.
  """
  if representation == 'heatmaps':
    raise ValueError(
      "'quick' fits the map to the people, which needs keypoints; leave"
      ' representation=heatmaps out'
    )
  config.data.representation = 'keypoints'
  config.data.crop = 'person'
  config.data.map_size = (32, 32)
  config.data.map_short_side = 32
  config.data.map_sigma = 1.0
  config.data.num_frames = 8
  config.augment.scale = (0.85, 1.15)
  config.model.features = (64, 128, 256)
  config.optimizer.learning_rate = 0.05
  config.optimizer.schedule = 'cosine'
  config.optimizer.warmup_epochs = 2.0
  config.train.epochs = epochs
  config.train.label_smoothing = 0.1
  config.train.eval_every_epochs = 10
