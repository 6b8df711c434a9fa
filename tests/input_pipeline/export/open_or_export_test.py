"""Opening a data set that may have to be exported first."""

import pytest
from tiny_export import export_tiny, make_source, open_tiny

from input_pipeline.catalog import open_source
from input_pipeline.errors import PoseDatasetError
from input_pipeline.readers.options import ReadOptions


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
