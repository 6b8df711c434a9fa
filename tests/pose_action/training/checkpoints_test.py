"""Checkpoints are restored bit by bit; which are kept, and which are deleted."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_checkpoints

from input_pipeline.loading.loader import training_batches
from pose_action.runtime import sharding
from pose_action.training.checkpoints import Checkpoints


def _kept(folder):
  return {int(path.name) for path in (folder / 'checkpoints').glob('[0-9]*')}


@pytest.fixture
def checkpoints(tmp_path):
  checkpoints = Checkpoints(tmp_path)
  yield checkpoints
  checkpoints.close()


def test_nothing_is_there_at_first(checkpoints):
  assert checkpoints.latest_step is None
  assert checkpoints.best_step is None


def test_all_parts_come_back(checkpoints):
  iterator = small_checkpoints.iterator()
  for expected in range(5):
    assert next(iterator) == expected
  checkpoints.save(
    5, small_checkpoints.state(5), iterator, small_checkpoints.DESCRIPTION, None
  )
  checkpoints.wait()
  restored = checkpoints.restore_state(
    5, small_checkpoints.shapes(small_checkpoints.state(0))
  )
  assert restored.step == 5
  np.testing.assert_array_equal(restored.params['w'], [5, 5, 5])
  fresh = small_checkpoints.iterator()
  checkpoints.restore_iterator(5, fresh)
  assert next(fresh) == 5
  assert checkpoints.run_description(5) == small_checkpoints.DESCRIPTION


def test_a_typed_key_stays_one(checkpoints):
  small_checkpoints.save(checkpoints, 1)
  restored = checkpoints.restore_state(
    1, small_checkpoints.shapes(small_checkpoints.state(0))
  )
  assert jax.dtypes.issubdtype(restored.key.dtype, jax.dtypes.prng_key)
  assert restored.key == jax.random.key(7)
  assert jax.random.bits(restored.key) == jax.random.bits(jax.random.key(7))


def _bits(state):
  """Every number in a state, as bytes."""
  numbers = state.replace(key=jax.random.key_data(state.key))
  return [np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(numbers)]


def test_save_restore_and_the_same_next_steps(checkpoints, program, data):
  def batches():
    return training_batches(
      data.train.records, data.train.indices, data.clip_settings, batch_size=8, seed=0
    )

  def step(state, iterator):
    batch = sharding.global_batch(next(iterator), program.mesh)
    return program.train_step(state, program.empty_metrics(), batch)

  iterator = batches()
  state, _ = step(program.initial_state(jnp.int32(0)), iterator)
  saved = _bits(state)
  checkpoints.save(1, state, iterator, small_checkpoints.DESCRIPTION, None)
  figures = []
  for _ in range(3):  # The first step reuses memory that is still being saved.
    state, metrics = step(state, iterator)
    figures.append(metrics.compute())

  resumed = batches()
  checkpoints.restore_iterator(1, resumed)
  again = checkpoints.restore_state(1, program.state_shapes)
  assert _bits(again) == saved
  for expected in figures:
    again, metrics = step(again, resumed)
    assert metrics.compute() == expected
  assert _bits(again) == _bits(state)
  assert _bits(again) != saved


@pytest.mark.parametrize(
  ('figures', 'kept', 'best'),
  [
    ({1: None, 2: None, 3: None, 4: None}, {3, 4}, None),
    ({1: 0.9, 2: 0.5, 3: 0.6, 4: 0.7}, {1, 3, 4}, 1),
    ({1: 0.5, 2: 0.9, 3: None, 4: None, 5: None}, {2, 4, 5}, 2),
    # The latest is not deleted because it is worse, nor kept because it has no figure.
    ({1: 0.5, 2: 0.9, 3: 0.1}, {2, 3}, 2),
    # On a tie, the latest.
    ({1: 0.5, 2: 0.5, 3: 0.4, 4: 0.3}, {2, 3, 4}, 2),
    ({1: 0.5, 2: 0.5, 3: 0.5, 4: 0.5}, {3, 4}, 4),
    ({1: 0.0, 2: None, 3: None, 4: None}, {1, 3, 4}, 1),
  ],
)
def test_the_latest_two_and_the_best_are_kept(
  checkpoints, tmp_path, figures, kept, best
):
  for step, figure in figures.items():
    small_checkpoints.save(checkpoints, step, figure)
  checkpoints.wait()
  assert _kept(tmp_path) == kept
  assert (checkpoints.latest_step, checkpoints.best_step) == (max(figures), best)
  checkpoints.close()
  reopened = Checkpoints(tmp_path)  # Reads the figures from disk.
  assert (reopened.latest_step, reopened.best_step) == (max(figures), best)
  restored = reopened.restore_state(
    min(kept), small_checkpoints.shapes(small_checkpoints.state(0))
  )
  assert restored.step == min(kept)
  reopened.close()


def test_deleted_checkpoints_do_not_pile_up(checkpoints, tmp_path):
  trash = tmp_path / 'checkpoints' / 'trash'
  for step in range(1, 8):
    small_checkpoints.save(checkpoints, step)
    # At most one checkpoint from the previous save, and one from the current save.
    assert not trash.exists() or len(list(trash.iterdir())) <= 2
  checkpoints.wait()
  assert list(trash.iterdir()) == []


def test_what_a_kill_left_is_purged_at_start(tmp_path):
  folder = tmp_path / 'checkpoints'
  for leftover in ('trash/3/state', '5.orbax-checkpoint-tmp-17/state'):
    (folder / leftover).mkdir(parents=True)
    (folder / leftover / 'half').write_text('torn')
  checkpoints = Checkpoints(tmp_path)
  assert checkpoints.latest_step is None
  assert list((folder / 'trash').iterdir()) == []
  small_checkpoints.save(checkpoints, 5)
  checkpoints.close()
  assert {path.name for path in folder.iterdir()} == {'5', 'trash'}


def test_closing_finishes_what_was_begun(tmp_path):
  checkpoints = Checkpoints(tmp_path)
  small_checkpoints.save(checkpoints, 1)
  checkpoints.close()
  reopened = Checkpoints(tmp_path)
  assert (
    reopened.restore_state(1, small_checkpoints.shapes(small_checkpoints.state(0))).step
    == 1
  )
  reopened.close()
