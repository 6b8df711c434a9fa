"""Files of every format with random damage: each is read, or ends in a PoseDataError, in a
process with limits. POSE_ACTION_FUZZ=N tries N batches per format instead of a short one
(.ci/long)."""

import os

import pytest
from limited_doors import outcomes
from sound_poses import makers

from input_pipeline.readers.registry import READERS

_BATCHES = int(os.environ.get('POSE_ACTION_FUZZ', '1'))
_BATCH = 20 if _BATCHES > 1 else 8


@pytest.fixture(scope='module')
def batches(tmp_path_factory):
  folder = tmp_path_factory.mktemp('fuzz')
  keys = [(name, seed) for name in makers() for seed in range(_BATCHES)]
  found = outcomes(
    [['fuzz', str(folder / name), name, str(seed), str(_BATCH)] for name, seed in keys]
  )
  return dict(zip(keys, found, strict=True))


@pytest.mark.parametrize('seed', range(_BATCHES))
@pytest.mark.parametrize('name', list(makers()))
def test_damaged_files(batches, name, seed):
  assert batches[name, seed].fault == ''
  assert batches[name, seed].error == ''


def test_every_format_is_damaged():
  pytest.importorskip('sleap_io', reason='sleap-io is not installed')
  assert {make().format for make in makers().values()} == set(READERS)
