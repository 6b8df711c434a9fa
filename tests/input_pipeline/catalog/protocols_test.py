import re

import numpy as np
import pytest

from input_pipeline.catalog.open_source import load_source
from input_pipeline.catalog.protocols import (
  PROTOCOLS,
  asked_figures,
  export_command,
)
from input_pipeline.readers import registry
from input_pipeline.skeletons.registry import get_skeleton
from pose_action.evaluation import metrics


@pytest.mark.parametrize('protocol', PROTOCOLS.values(), ids=lambda p: p.name)
def test_protocols_name_what_exists(protocol):
  get_skeleton(protocol.skeleton)
  assert protocol.format is None or protocol.format in registry.READERS


@pytest.mark.parametrize(
  'dataset',
  [
    *('jhmdb', 'hmdb51', 'charades', 'mimetics', 'penn_action', 'stick_actions'),
    *('ntu60', 'ntu120', 'finegym', 'ucf101'),
  ],
)
def test_protocols_say_what_they_need_and_how_many_clips_that_is(dataset):
  protocol = PROTOCOLS[dataset]
  assert protocol.requires
  tested = {test for _, test in protocol.splits}
  assert protocol.format is None or set(protocol.num_clips) == tested
  figures = metrics.figures(
    np.full((2, 6), 1 / 6),
    np.eye(6, dtype=np.uint8)[:2] if protocol.multi_label else np.arange(2),
    asked_figures(protocol.name),
  )
  assert protocol.metric in figures
  assert set(protocol.further_metrics) <= {*figures, 'top5'}
  assert metrics.headline_figure(figures) == figures[protocol.metric]
  if protocol.format:
    with pytest.raises(ValueError, match=re.escape(f'{protocol.name} needs ')):
      load_source(protocol.name, poses='/nowhere')


def test_an_unknown_data_set_asks_for_nothing():
  assert asked_figures('mine') == ()
  assert asked_figures('mimetics') == ('accuracy', 'top5', 'mAP')


@pytest.mark.parametrize(
  ('dataset', 'flags'),
  [
    ('stick_actions', ''),
    ('jhmdb', ''),
    ('penn_action', ' --poses=FILE_OR_FOLDER'),
    ('hmdb51', ' --poses=FILE_OR_FOLDER'),
    ('mine', ' --format=FORMAT --poses=FILE_OR_FOLDER --skeleton=SKELETON'),
  ],
)
def test_export_command(dataset, flags):
  assert export_command(dataset, 'heatmaps', '/d') == (
    f'python tools/export_dataset.py --dataset={dataset} --representation=heatmaps'
    f' --data_dir=/d{flags}'
  )
