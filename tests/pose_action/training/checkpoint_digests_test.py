"""Damaged checkpoints are recognised, named, and replaced by the newest whole one."""

import collections
import contextlib
import json
import random
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import small_checkpoints
import tiny_run
import untrained_run
from collected_reads import collected, frozen_before  # noqa: F401

from pose_action.training import experiment
from pose_action.training.checkpoint_digests import (
  CheckpointError,
  DamagedCheckpointError,
)
from pose_action.training.checkpoints import Checkpoints
from pose_action.training.fold_rule import with_fold_rule
from pose_action.training.saved_checkpoints import SavedCheckpoints
from pose_action.training.saved_model import SavedModelError, load_model

# Orbax prints more than its error for damage that only Orbax finds, some of it when a
# read that it gave up is collected.
pytestmark = [
  pytest.mark.filterwarnings(f'ignore::pytest.Pytest{kind}ExceptionWarning')
  for kind in ('Unraisable', 'UnhandledThread')
]


@pytest.fixture(scope='module')
def saved(tmp_path_factory):
  """A workdir with checkpoints 1 (the best), 2 and 3; do not change it."""
  workdir = tmp_path_factory.mktemp('saved')
  with contextlib.closing(Checkpoints(workdir)) as checkpoints:
    for step, figure in {1: 0.9, 2: 0.5, 3: 0.25}.items():
      small_checkpoints.save(checkpoints, step, figure)
  return workdir


@pytest.fixture
def workdir(saved, tmp_path):
  shutil.copytree(saved, tmp_path / 'run')
  return tmp_path / 'run'


def _step(workdir, step=3):
  return workdir / 'checkpoints' / str(step)


def _restored(workdir):
  """(step, state, next element, description) as resuming takes them."""
  shapes = small_checkpoints.shapes(small_checkpoints.state(0))
  with contextlib.closing(Checkpoints(workdir)) as checkpoints:
    checkpoints.set_unreadable_aside(shapes)
    step = checkpoints.latest_step
    state = checkpoints.restore_state(step, shapes)
    iterator = small_checkpoints.iterator()
    checkpoints.restore_iterator(step, iterator)
    return step, state, next(iterator), checkpoints.run_description(step)


def _is_what_was_saved(step, state, element, description):
  wanted = small_checkpoints.state(step)
  same = jax.tree.map(
    lambda a, b: (
      np.array_equal(jax.random.key_data(a), jax.random.key_data(b))
      if jnp.issubdtype(a.dtype, jax.dtypes.prng_key)
      else np.array_equal(a, b)
    ),
    state,
    wanted,
  )
  return all(jax.tree.leaves(same)) and (element, description) == (
    0,
    small_checkpoints.DESCRIPTION,
  )


def test_no_flipped_bit_is_restored(saved, tmp_path):
  """Every file of a checkpoint, one flipped bit at a time."""
  rng = random.Random(0)
  files = sorted(path for path in _step(saved).rglob('*') if path.is_file())
  (table,) = (path for path in files if path.stat().st_size > 3000)
  taken = collections.Counter()
  for number, file in enumerate(files + 20 * [table]):
    workdir = tmp_path / str(number)
    shutil.copytree(saved, workdir)
    flipped = workdir / file.relative_to(saved)
    content = bytearray(flipped.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    flipped.write_bytes(content)
    restored = _restored(workdir)
    assert _is_what_was_saved(*restored), flipped
    taken[file == table, restored[0]] += 1
  assert taken[True, 2] >= 19  # Some bits of a compressed file mean nothing.
  assert taken[False, 2] >= 8


def _torn(name):
  def tear(folder):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])

  return tear


def _without(name):
  def remove(folder):
    path = folder / name
    if path.is_dir():
      shutil.rmtree(path)
    else:
      path.unlink()

  return remove


def _torn_data(folder):
  for path in folder.glob('state/ocdbt.process_0/d/*'):
    path.write_bytes(path.read_bytes()[:20])


def _empty(folder):
  shutil.rmtree(folder)
  folder.mkdir()


def _a_file(folder):
  shutil.rmtree(folder)
  folder.write_text('step')


DAMAGES = {
  'torn description': (_torn('run/metadata'), 'run/metadata cannot be read: '),
  'no description': (_without('run'), "its part 'run' is missing"),
  'torn iterator': (_torn('data/process_0-of-1.json'), r'data/process_.* be read: '),
  'no iterator': (_without('data'), "its part 'iterator' is missing"),
  'torn figure': (_torn('metrics/metrics'), 'metrics/metrics cannot be read: '),
  'no arrays': (_without('state'), 'its arrays are missing'),
  'torn arrays': (_torn_data, ''),
  'no database': (
    _without('state/manifest.ocdbt'),
    r'it has lost .* and \d+ more|lost',
  ),
  'torn digests': (_torn('digests/metadata'), 'digests/metadata cannot be read: '),
  'empty folder': (_empty, 'it is empty'),
  'a file': (_a_file, 'it is not a folder'),
}


@pytest.mark.parametrize('kind', DAMAGES)
def test_the_newest_whole_checkpoint_is_taken_with_a_warning(kind, workdir, capfd):
  damage, reason = DAMAGES[kind]
  damage(_step(workdir))
  restored = _restored(workdir)
  assert _is_what_was_saved(*restored)
  assert restored[0] == 2
  (line,) = capfd.readouterr().err.splitlines()
  assert line.startswith(f'warning: {_step(workdir)} is damaged: ')
  assert 'and step 2 is the newest whole checkpoint' in line
  with pytest.raises(AssertionError, match=reason or '.'):
    raise AssertionError(line)
  # It is kept, out of the way of the next save at its step.
  ((kept),) = (workdir / 'checkpoints' / 'damaged').iterdir()
  assert kept.name.startswith('3.')
  with contextlib.closing(Checkpoints(workdir)) as checkpoints:
    small_checkpoints.save(checkpoints, 3, 0.25)
  assert _restored(workdir)[0] == 3
  assert capfd.readouterr().err == ''


# Damage to what only Orbax reads: the file, a text in it, and what the text becomes.
ONLY_ORBAX = {
  'torn list of arrays': ('state/_METADATA', '}}', ''),
  'no list of arrays': ('state/_METADATA', '"tree_metadata"', '"tree_metadAta"'),
  'no kind of array': ('state/_METADATA', '"value_type"', '"value_tyqe"'),
  'another name of an array': ('state/_METADATA', '"key": "w"', '"key": "v"'),
  'torn devices': ('state/_sharding', '\\"}"', ''),
  'another kind of devices': ('state/_sharding', 'SingleDevice', 'SingleDevise'),
  'torn shapes': ('state/array_metadatas/process_0', '}}', ''),
  'no shape': ('state/array_metadatas/process_0', '"write_shape"', '"write_shapE"'),
  'a random key as numbers': ('state/array_metadatas/process_0', '_key_', '_Key_'),
  'another random key': ('state/array_metadatas/process_0', 'threefry', 'threefrx'),
}


@pytest.mark.parametrize('kind', ONLY_ORBAX)
def test_damage_that_only_orbax_finds(kind, workdir, capfd):
  name, text, other = ONLY_ORBAX[kind]
  path = _step(workdir) / name
  content = path.read_text()
  assert text in content
  path.write_text(content.replace(text, other))
  restored = _restored(workdir)
  assert _is_what_was_saved(*restored)
  assert restored[0] == 2
  said = capfd.readouterr().err.splitlines()
  (line,) = (line for line in said if line.startswith('warning: '))
  assert line.startswith(f'warning: {_step(workdir)} is damaged: ')
  assert 'and step 2 is the newest whole checkpoint' in line


def test_a_run_that_orbax_can_restore_nowhere_is_refused(workdir, capfd):
  for step in (1, 2, 3):
    _torn('state/_METADATA')(_step(workdir, step))
  before = sorted(workdir.rglob('*'))
  with pytest.raises(
    CheckpointError, match=r'no checkpoint in .* is whole: .*/3 is da'
  ):
    _restored(workdir)
  assert sorted(workdir.rglob('*')) == before
  assert 'warning: ' not in capfd.readouterr().err


@pytest.mark.parametrize('kind', DAMAGES)
def test_a_model_is_not_loaded_from_damage(kind, workdir, capfd):
  DAMAGES[kind][0](_step(workdir))
  shapes = {'params': small_checkpoints.shapes(small_checkpoints.state(0)).params}
  with pytest.raises(DamagedCheckpointError) as error:  # noqa: SIM117
    with contextlib.closing(SavedCheckpoints(workdir)) as checkpoints:
      checkpoints.run_description(3)
      checkpoints.restore_variables(3, shapes)
  if kind not in ('no iterator', 'torn iterator'):
    assert str(_step(workdir)) in str(error.value)
  assert '\n' not in str(error.value)
  assert capfd.readouterr().err == ''


def test_a_run_without_a_whole_checkpoint_is_refused(workdir, capfd):
  for step in (1, 2, 3):
    _torn('run/metadata')(_step(workdir, step))
  before = sorted(workdir.rglob('*'))
  message = r'no checkpoint in .* is whole: .*/3 is damaged: .*; .*/1 is damaged: .*'
  with pytest.raises(CheckpointError, match=message) as error:
    Checkpoints(workdir)
  assert '\n' not in str(error.value)
  assert sorted(workdir.rglob('*')) == before
  assert capfd.readouterr().err == ''


def _saved_by_two(folder, change=lambda content: content):
  """As if two processes had saved the iterator."""
  alone = folder / 'data' / 'process_0-of-1.json'
  content = alone.read_text()
  alone.rename(folder / 'data' / 'process_0-of-2.json')
  (folder / 'data' / 'process_1-of-2.json').write_text(change(content))


def test_any_number_of_processes_reads_any_position(workdir):
  _saved_by_two(_step(workdir))
  restored = _restored(workdir)
  assert restored[0] == 3
  assert _is_what_was_saved(*restored)


def test_processes_that_saved_other_positions_are_damage(workdir, capfd):
  _saved_by_two(_step(workdir), lambda content: content.replace('0', '7'))
  assert _restored(workdir)[0] == 2
  assert 'its processes disagree on the next batch' in capfd.readouterr().err


def test_checkpoints_from_before_have_no_digests(workdir, capfd):
  for step in (1, 2, 3):
    shutil.rmtree(_step(workdir, step) / 'digests')
  assert _is_what_was_saved(*_restored(workdir))
  (line,) = capfd.readouterr().err.splitlines()
  assert line == (
    f'note: {_step(workdir)} was made before checkpoints had digests, so damage to it'
    ' cannot be recognised'
  )


def test_torn_arrays_without_digests_are_found_too(workdir, capfd):
  shutil.rmtree(_step(workdir) / 'digests')
  _torn_data(_step(workdir))
  assert _restored(workdir)[0] == 2
  (line,) = capfd.readouterr().err.splitlines()[:1]
  assert line.startswith(f'warning: {_step(workdir)} is damaged: ')


@pytest.mark.parametrize('content', ['{"loss": 1}', '{"validation": "high"}'])
def test_a_foreign_figure_without_digests_is_named(content, workdir, capfd):
  shutil.rmtree(_step(workdir) / 'digests')
  (_step(workdir) / 'metrics' / 'metrics').write_text(content)
  with pytest.raises(DamagedCheckpointError, match="has no number 'validation'"):
    SavedCheckpoints(workdir)
  assert _restored(workdir)[0] == 2
  assert "has no number 'validation'; it is moved to" in capfd.readouterr().err


def test_a_foreign_position_without_digests_is_named(workdir):
  shutil.rmtree(_step(workdir) / 'digests')
  (_step(workdir) / 'data' / 'process_0-of-1.json').write_text('{"epoch": 1}')
  with pytest.raises(CheckpointError, match=r"another form \({'epoch': 1}\)"):
    _restored(workdir)


def test_checkpoints_that_is_a_file(tmp_path):
  (tmp_path / 'checkpoints').write_text('')
  for opened in (Checkpoints, SavedCheckpoints):
    with pytest.raises((CheckpointError, FileNotFoundError)) as error:
      opened(tmp_path)
    assert '\n' not in str(error.value)


def test_a_foreign_folder_is_refused_in_one_line(config, tmp_path, one_device):
  (tmp_path / 'checkpoints' / '7' / 'params').mkdir(parents=True)
  (tmp_path / 'checkpoints' / '7' / 'params' / 'weights.bin').write_bytes(b'abc')
  message = r'made by another version of this library: it has no description'
  with pytest.raises(SavedModelError, match=message):
    load_model(tmp_path, mesh=one_device)
  with pytest.raises(ValueError, match=message):
    experiment.train_and_evaluate(config, str(tmp_path), mesh=one_device)
  assert (tmp_path / 'checkpoints' / '7' / 'params' / 'weights.bin').exists()


@pytest.fixture
def evaluated(config, tmp_path, one_device, no_tensorboard):
  """A workdir with one checkpoint, at step 0, of an untrained model."""
  workdir = tmp_path / 'untrained'
  untrained_run.write_workdir(
    workdir, with_fold_rule(config, workdir), tiny_run.SKELETON, tiny_run.CLASS_NAMES
  )
  return workdir


def test_a_damaged_last_checkpoint_is_not_evaluated(evaluated, config, one_device):
  (file,) = evaluated.glob('checkpoints/0/digests/metadata')
  digests = json.loads(file.read_text())
  name = next(n for n in digests['arrays'] if n.startswith('params.'))
  digests['arrays'][name] = '0' * 64
  file.write_text(json.dumps(digests))
  message = rf'checkpoints/0 is damaged: array {name} is not what was saved'
  with pytest.raises(DamagedCheckpointError, match=message):
    experiment.train_and_evaluate(config, str(evaluated), trains=False, mesh=one_device)
  with pytest.raises(SavedModelError, match=message):
    load_model(evaluated, mesh=one_device)
