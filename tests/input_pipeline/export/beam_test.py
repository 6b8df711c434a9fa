"""Exports on Beam's DirectRunner with two processes, compared with one process."""

import dataclasses
import functools
import importlib.util
import os
import pathlib
import pickle
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from places import PYTHON_PATH, ROOT

from input_pipeline.catalog.source_spec import SourceSpec
from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.export import beam as beam_export
from input_pipeline.export.beam import BeamSettings, check_beam
from input_pipeline.export.export import export_dataset
from input_pipeline.storage.dataset import open_dataset

TWO = BeamSettings(num_workers=2)

needs_beam = pytest.mark.skipif(
  importlib.util.find_spec('apache_beam') is None,
  reason="Apache Beam is not installed: pip install '.[beam]'",
)


def annotation(video_id, scale=60):
  """A clip whose length, persons and label follow from its number."""
  number = int(video_id[1:])
  rng = np.random.default_rng(number)
  shape = (1 + number % 2, 3 + number, 15)
  return {
    'frame_dir': video_id,
    'label': number % 3,
    'img_shape': (60, 80),
    'total_frames': shape[1],
    'keypoint': rng.uniform(0, scale, (*shape, 2)).astype(np.float32),
    'keypoint_score': np.full(shape, 0.5, np.float32),
  }


@pytest.fixture
def options(tmp_path):
  """Options for a source with 12 clips in two splits; v3 and v8 cannot be used."""
  video_ids = [f'v{number}' for number in range(12)]
  content = {
    'split': {'train': video_ids[:9], 'test': video_ids[7:]},
    'classes': ['run', 'sit', 'wave'],
    'annotations': [annotation(v, 1 if v in ('v3', 'v8') else 60) for v in video_ids],
  }
  poses = tmp_path / 'poses.pkl'
  poses.write_bytes(pickle.dumps(content, protocol=4))
  return {'format': 'pyskl', 'poses': str(poses), 'skeleton': 'jhmdb'}


class Fault(Warning):
  """What is never taken for damage in a clip."""


@dataclasses.dataclass(frozen=True)
class SpoiltSpec(SourceSpec):
  """A source that fails on one clip in a worker; logs which process loads which clip."""

  log: str = ''
  bad: str = ''
  how: str = ''

  def open(self):
    source = super().open()
    return dataclasses.replace(source, load=functools.partial(self._load, source.load))

  def _load(self, load, video_id):
    with open(self.log, 'a') as log:
      log.write(f'{os.getpid()} {video_id}\n')
    if self.how == 'first':
      try:
        pathlib.Path(f'{self.log}.first').touch(exist_ok=False)
      except FileExistsError:
        time.sleep(1.5)
      else:
        raise Fault(f'the first, {video_id}')
    if video_id == self.bad:
      if self.how == 'kill':
        os.kill(os.getpid(), signal.SIGKILL)
      raise Fault(f'{video_id} it was')
    return load(video_id)


@pytest.fixture
def spoilt(options, tmp_path, monkeypatch):
  """Makes a SpoiltSpec, in a module that workers can import."""
  monkeypatch.setenv('PYTHONPATH', PYTHON_PATH, prepend=os.pathsep)
  log = tmp_path / 'loads.txt'
  return lambda bad='', how='': SpoiltSpec('tiny', options, str(log), bad, how)


def export_tiny(spec, data_dir, **kwargs):
  kwargs = {'representation': 'keypoints', 'progress': lambda line: None, **kwargs}
  return export_dataset(spec, dataset='tiny', data_dir=data_dir, min_shards=4, **kwargs)


def files_of(data_dir):
  return {
    str(file.relative_to(data_dir)): file.read_bytes()
    for file in pathlib.Path(data_dir).rglob('*')
    if file.is_file()
  }


@needs_beam
@pytest.mark.parametrize('representation', ['keypoints', 'heatmaps'])
def test_two_processes_write_the_same_bytes_as_one(tmp_path, spoilt, representation):
  maps = {'short_side': 8, 'sigma': 1.0} if representation == 'heatmaps' else {}
  kwargs = {'representation': representation, **maps}
  here = export_tiny(spoilt(), tmp_path / 'here', **kwargs)
  (tmp_path / 'loads.txt').unlink()
  lines = []

  beam = export_tiny(
    spoilt(), tmp_path / 'beam', beam=TWO, progress=lines.append, **kwargs
  )

  files = files_of(tmp_path / 'beam')
  assert files == files_of(tmp_path / 'here')
  assert len([name for name in files if 'array_record' in name]) == 8
  assert beam.splits == here.splits
  assert [split.left_out[0][0] for split in beam.splits] == ['v3', 'v8']
  assert any(
    line.startswith("train: left out 'v3': all positions lie in") for line in lines
  )
  loads = [x.split() for x in (tmp_path / 'loads.txt').read_text().splitlines()]
  assert len({pid for pid, _ in loads} - {str(os.getpid())}) == 2
  dataset = open_dataset(tmp_path / 'beam', 'tiny', representation)
  records = dataset.records('train')
  assert [records[i]['video_id'].decode() for i in range(len(records))] == list(
    dataset.clips('train').video_ids
  )


@needs_beam
def test_a_worker_that_dies_is_an_error_and_leaves_nothing(tmp_path, spoilt):
  export_tiny(spoilt(), tmp_path / 'data')
  before = files_of(tmp_path / 'data')

  with pytest.raises(PoseDatasetError, match=r'worker process .* ended .* code 137'):
    export_tiny(spoilt('v5', 'kill'), tmp_path / 'data', beam=TWO, overwrite=True)

  assert files_of(tmp_path / 'data') == before
  assert [path.name for path in (tmp_path / 'data').iterdir()] == ['tiny']


@needs_beam
def test_an_error_in_a_worker_is_raised_and_leaves_nothing(tmp_path, spoilt):
  with pytest.raises(RuntimeError, match=r'in a worker .*(.|\n)*Fault: v5 it was'):
    export_tiny(spoilt('v5'), tmp_path / 'data', beam=TWO)
  assert list((tmp_path / 'data').iterdir()) == []


@needs_beam
def test_an_error_stops_the_other_worker_too(tmp_path, spoilt):
  with pytest.raises(RuntimeError, match='the first, v'):
    export_tiny(spoilt(how='first'), tmp_path / 'data', beam=TWO)
  loads = (tmp_path / 'loads.txt').read_text().splitlines()
  # The other worker has half of the 14 clips, and takes 1.5 s for each.
  assert len(loads) <= 5


@needs_beam
def test_strict_raises_the_clips_own_error(tmp_path, options):
  with pytest.raises(PoseDataError, match=r"^clip 'v[38]': all positions lie in"):
    export_tiny(SourceSpec('tiny', options), tmp_path / 'data', beam=TWO, strict=True)
  assert list((tmp_path / 'data').iterdir()) == []


@needs_beam
def test_the_tool_runs_on_beam_without_tensorflow(tmp_path, options):
  code = """
import runpy, sys
sys.argv = sys.argv[1:]
try:
  runpy.run_path(sys.argv[0], run_name='__main__')
finally:
  assert 'tensorflow' not in sys.modules
"""
  flags = [f'--{name}={value}' for name, value in options.items()]
  done = subprocess.run(
    [
      *(sys.executable, '-c', code, ROOT / 'tools' / 'export_dataset.py'),
      *(*flags, '--dataset=tiny', f'--data_dir={tmp_path}/tool', '--min_shards=4'),
      *('--runner=DirectRunner', '--num_workers=2'),
    ],
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH},
    capture_output=True,
    text=True,
    check=False,
  )
  assert done.returncode == 0, done.stderr
  assert 'train: 7 of 9 clips, 2 left out' in done.stdout
  export_tiny(SourceSpec('tiny', options), tmp_path / 'here')
  assert files_of(tmp_path / 'tool') == files_of(tmp_path / 'here')


def test_without_beam_it_says_how_to_get_it(monkeypatch):
  monkeypatch.setattr(
    beam_export.importlib.util, 'find_spec', lambda name: None if 'beam' in name else 1
  )
  with pytest.raises(
    PoseDatasetError, match=r"not installed: pip install '\.\[beam\]'"
  ):
    check_beam()


def test_an_opened_source_is_refused(tmp_path, options, monkeypatch):
  monkeypatch.setattr('input_pipeline.export.export.check_beam', lambda: None)
  source = SourceSpec('tiny', options).open()
  with pytest.raises(PoseDatasetError, match=r'is a PoseSource; give a SourceSpec'):
    export_tiny(source, tmp_path, beam=TWO)


def test_no_workers_are_refused():
  with pytest.raises(PoseDatasetError, match=r'num_workers is 0, .* at least 1'):
    BeamSettings(num_workers=0)
