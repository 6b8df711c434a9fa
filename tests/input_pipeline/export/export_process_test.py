"""An export as a process: interrupted, repeated, and what it loads, prints and keeps."""

import gc
import os
import signal
import subprocess
import sys
import weakref

import pytest
from places import PYTHON_PATH, ROOT
from tiny_export import export_tiny, make_clip, make_source

from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.storage import examples
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.rendered_maps import render_clip


@pytest.mark.parametrize('workers', [1, 3])
@pytest.mark.parametrize(
  ('strict', 'error'),
  [(True, PoseDataError), (False, KeyboardInterrupt)],
  ids=['strict', 'interrupt'],
)
def test_what_stops_an_export_leaves_nothing_behind(tmp_path, strict, error, workers):
  def load(video_id):
    if video_id == 'v7':
      raise error('clip v7 it was')
    return make_clip(video_id)

  with pytest.raises(error, match='clip v7 it was'):
    export_tiny(tmp_path, make_source(load), 'heatmaps', strict=strict, workers=workers)
  assert list(tmp_path.iterdir()) == []


def test_an_export_replaces_only_when_told_to(tmp_path):
  export_tiny(tmp_path)
  with pytest.raises(
    PoseDatasetError, match=r'already there as keypoints.*--overwrite'
  ):
    export_tiny(tmp_path, make_source(train=('v1',)))

  with pytest.raises(PoseDatasetError, match='ZeroDivisionError'):
    export_tiny(tmp_path, make_source(lambda v: 1 / 0), overwrite=True)
  assert open_dataset(tmp_path, 'tiny', 'keypoints').splits == ('train1', 'test1')

  export_tiny(tmp_path, make_source(new=('v1',)), overwrite=True)
  dataset = open_dataset(tmp_path, 'tiny', 'keypoints')
  assert dataset.splits == ('new',)
  assert len(dataset.records('new')) == 1
  assert [path.name for path in tmp_path.iterdir()] == ['tiny']


def run_python(code, *args):
  # TFDS gives this warning under protobuf 6, which Apache Beam needs.
  strict = ('-W', 'error', '-W', 'ignore:label() is deprecated:DeprecationWarning')
  return subprocess.run(
    [sys.executable, *strict, '-c', code, *map(str, args)],
    cwd=ROOT,
    env={**os.environ, 'PYTHONPATH': PYTHON_PATH, 'PYTHONWARNINGS': ''},
    capture_output=True,
    text=True,
    check=False,
  )


def test_after_a_kill_midway_the_next_export_starts_clean(tmp_path):
  code = """
import os, signal, sys
import tiny_export

def load(video_id):
  if video_id == 'v7':
    os.kill(os.getpid(), signal.SIGKILL)
  return tiny_export.make_clip(video_id)

tiny_export.export_tiny(sys.argv[1], tiny_export.make_source(load))
"""
  assert run_python(code, tmp_path).returncode == -signal.SIGKILL
  assert list(tmp_path.glob('.export-tiny-keypoints/**/*.array_record*'))
  with pytest.raises(PoseDatasetError, match=r'data sets in .*: none'):
    open_dataset(tmp_path, 'tiny', 'keypoints')

  export_tiny(tmp_path)

  assert len(open_dataset(tmp_path, 'tiny', 'keypoints').records('train1')) == 3
  assert [path.name for path in tmp_path.iterdir()] == ['tiny']


def test_needs_no_tensorflow_and_prints_nothing_else(tmp_path):
  code = """
import sys
from absl import logging
from input_pipeline.storage.dataset import open_dataset
assert 'jax' not in sys.modules, 'reading a data set needs no jax'

import tiny_export
logging.set_verbosity(logging.INFO)
tiny_export.export_tiny(sys.argv[1], representation='heatmaps', progress=print)
dataset = open_dataset(sys.argv[1], 'tiny', 'heatmaps')
assert dataset.records('train1')[2]['maps'][:].any()
assert logging.get_verbosity() == logging.INFO
assert 'tensorflow' not in sys.modules
"""
  done = run_python(code, tmp_path)
  assert (done.returncode, done.stderr) == (0, '')
  # On a busy machine the export may take long enough to print progress.
  lines = [x for x in done.stdout.splitlines() if 'per second' not in x]
  assert lines == ['tiny as heatmaps: 5 clips']


@pytest.mark.parametrize('workers', [1, 3])
def test_a_worker_has_one_clip_s_maps_in_memory(tmp_path, monkeypatch, workers):
  rendered, alive = [], []

  def spy(clip, **settings):
    alive.append(sum(maps() is not None for maps in rendered))
    maps = render_clip(clip, **settings)
    rendered.append(weakref.ref(maps))
    return maps

  monkeypatch.setattr(examples, 'render_clip', spy)
  source = make_source(train=tuple(f'v{i}' for i in range(6)))
  export_tiny(tmp_path, source, 'heatmaps', workers=workers)

  assert len(rendered) == 6
  assert max(alive) <= workers


def test_an_export_keeps_no_reference_to_the_source(tmp_path):
  source = make_source()
  gone = weakref.ref(source)
  export_tiny(tmp_path, source)
  del source
  gc.collect()
  assert gone() is None
