"""Opening a run: poses exported on the fly, and the lock of the workdir."""

import json

import jax
import numpy as np
import pytest
import tiny_run

from input_pipeline.storage.dataset import open_dataset
from pose_action.host.workdir_lock import LOCK_FILE, WorkdirLockedError
from pose_action.runtime import sharding
from pose_action.training import experiment
from pose_action.training.resume import start_or_resume
from pose_action.training.run import open_training

pytestmark = pytest.mark.usefixtures('no_tensorboard')


@pytest.fixture
def config(tmp_path):
  """A run on plain arrays of two people in frames 64 wide and 48 high."""
  rng = np.random.default_rng(0)
  rows = ['path,split,label']
  poses = tmp_path / 'poses'
  poses.mkdir()
  for number in range(8):
    joints = rng.uniform(5, 40, (6, 2, 17, 3)).astype(np.float32)
    joints[..., 2] = 1
    np.save(poses / f'v{number}.npy', joints + np.float32([20, 0, 0]))
    rows.append(f'v{number}.npy,{"train" if number < 6 else "test"},c{number % 2}')
  (poses / 'videos.csv').write_text('\n'.join(rows))
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.dataset = 'mine'
  config.data.data_dir = str(tmp_path / 'data')
  config.data.format = 'numpy'
  config.data.skeleton = 'coco_17'
  config.data.poses = str(poses)
  return config


def test_poses_are_read_as_the_config_says(config, tmp_path, one_device, capsys):
  config.data.frame_size = '64x48'
  config.data.max_people = 1
  with open_training(config, str(tmp_path / 'run'), one_device):
    pass
  assert 'frames are read as 64 wide, 48 high' in capsys.readouterr().out
  form = config.data.representation
  record = open_dataset(config.data.data_dir, 'mine', form).records('train')[0]
  assert record['frame_size'].tolist() == [48, 64]
  assert record['keypoints'].shape[1] == 1
  saved = json.loads((tmp_path / 'run' / 'config.json').read_text())
  assert (saved['data']['frame_size'], saved['data']['max_people']) == ('64x48', 1)


@pytest.mark.parametrize(
  ('frame_size', 'message'),
  [
    ('', r'give --frame_size=WIDTHxHEIGHT \(train: --config\.data\.frame_size='),
    ('64,48', r"frame_size is '64,48', but must be WIDTHxHEIGHT"),
    ('38x64', r'read as 38 wide, 64 high; .* --frame_size=64x38'),
  ],
)
def test_a_frame_size_that_is_missing_or_wrong(
  config, frame_size, message, tmp_path, one_device
):
  config.data.frame_size = frame_size
  with (
    pytest.raises(ValueError, match=message),
    open_training(config, str(tmp_path / 'run'), one_device),
  ):
    pass


def test_an_exchanged_frame_size_warns(config, tmp_path, one_device, capsys):
  config.data.frame_size = 'width:48,height:64'
  with open_training(config, str(tmp_path / 'run'), one_device):
    pass
  said = capsys.readouterr().out
  assert 'frames are read as 48 wide, 64 high' in said
  assert 'warning: many joints lie outside the frames' in said
  assert '--config.data.frame_size=64x48' in said


def _content(workdir):
  files = sorted(path for path in workdir.rglob('*') if path.is_file())
  return {str(path.relative_to(workdir)): path.read_bytes() for path in files}


@pytest.fixture
def live(data_dir, tmp_path, one_device):
  """(config, workdir) of a run that is training, with a checkpoint at step 0."""
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.data_dir = str(data_dir)
  with open_training(config, str(tmp_path / 'run'), one_device) as run:
    state, iterator, _ = start_or_resume(run)
    run.checkpoints.save(0, state, iterator, run.description, 0.5)
    run.checkpoints.wait()
    run.writer.write_scalars(1, {'train/loss': 1.0})
    yield config, run.workdir


def test_evaluation_of_a_live_run_writes_only_results(live, one_device):
  config, workdir = live
  unfinished = workdir / 'checkpoints' / '3.orbax-checkpoint-tmp-17' / 'state'
  unfinished.mkdir(parents=True)  # What the training saves at this moment.
  (unfinished / 'half').write_text('half')
  config.eval.batch_size = 16
  before = _content(workdir)
  experiment.train_and_evaluate(config, str(workdir), trains=False, mesh=one_device)
  after = _content(workdir)
  assert {name: after[name] for name in before} == before
  assert {name for name in after if name not in before} == {
    *('results.json', 'per_class.csv', 'confusion_matrix.csv', 'confusion_matrix.png'),
    *('scores_test.npz', 'scores_test_best.npz'),
    *('scores_validation.npz', 'scores_validation_best.npz'),
  }


def test_a_second_run_in_a_live_workdir_is_refused(live, one_device):
  config, workdir = live
  before = _content(workdir)
  message = rf'{workdir} is in use by process \d+ on this host since 20.*--workdir$'
  with pytest.raises(WorkdirLockedError, match=message):
    experiment.train_and_evaluate(config, str(workdir), mesh=one_device)
  assert _content(workdir) == before


def test_the_other_processes_of_a_refused_job_stop_too(live, one_device, monkeypatch):
  """As if this were process 1, and process 0 had found the workdir locked."""
  config, workdir = live
  monkeypatch.setattr(jax, 'process_index', lambda: 1)
  monkeypatch.setattr(sharding, 'largest_of_all', lambda values: [1])
  message = rf'process 0 could not lock {workdir}; its output says why'
  with pytest.raises(WorkdirLockedError, match=message):
    experiment.train_and_evaluate(config, str(workdir), mesh=one_device)


def test_the_lock_ends_with_the_run(live, one_device, tmp_path):
  config, _ = live
  with open_training(config, str(tmp_path / 'other'), one_device):
    assert (tmp_path / 'other' / LOCK_FILE).exists()
  assert not (tmp_path / 'other' / LOCK_FILE).exists()
