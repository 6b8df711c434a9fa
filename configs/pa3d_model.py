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
      'features': (128, 256, 512),  # Table 1
      'dropout': 0.5,  # rate left open; ours: the usual one
      # Of the computation; parameters, BatchNorm statistics and the optimiser's state
      # stay float32. 'bfloat16' is for accelerators.
      'dtype': 'float32',
    }
  )
