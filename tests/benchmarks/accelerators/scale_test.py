"""The step over devices: a tiny one really compiled, and the arithmetic by hand."""

import math

import pytest
import tiny_run

from benchmarks.accelerators import memory, scale
from benchmarks.accelerators.collectives import Collective
from benchmarks.accelerators.scale import Machine, Step


@pytest.fixture
def tiny(tmp_path, monkeypatch):
  """(name, folder) of the tiny run, as a config that both programs open."""
  tiny_run.export(tmp_path)
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.data_dir = str(tmp_path)

  def open_config(name, data_dir):
    return config.copy_and_resolve_references(), tiny_run.open_run_data(config)

  monkeypatch.setattr(scale, 'open_config', open_config)
  monkeypatch.setattr(memory, 'open_config', open_config)
  return 'tiny', str(tmp_path)


def test_a_tiny_step_over_eight_devices(tiny):
  """The gradient of every parameter is sent, and BatchNorm's sums of one layer.

  conv1_1 has 3·3·(5·4) inputs and 8 outputs; with its BatchNorm, Θ [4, 4] of both
  branches, and the classifier [8, 3].
  """
  step = scale.measured(*tiny, devices=8, clips=2)
  assert (step.devices, step.clips) == (8, 2)
  assert {operation.kind for operation in step.operations} == {'all-reduce'}
  assert all(operation.devices == 8 for operation in step.operations)
  parameters = step.state / 4 / 2  # float32, and one momentum for each
  gradients = sum(operation.bytes for operation in step.operations) / 4
  assert 0.9 * parameters < gradients < 1.1 * parameters + 200
  assert step.temporary > 0
  assert 'all-reduce' in scale.row_of_program('tiny', step)
  assert scale.row_of_times('tiny', step).count('clips') == len(scale.MACHINES)


def test_times_by_hand():
  """1 ms of computation; 4 MB in a ring of 4 take 2 · 3/4 · 4 MB / (1 GB/s) = 6 ms."""
  machine = Machine('', flops=1e12, sends=1e9, host=4, sends_beyond=0.5e9)
  operations = [Collective('all-reduce', 4_000_000, 4)]
  step = Step(4, 32, 1e9, 0, 0, operations)
  assert step.seconds(machine) == (0.001, 0.006)
  assert step.least_clips(machine) == pytest.approx(192)
  beyond = Step(5, 32, 1e9, 0, 0, operations)
  assert math.isclose(beyond.seconds(machine)[1], 0.012)


def test_memory_of_a_tiny_step(tiny):
  state, temporary = memory.memory(*tiny, 'as it is', clips=8)
  _, of_parts = memory.memory(*tiny, 'micro_batches=4', clips=8)
  assert 0 < state < 1
  assert 0 < of_parts < temporary
