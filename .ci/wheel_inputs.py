"""Writes models that have learned nothing, and poses, for `wheel_check.py`."""

import pathlib
import sys

import numpy as np
import tiny_run
import untrained_run

from configs import ddnet_jhmdb
from input_pipeline.skeletons.registry import get_skeleton

folder = pathlib.Path(sys.argv[1])
for name, config in (
  ('pa3d', tiny_run.get_config()),
  ('jmrn', tiny_run.get_jmrn_config()),
  ('ddnet', ddnet_jhmdb.get_config('joints')),
):
  config = config.copy_and_resolve_references().unlock()
  config.data.dataset = 'mine'
  untrained_run.write_workdir(
    folder / name, config, get_skeleton('coco_17'), ('sit', 'walk', 'wave')
  )
(folder / 'poses').mkdir()
rng = np.random.default_rng(0)
for clip in ('clip1', 'clip2'):
  joints = rng.uniform(20, 200, (8, 17, 2))
  np.save(
    folder / 'poses' / f'{clip}.npy',
    np.concatenate([joints, np.ones((8, 17, 1))], axis=-1).astype(np.float32),
  )
