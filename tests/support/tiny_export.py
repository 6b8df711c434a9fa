"""A small source of made-up clips, and its export: the data set 'tiny'."""

import numpy as np

from input_pipeline.export.export import export_dataset
from input_pipeline.export.open_or_export import open_or_export
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.skeletons.registry import Skeleton

SKELETON = Skeleton('duo', ('head', 'neck'), (('head', 'neck'),), background=True)


def make_clip(video_id, labels=None, visible=True):
  """The clip `v<number>`, whose length, people and label depend on the number."""
  number = int(video_id[1:])
  rng = np.random.default_rng(number)
  shape = (3 + number, 1 + number % 2, 2)
  return PoseClip(
    video_id,
    rng.uniform(-10, 100, (*shape, 2)),
    rng.uniform(0.1, 1, shape) if visible else np.zeros(shape),
    (60, 80),
    SKELETON,
    (number % 3,) if labels is None else labels,
  )


def make_source(load=make_clip, **splits):
  splits = splits or {'train1': ('v4', 'v0', 'v7'), 'test1': ('v2', 'v0')}
  return PoseSource(SKELETON, ('run', 'sit', 'wave'), splits, load)


def export_tiny(tmp_path, source=None, representation='keypoints', **kwargs):
  kwargs = {'progress': lambda line: None, 'short_side': 8, 'sigma': 1.0, **kwargs}
  return export_dataset(
    source or make_source(),
    dataset='tiny',
    representation=representation,
    data_dir=tmp_path,
    **kwargs,
  )


def open_tiny(tmp_path, **kwargs):
  settings = {'representation': 'heatmaps', 'short_side': 8, 'sigma': 1.0}
  settings |= {'progress': lambda line: None, **kwargs}
  return open_or_export(dataset='tiny', data_dir=tmp_path, **settings)
