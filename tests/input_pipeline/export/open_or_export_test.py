"""Opening a data set that may have to be exported first."""

import contextlib
import time

import pytest
from etils import epath
from tiny_export import export_tiny, make_source, open_tiny

from input_pipeline.catalog import open_source
from input_pipeline.errors import PoseDatasetError
from input_pipeline.export import open_or_export
from input_pipeline.export.staging import staging_dir
from input_pipeline.readers.options import ReadOptions
from input_pipeline.storage.dataset import dataset_dir


@pytest.fixture
def sources(monkeypatch):
  """Replaces `load_source`; lists the arguments of each call."""
  calls = []

  def load_source(dataset, **kwargs):
    calls.append((dataset, kwargs))
    return make_source()

  monkeypatch.setattr(open_source, 'load_source', load_source)
  return calls


def test_exports_on_first_use_only(tmp_path, sources):
  poses, annotations = tmp_path / 'x.pkl', tmp_path / 'official'
  poses.touch()
  annotations.mkdir()
  asked = {'format': 'pyskl', 'poses': poses, 'skeleton': 'duo', 'seed': 4}
  asked |= {'annotations': annotations, 'options': None, 'segments': None}
  lines = []

  first = open_tiny(tmp_path, progress=lines.append, **asked)
  second = open_tiny(tmp_path, **asked)

  assert sources == [('tiny', {**asked, 'data_dir': tmp_path})]
  assert first.clips('train1').video_ids == second.clips('train1').video_ids
  assert lines[-1].startswith(f'Exported to {first.directory}')


def test_one_process_exports_and_the_others_wait(tmp_path, sources):
  def another_process_exports():
    assert sources == []
    open_tiny(tmp_path)

  dataset = open_tiny(tmp_path, is_primary=False, wait=another_process_exports)

  assert len(sources) == 1
  assert dataset.splits == ('train1', 'test1')


def test_of_two_runs_that_start_at_once_one_exports(tmp_path, sources, monkeypatch):
  """The second finds the first at work; when that is done, the data set is there."""
  target = dataset_dir(tmp_path, 'tiny', 'heatmaps')
  waits = []

  def first_run_ends(seconds):
    waits.append(seconds)
    first.close()
    open_tiny(tmp_path)

  monkeypatch.setattr(time, 'sleep', first_run_ends)
  first = contextlib.ExitStack()
  first.enter_context(staging_dir(target, epath.Path(tmp_path)))
  lines = []
  dataset = open_tiny(tmp_path, progress=lines.append)
  assert dataset.splits == ('train1', 'test1')
  assert len(waits) == 1
  assert lines[-1] == f'another run is exporting {target}; waiting for it'


def test_after_a_run_that_was_killed_the_waiting_one_exports(
  tmp_path, sources, monkeypatch
):
  target = dataset_dir(tmp_path, 'tiny', 'heatmaps')
  killed = contextlib.ExitStack()
  killed.enter_context(staging_dir(target, epath.Path(tmp_path)))
  monkeypatch.setattr(time, 'sleep', lambda seconds: killed.close())
  lines = []
  open_tiny(tmp_path, progress=lines.append)
  assert lines[-1].startswith(f'Exported to {target}')


def test_a_run_that_finds_the_data_set_when_it_may_write(
  tmp_path, sources, monkeypatch
):
  """Another one wrote it after this one had looked."""
  looks = iter([False, False])
  is_there = open_or_export.is_there
  monkeypatch.setattr(
    open_or_export, 'is_there', lambda target: next(looks, None) or is_there(target)
  )
  open_tiny(tmp_path)
  looks = iter([False, False])
  assert open_tiny(tmp_path).splits == ('train1', 'test1')


def test_the_others_are_not_left_waiting_when_the_export_fails(tmp_path, monkeypatch):
  waited = []
  with pytest.raises(PoseDatasetError, match='poses'):
    open_tiny(tmp_path, wait=lambda: waited.append('primary'))
  with pytest.raises(PoseDatasetError, match="no data set 'tiny' as heatmaps"):
    open_tiny(tmp_path, is_primary=False, wait=lambda: waited.append('other'))
  assert waited == ['primary', 'other']


def test_a_data_set_with_other_settings_is_refused(tmp_path, sources):
  open_tiny(tmp_path)
  message = r'rendered with short_side 8, not 16, sigma 1\.0, not 2\.0; .*--overwrite'
  with pytest.raises(PoseDatasetError, match=message):
    open_tiny(tmp_path, short_side=16, sigma=2.0)
  with pytest.raises(PoseDatasetError, match="has skeleton 'duo', not 'coco_17'"):
    open_tiny(tmp_path, skeleton='coco_17')
  open_tiny(tmp_path, representation='keypoints', short_side=99)  # Does not apply.


def test_potion_settings_are_compared_on_opening(tmp_path, sources):
  open_tiny(tmp_path, representation='potion')
  with pytest.raises(PoseDatasetError, match=r'channels 3, not 4, weights .* not'):
    open_tiny(tmp_path, representation='potion', channels=4, weights='integer_break')


def test_a_run_that_needs_parts_is_told_how_to_store_them(tmp_path):
  export_tiny(tmp_path, representation='heatmaps')
  message = r'holds joints, but not parts; replace it .* --modalities=joints,parts'
  with pytest.raises(PoseDatasetError, match=message):
    open_tiny(tmp_path, modalities=('parts',))


def test_a_given_frame_size_is_repeated_or_said_to_be_unused(tmp_path, sources):
  options, lines = ReadOptions(frame_size=(720, 1280), max_people=2), []
  for _ in range(2):
    open_tiny(tmp_path, options=options, progress=lines.append)
  assert [kwargs['options'] for _, kwargs in sources] == [options]
  assert lines[0].startswith('frames are read as 1280 wide, 720 high')
  assert 'so frame_size, max_people cannot be compared' in lines[-1]
