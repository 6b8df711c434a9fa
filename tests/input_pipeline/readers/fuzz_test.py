"""Files with random damage: each is read, or ends in a PoseDataError, in a process with
limits. POSE_ACTION_FUZZ=N tries N batches of files instead of two (.ci/long)."""

import os

import pytest
from limited_doors import outcomes

_BATCH = 150
_BATCHES = int(os.environ.get('POSE_ACTION_FUZZ', '2'))


@pytest.fixture(scope='module')
def batches(tmp_path_factory):
  folder = tmp_path_factory.mktemp('fuzz')
  return outcomes(
    [['fuzz', str(folder / str(n)), str(n), str(_BATCH)] for n in range(_BATCHES)]
  )


@pytest.mark.parametrize('seed', range(_BATCHES))
def test_damaged_files(batches, seed):
  assert batches[seed].fault == ''
  assert batches[seed].error == ''
