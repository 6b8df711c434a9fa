"""One device gives the same as eight; states are divided on request."""

import dataclasses
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import tiny_run
from jax.sharding import PartitionSpec

from pose_action.runtime import sharding
from pose_action.training.predict_split import predict_split
from pose_action.training.program import build_program


def _steps(program, data, count=1, first=0):
  """State and figures after the first batches, fetched from the devices."""
  state, metrics = program.initial_state(jnp.int32(0)), program.empty_metrics()
  state = state.replace(step=jax.device_put(np.int32(first), state.step.sharding))
  batch = tiny_run.training_batch(data)
  for _ in range(count):
    rows = sharding.global_batch(batch, program.mesh)
    state, metrics = program.train_step(state, metrics, rows)
  return state, metrics.compute()


def _assert_close(got, wanted, **tolerance):
  assert jax.tree.structure(got) == jax.tree.structure(wanted)
  for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(wanted), strict=True):
    np.testing.assert_allclose(a, b, **tolerance)


def _scores(program, state, data):
  return predict_split(
    state.variables(),
    data.train,
    data,
    program.evaluation_step,
    program.mesh,
    batch_size=8,
    num_views=2,
  ).probabilities


@dataclasses.dataclass(frozen=True)
class TorusDevice:
  """A TPU with made-up coordinates; `jax.make_mesh` orders devices by them."""

  id: int
  coords: tuple[int, int, int]
  process_index: int
  core_on_chip: int = 0
  slice_index: int = 0
  platform: str = 'tpu'
  device_kind: str = 'TPU v4'


def torus() -> list[TorusDevice]:
  """A torus of 4 × 4 with a process for each quarter, numbered row by row."""
  places = [(x, y) for y in range(4) for x in range(4)]
  return [
    TorusDevice(number, (x, y, 0), process_index=y // 2 * 2 + x // 2)
    for number, (x, y) in enumerate(places)
  ]


@pytest.mark.parametrize('given', [torus(), torus()[::-1]], ids=['as is', 'reversed'])
def test_the_order_of_devices_is_that_of_their_processes(given):
  devices = sharding.make_mesh(given).devices.tolist()
  processes = [device.process_index for device in devices]
  assert processes == np.repeat(range(4), 4).tolist()
  assert [device.id for device in devices[:8]] == [0, 1, 4, 5, 2, 3, 6, 7]


def test_one_device_equals_eight(program, program_of_eight, data):
  one, figures_of_one = _steps(program, data)
  eight, figures_of_eight = _steps(program_of_eight, data)
  _assert_close(figures_of_eight, figures_of_one, rtol=1e-5)
  # The trace after one step is the gradient plus the decay.
  _assert_close(eight.opt_state, one.opt_state, rtol=1e-3, atol=2e-6)
  _assert_close(eight.params, one.params, rtol=1e-4, atol=1e-6)
  # If each device took the statistics of its own single row, they would differ widely.
  _assert_close(eight.collections, one.collections, rtol=1e-5, atol=1e-7)
  _assert_close(
    _scores(program_of_eight, eight, data), _scores(program, one, data), atol=1e-5
  )


@pytest.fixture
def jmrn_of_eight(jmrn_config, jmrn_data, eight_devices):
  return build_program(jmrn_config, jmrn_data, eight_devices)


# A step of the last epoch, in which the contrastive loss counts.
LATE = 10


def test_jmrn_on_one_device_equals_eight(
  jmrn_program, jmrn_of_eight, jmrn_data, loose_dtypes
):
  """Two views per clip, and a loss that compares all rows with each other."""
  one, figures_of_one = _steps(jmrn_program, jmrn_data, first=LATE)
  eight, figures_of_eight = _steps(jmrn_of_eight, jmrn_data, first=LATE)
  # Each device has the two views of one clip. If a device saw only these rows, each view
  # would be the other's only neighbour, and the loss 0.
  assert figures_of_one['contrastive_loss'] > 0.1
  _assert_close(figures_of_eight, figures_of_one, rtol=1e-5)
  # Adam's first moment after one step is a tenth of the gradient.
  _assert_close(eight.opt_state, one.opt_state, rtol=1e-3, atol=2e-6)
  _assert_close(eight.collections, one.collections, rtol=1e-5, atol=1e-7)


def test_jmrn_leaves_what_its_encoder_computes_where_it_is(
  jmrn_of_eight, jmrn_data, loose_dtypes
):
  """No array that eight devices exchange is as large as one device's features."""
  batch = sharding.global_batch(tiny_run.training_batch(jmrn_data), jmrn_of_eight.mesh)
  metrics = jax.eval_shape(jmrn_of_eight.empty_metrics)
  step = jmrn_of_eight.train_step.lower(jmrn_of_eight.state_shapes, metrics, batch)
  exchanged = _exchanged(step.compile().as_text())
  # Each encoder's last features, two rows of 5 joints, [4, 4, 16].
  share = 2 * 5 * 4 * 4 * 16
  assert {line for size, line in exchanged if size >= share} == set()
  # All rows' embeddings [16, 5, 8] are gathered: so the lines were read correctly.
  assert any('all-gather' in line and size == 16 * 5 * 8 for size, line in exchanged)


def _exchanged(program):
  """(elements in the largest array, line) for each collective operation."""
  kinds = 'all-gather|all-to-all|all-reduce|reduce-scatter|collective-permute'
  found = []
  for line in program.splitlines():
    if match := re.search(rf'= (.*?) (?:{kinds})(?:-start)?\(', line):
      shapes = re.findall(r'\w+\[([\d,]*)\]', match[1])
      sizes = [math.prod(map(int, filter(None, s.split(',')))) for s in shapes]
      found.append((max(sizes), line.strip()))
  return found


def test_a_divided_state_computes_the_same(
  program_of_eight, config, data, eight_devices, monkeypatch
):
  monkeypatch.setattr(sharding, '_SMALLEST_SPLIT', 64)
  config.train.state_sharding = 'fsdp'
  divided = build_program(config, data, eight_devices)
  state, figures = _steps(divided, data, count=2)
  whole, whole_figures = _steps(program_of_eight, data, count=2)

  kernel = state.params['action_cnn']['conv1_2']['kernel']
  assert kernel.shape == (3, 3, 8, 8)
  assert kernel.addressable_shards[0].data.shape == (3, 3, 1, 8)
  trace = state.opt_state[1].trace['action_cnn']['conv1_2']['kernel']
  assert trace.addressable_shards[0].data.size == trace.size // 8
  assert state.params['action_cnn']['norm1_1']['scale'].is_fully_replicated
  assert all(leaf.is_fully_replicated for leaf in jax.tree.leaves(whole))

  _assert_close(figures, whole_figures, rtol=1e-5)
  _assert_close(state.params, whole.params, rtol=1e-4, atol=1e-6)
  _assert_close(state.collections, whole.collections, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(
  ('shape', 'strategy', 'spec'),
  [
    ((512, 256), 'replicated', PartitionSpec()),
    ((512, 256), 'fsdp', PartitionSpec('data')),
    ((3, 3, 128, 512), 'fsdp', PartitionSpec(None, None, None, 'data')),
    ((3, 3, 128, 500), 'fsdp', PartitionSpec(None, None, 'data')),  # 500 = 8 · 62.5
    ((255, 257), 'fsdp', PartitionSpec()),  # No axis divides.
    ((256, 255), 'fsdp', PartitionSpec()),  # Too small to be worth it.
    ((), 'fsdp', PartitionSpec()),
  ],
)
def test_where_arrays_live(shape, strategy, spec, eight_devices):
  array = jax.ShapeDtypeStruct(shape, jnp.float32)
  place = sharding.state_sharding({'a': array}, eight_devices, strategy)['a']
  assert place.spec == spec
  assert place.mesh == eight_devices


def test_batches_go_to_the_devices_row_by_row(eight_devices):
  rows = np.arange(16, dtype=np.int32).reshape(8, 2)
  batch = sharding.global_batch({'label': rows}, eight_devices)
  np.testing.assert_array_equal(batch['label'], rows)
  assert [s.data.tolist() for s in batch['label'].addressable_shards] == [
    [row] for row in rows.tolist()
  ]


def test_misuse(eight_devices):
  sharding.check_batch_size(16, eight_devices, 'train.batch_size')
  message = r'config\.train\.batch_size is 12, .* over 8 devices; give a multiple of 8'
  with pytest.raises(ValueError, match=message):
    sharding.check_batch_size(12, eight_devices, 'train.batch_size')
  message = r"state_sharding is 'zero'; give 'replicated' or 'fsdp'"
  with pytest.raises(ValueError, match=message):
    sharding.state_sharding({}, eight_devices, 'zero')


@pytest.fixture
def joined(monkeypatch):
  """The arguments of jax.distributed.initialize, which does nothing here."""
  for name in ('COORDINATOR_ADDRESS', 'NUM_PROCESSES', 'PROCESS_ID'):
    monkeypatch.delenv(f'JAX_{name}', raising=False)
  calls = []
  monkeypatch.setattr(jax.distributed, 'initialize', lambda *a: calls.append(a))
  return calls


def test_a_job_is_joined_as_the_environment_says(joined, monkeypatch):
  sharding.initialize_processes(detect=False)
  assert joined == []
  sharding.initialize_processes(detect=True)
  assert joined == [()]
  monkeypatch.setenv('JAX_COORDINATOR_ADDRESS', 'localhost:1234')
  monkeypatch.setenv('JAX_NUM_PROCESSES', '2')
  monkeypatch.setenv('JAX_PROCESS_ID', '0')
  sharding.initialize_processes(detect=False)
  assert joined[1:] == [('localhost:1234', 2, 0)]


@pytest.mark.parametrize(
  ('given', 'named'),
  [
    ({}, 'JAX_NUM_PROCESSES and JAX_PROCESS_ID must'),
    ({'JAX_NUM_PROCESSES': '2'}, r'so JAX_PROCESS_ID must'),
    (
      {'JAX_NUM_PROCESSES': 'two', 'JAX_PROCESS_ID': '0'},
      r'\(localhost:1234\), so JAX_NUM_PROCESSES must be set to whole numbers',
    ),
  ],
)
def test_a_job_half_described(joined, monkeypatch, given, named):
  monkeypatch.setenv('JAX_COORDINATOR_ADDRESS', 'localhost:1234')
  for name, value in given.items():
    monkeypatch.setenv(name, value)
  with pytest.raises(ValueError, match=named):
    sharding.initialize_processes(detect=False)
  assert joined == []
