"""A workdir is resumed only with the settings and the data that its run started with."""

import contextlib
import dataclasses
import json

import pytest
import tiny_run

from input_pipeline.export.export import export_dataset
from input_pipeline.storage.dataset import open_dataset
from pose_action.training import data_digests
from pose_action.training.resume import (
  ResumeError,
  check_same_run,
  describe_run,
  start_or_resume,
)
from pose_action.training.run import open_training
from pose_action.training.run_data import make_run_data


def _first_lines(config, workdir, one_device, capsys):
  with open_training(config, str(workdir), one_device) as run:
    start_or_resume(run)
  return capsys.readouterr().out.splitlines()


def test_fewer_clips_than_a_batch_are_said_once_in_numbers(
  config, tmp_path, one_device, capsys, no_tensorboard
):
  """29 of the 37 clips are for training."""
  config.train.update({'batch_size': 40, 'epochs': 20})
  lines = _first_lines(config, tmp_path / 'few', one_device, capsys)
  assert [line for line in lines if line.startswith('note:')] == [
    'note: 29 training clips are fewer than config.train.batch_size 40, so an epoch is'
    ' one step that makes 1.38 passes over the clips; 20 epochs make 27.6 passes'
  ]
  config.train.batch_size = 29
  lines = _first_lines(config, tmp_path / 'enough', one_device, capsys)
  assert not any(line.startswith('note:') for line in lines)


class Saved:
  """The checkpoints of a run whose description is known."""

  latest_step = 3

  def __init__(self, description):
    self._description = json.loads(json.dumps(description))

  def run_description(self, step):
    return self._description


def _describe(config, data_dir):
  config.data.data_dir = str(data_dir)
  dataset = open_dataset(data_dir, 'tiny', config.data.representation)
  return describe_run(config, make_run_data(config, dataset))


def _export(data_dir, change=lambda clip: clip, representation='keypoints', **options):
  source = tiny_run.source()
  load = source.load
  export_dataset(
    dataclasses.replace(source, load=lambda name: change(load(name))),
    dataset='tiny',
    representation=representation,
    data_dir=data_dir,
    short_side=16,
    sigma=1.0,
    progress=lambda line: None,
    **options,
  )
  return data_dir


def _of(name, **changes):
  def change(clip):
    return dataclasses.replace(clip, **changes) if clip.video_id == name else clip

  return change


def _moved(name):
  def change(clip):
    if clip.video_id != name:
      return clip
    keypoints = clip.keypoints.copy()
    keypoints[0, 0, :, 0] += 1
    return dataclasses.replace(clip, keypoints=keypoints)

  return change


def _held_out(config, data_dir):
  dataset = open_dataset(data_dir, 'tiny', config.data.representation)
  return make_run_data(config, dataset).validation.video_ids


LABELS = 'the labels of the clips'
JOINTS = 'the joints or maps of the clips'


@pytest.mark.parametrize(
  ('change', 'what'),
  [(_of('train_004', labels=(0,)), LABELS), (_moved('train_004'), JOINTS)],
)
def test_other_data_is_refused_and_named(change, what, config, data_dir, tmp_path):
  # The label of a clip also decides which clips are held out.
  saved = Saved(_describe(config, data_dir))
  changed = _describe(config, _export(tmp_path, change))
  message = rf'W holds a run on other data: {what} changed\. Give the data set'
  with pytest.raises(ResumeError, match=message):
    check_same_run(saved, changed, 'W')


def test_held_out_clips_count_too(config, data_dir, tmp_path):
  name = _held_out(config, data_dir)[0]
  saved = Saved(_describe(config, data_dir))
  changed = _describe(config, _export(tmp_path, _moved(name)))
  message = r'on other data: the joints or maps of the clips changed\.'
  with pytest.raises(ResumeError, match=message):
    check_same_run(saved, changed, 'W')


def test_test_clips_do_not_count_unless_the_run_is_selected_on_them(
  config, data_dir, tmp_path
):
  exported = _export(tmp_path, _moved('test_503'))
  check_same_run(Saved(_describe(config, data_dir)), _describe(config, exported), 'W')
  config.data.validate_on = 'test'
  saved = Saved(_describe(config, data_dir))
  with pytest.raises(ResumeError, match='joints or maps of the clips'):
    check_same_run(saved, _describe(config, exported), 'W')


def test_stored_maps_count_too(config, tmp_path):
  config.data.representation = 'heatmaps'
  saved = Saved(_describe(config, _export(tmp_path / 'a', representation='heatmaps')))
  changed = _export(tmp_path / 'b', _moved('train_004'), 'heatmaps')
  with pytest.raises(ResumeError, match=f'{JOINTS} changed'):
    check_same_run(saved, _describe(config, changed), 'W')


def test_the_same_clips_exported_again_are_the_same(config, data_dir, tmp_path):
  saved = Saved(_describe(config, data_dir))
  check_same_run(saved, _describe(config, _export(tmp_path)), 'W')


@pytest.fixture
def few_compared(monkeypatch):
  """Only 5 of the 37 clips are compared; the first and the last are among them."""
  monkeypatch.setitem(data_digests._MOST_RECORDS, 'keypoints', 5)


def test_any_changed_joint_of_many_clips_is_noticed(
  config, data_dir, tmp_path, few_compared
):
  saved = Saved(_describe(config, data_dir))
  for name in ('train_004', _held_out(config, data_dir)[1]):
    changed = _describe(config, _export(tmp_path / name, _moved(name)))
    message = r"on other data: the content of the data set's files changed\."
    with pytest.raises(ResumeError, match=message):
      check_same_run(saved, changed, 'W')
  renamed = _describe(config, _export(tmp_path / 'r', _of('train_004', labels=(0,))))
  with pytest.raises(ResumeError, match=f'{LABELS} changed'):
    check_same_run(saved, renamed, 'W')
  # The test split's files do not count, and neither does where the files are.
  moved_test = _describe(config, _export(tmp_path / 't', _moved('test_503')))
  check_same_run(saved, moved_test, 'W')


def test_many_clips_without_stored_digests_are_compared_by_a_sample(
  config, data_dir, tmp_path, few_compared
):
  def old(folder):
    (directory,) = folder.glob('tiny/keypoints/*')
    metadata = json.loads((directory / 'metadata.json').read_text())
    del metadata['digests']
    (directory / 'metadata.json').write_text(json.dumps(metadata))
    (directory / 'digests.json').unlink()
    return folder

  before = _describe(config, old(_export(tmp_path / 'before')))
  assert 'shards' not in before['data_digests']
  changed = _describe(config, old(_export(tmp_path / 'a', _moved('train_004'))))
  check_same_run(Saved(before), changed, 'W')  # Not in the sample.
  changed = _describe(config, old(_export(tmp_path / 'b', _moved('train_000'))))
  with pytest.raises(ResumeError, match=f'{JOINTS} changed'):
    check_same_run(Saved(before), changed, 'W')
  # A run of an earlier version goes on with a data set that has digests.
  check_same_run(Saved(before), _describe(config, data_dir), 'W')


def test_a_description_from_before_has_no_digests(config, data_dir, tmp_path):
  description = _describe(config, data_dir)
  del description['data_digests']
  changed = _describe(config, _export(tmp_path, _moved('train_004')))
  check_same_run(Saved(description), changed, 'W')


@pytest.mark.parametrize('validate_on', ['held_out', 'test'])
def test_the_test_split_may_change_unless_the_run_is_selected_on_it(
  validate_on, config, data_dir
):
  config.data.validate_on = validate_on
  description = _describe(config, data_dir)
  saved = Saved(description)
  description['config']['data']['test_split'] = 'train'
  refused = pytest.raises(ResumeError, match=r'test_split was test, now train')
  with refused if validate_on == 'test' else contextlib.nullcontext():
    check_same_run(saved, description, 'W')


def test_frame_rates_may_become_known(config, tmp_path):
  """Also for a run of an earlier release, whose checkpoints say nothing of times."""
  _export(tmp_path / 'unknown')
  _export(tmp_path / 'known', lambda clip: dataclasses.replace(clip, frame_rate=25))
  before = _describe(config, tmp_path / 'unknown')
  now = _describe(config, tmp_path / 'known')
  assert before['clip_times']['frame_rate'] is None
  assert now['clip_times']['frame_rate'] == [25.0] * 5
  assert now['clip_times']['num_frames'] == [8.0] * 5
  check_same_run(Saved(before), now, tmp_path)
  del before['clip_times']
  check_same_run(Saved(before), now, tmp_path)
