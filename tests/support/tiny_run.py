"""A data set and configs small enough for any test; `main.py` takes this file too.

Frozen runs were trained on these clips with these configs, so neither may change; see
tests/pose_action/training/frozen/README.md.
"""

import dataclasses
import json
import pathlib

import ml_collections
import numpy as np

from configs.shared import base, jmrn_model, pa3d_model
from input_pipeline.export.export import export_dataset
from input_pipeline.loading.loader import training_batches
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import Skeleton
from input_pipeline.storage.dataset import open_dataset
from pose_action.training import run_data

SKELETON = Skeleton(
  name='star',
  joints=('head', 'left_wrist', 'right_wrist', 'left_ankle', 'right_ankle'),
  limbs=(('head', 'left_wrist'), ('head', 'right_wrist')),
)
CLASS_NAMES = ('raise', 'lower', 'rest')
NUM_TRAIN, NUM_TEST, NUM_FRAMES = 37, 13, 8


def get_config(arg: str = '') -> ml_collections.ConfigDict:
  """PA3D, or a JMRN with the option `:jmrn`; same clips and steps."""
  return get_jmrn_config() if arg == 'jmrn' else _pa3d_config().lock()


def _pa3d_config() -> ml_collections.ConfigDict:
  """Twelve steps, three per epoch, with 7 of the 37 clips held out."""
  config = base.base_config()
  config.data.dataset = 'tiny'
  config.data.train_split = 'train'
  config.data.test_split = 'test'
  config.data.map_short_side = 16
  config.data.map_size = (16, 16)
  config.data.map_sigma = 1.0
  config.model = pa3d_model.joint_stream(outputs=4)
  config.model.features = (8,)  # One stage compiles in a third of the time.
  config.optimizer.learning_rate = 0.05
  config.optimizer.schedule = 'cosine'
  config.train.batch_size = 8
  config.train.epochs = 4
  config.train.log_every_steps = 2
  config.train.eval_every_epochs = 1
  config.eval.views = 2
  config.eval.batch_size = 8
  return config


def get_jmrn_config() -> ml_collections.ConfigDict:
  """JMRN on PoTion maps with all training features; λ is 0, 0, 0.2, 0.4 by epoch."""
  config = _pa3d_config()
  jmrn_model.read_potion(config, 'keypoints', num_frames=NUM_FRAMES)
  config.model = jmrn_model.jmrn(compressed=4, dropout=0.25)
  config.model.encoder = 'dense'  # Windows take long to compile and change no number.
  config.model.features = (8, 16)
  config.model.selector_features = 8
  config.model.reasoning_features = 16
  config.model.projection_features = 8
  config.optimizer.schedule = 'constant'
  jmrn_model.train_with_adam(
    config, batch_size=8, epochs=4, learning_rate=0.01, patience=1
  )
  config.train.eval_every_epochs = 1
  jmrn_model.move_joints(config, 'translation', global_shift=3, group_shift=2)
  jmrn_model.contrast_joints(
    config, weight=0.4, temperature=0.3, ramp_start=1, ramp_epochs=2
  )
  return config.lock()


def source(
  first: int = 0, *, background: bool = False, multi_label: bool = False
) -> PoseSource:
  """Star figures that raise, lower or rest their wrists; numbered from `first`.

  Args:
    background: adds a background map.
    multi_label: gives every second figure the next class too.
  """
  skeleton = dataclasses.replace(SKELETON, background=background)

  def load(video_id: str) -> PoseClip:
    number = int(video_id.rpartition('_')[2])
    rng = np.random.default_rng(number)
    label = number % 3
    lift = np.linspace(-12, 12, NUM_FRAMES) * (1, -1, 0)[label]
    figure = np.array([[32, 10], [44, 24], [20, 24], [38, 40], [26, 40]], np.float32)
    keypoints = np.tile(figure, (NUM_FRAMES, 1 + number % 2, 1, 1))
    keypoints[:, :, 1:3, 1] -= lift[:, None, None]
    keypoints += rng.normal(0, 2, keypoints.shape)
    scores = rng.uniform(0.2, 1, keypoints.shape[:-1])
    scores[rng.random(scores.shape) < 0.1] = 0
    size = ((48, 64), (64, 48))[number % 5 == 0]
    also = (label + 1) % 3
    labels = (label, also) if multi_label and number % 2 else (label,)
    return PoseClip(video_id, keypoints, scores, size, skeleton, labels)

  splits = {
    'train': tuple(f'train_{first + n:03}' for n in range(NUM_TRAIN)),
    'test': tuple(f'test_{first + 500 + n:03}' for n in range(NUM_TEST)),
  }
  return PoseSource(skeleton, CLASS_NAMES, splits, load, multi_label)


def export(
  data_dir: pathlib.Path,
  representation: str = 'keypoints',
  first: int = 0,
  modalities: tuple[str, ...] | None = None,
  **source_options: bool,
):
  """Exports the data set for these configs; see `source` for the options."""
  export_dataset(
    source(first, **source_options),
    dataset='tiny',
    representation=representation,
    data_dir=data_dir,
    short_side=16,
    sigma=1.0,
    modalities=modalities,
    progress=lambda line: None,
  )


def open_run_data(config: ml_collections.ConfigDict) -> run_data.RunData:
  data = config.data
  dataset = open_dataset(data.data_dir, data.dataset, data.representation)
  return run_data.make_run_data(config, dataset)


def training_batch(data: run_data.RunData, batch_size: int = 8) -> dict:
  """A run's first batch, on the host."""
  return next(
    training_batches(
      data.train.records,
      data.train.indices,
      data.clip_settings,
      batch_size=batch_size,
      seed=0,
    )
  )


def metrics_without_speeds(workdir: pathlib.Path) -> list[dict]:
  """The lines of metrics.jsonl without the figures that differ between equal runs."""
  speeds = {'train/clips_per_second', 'train/data_share'}
  lines = (pathlib.Path(workdir) / 'metrics.jsonl').read_text().splitlines()
  return [
    {name: value for name, value in json.loads(line).items() if name not in speeds}
    for line in lines
  ]
