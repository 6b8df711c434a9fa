"""Batches from stored maps in chunks are those from maps that are stored whole."""

import json
import shutil

import numpy as np
import pytest
from tiny_export import export_tiny, make_source

from input_pipeline.errors import PoseDatasetError
from input_pipeline.loading.clip_rows import ClipSettings
from input_pipeline.loading.loader import evaluation_batches, training_batches
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.frame_chunks import FRAMES_PER_CHUNK
from input_pipeline.storage.stored_source import stored_source
from input_pipeline.validation.stored_dataset import check_stored

# 3 to 33 frames: one chunk, a chunk and one frame, several.
CLIPS = ('v0', 'v5', 'v6', 'v13', 'v30')
MODALITIES = ('joints', 'parts')


@pytest.fixture(scope='module')
def datasets(tmp_path_factory):
  """The same clips stored whole, as releases before stored them, and in chunks."""
  opened = []
  for frames in (0, FRAMES_PER_CHUNK):
    folder = tmp_path_factory.mktemp(f'chunks_of_{frames}')
    source = make_source(train1=CLIPS)
    export_tiny(
      folder, source, 'heatmaps', modalities=MODALITIES, frames_per_chunk=frames
    )
    opened.append(open_dataset(folder, 'tiny', 'heatmaps'))
  return opened


def test_the_metadata_say_which_form(datasets):
  assert [dataset.frames_per_chunk for dataset in datasets] == [0, FRAMES_PER_CHUNK]
  features = [(d.directory / 'features.json').read_text() for d in datasets]
  assert ['maps_chunks' in text for text in features] == [False, True]
  for dataset in datasets:
    lines, sound = check_stored(dataset.directory, progress=lambda line: None)
    assert sound and lines[0].endswith('train1 5; every file is as it was written')


def test_a_data_set_of_an_earlier_release_opens(datasets, tmp_path):
  """Its metadata name neither chunks nor digests."""
  whole, _ = datasets
  folder = tmp_path.joinpath(*whole.directory.parts[-3:])
  shutil.copytree(whole.directory, folder)
  (folder / 'digests.json').unlink()
  metadata = json.loads((folder / 'metadata.json').read_text())
  assert metadata.pop('frames_per_chunk') == 0 and metadata.pop('digests')
  (folder / 'metadata.json').write_text(json.dumps(metadata))
  opened = open_dataset(tmp_path, 'tiny', 'heatmaps')
  assert (opened.frames_per_chunk, opened.verifiable) == (0, False)
  for old, new in zip(whole.records('train1'), opened.records('train1'), strict=True):
    np.testing.assert_array_equal(new['maps'], old['maps'], strict=True)


@pytest.mark.parametrize('frames', [-1, '8', 8.5])
def test_a_wrong_number_of_frames_is_damage(datasets, tmp_path, frames):
  _, chunked = datasets
  folder = tmp_path.joinpath(*chunked.directory.parts[-3:])
  shutil.copytree(chunked.directory, folder)
  (folder / 'digests.json').unlink()
  metadata = json.loads((folder / 'metadata.json').read_text())
  metadata |= {'frames_per_chunk': frames}
  del metadata['digests']
  (folder / 'metadata.json').write_text(json.dumps(metadata))
  with pytest.raises(
    PoseDatasetError, match=r"metadata.json .* its 'frames_per_chunk'"
  ):
    open_dataset(tmp_path, 'tiny', 'heatmaps')


def test_every_frame_is_the_same(datasets):
  whole, chunked = (dataset.records('train1') for dataset in datasets)
  assert len(whole) == len(chunked) == len(CLIPS)
  for old, new in zip(whole, chunked, strict=True):
    assert old.keys() == new.keys()
    for name in ('maps', 'parts'):
      assert isinstance(old[name], np.ndarray)
      np.testing.assert_array_equal(np.asarray(new[name]), old[name], strict=True)
      for frame in range(len(old[name])):
        np.testing.assert_array_equal(new[name][frame], old[name][frame])


@pytest.mark.parametrize('rule', ['segments', 'consecutive'])
@pytest.mark.parametrize('random_crop', [False, True])
def test_every_batch_is_the_same(datasets, rule, random_crop):
  settings = ClipSettings(
    4, rule, 1, canvas=(6, 8), modalities=MODALITIES, random_crop=random_crop
  )
  batches = []
  for dataset in datasets:
    records = dataset.records('train1')
    training = training_batches(
      records, range(len(records)), settings, batch_size=5, seed=3
    )
    evaluation = evaluation_batches(
      records, range(len(records)), settings, batch_size=5, num_views=2
    )
    batches.append([next(training), next(training), *evaluation])
  for old, new in zip(*batches, strict=True):
    assert old.keys() == new.keys() >= {'maps', 'parts'}
    for name in old:
      np.testing.assert_array_equal(new[name], old[name], strict=True)


def test_a_stored_clip_is_the_same(datasets):
  old, new = (stored_source(dataset).load('v30') for dataset in datasets)
  for modality in MODALITIES:
    maps = new.maps(modality)
    assert isinstance(maps, np.ndarray)
    np.testing.assert_array_equal(maps, old.maps(modality), strict=True)


def test_a_chunk_that_cannot_be_read_names_the_file(datasets, monkeypatch):
  _, chunked = datasets
  record = chunked.records('train1')[4]
  record['maps']._chunks = memoryview(bytes(len(record['maps']._chunks)))
  with pytest.raises(
    PoseDatasetError,
    match=r'array_record.* is damaged: record 4 cannot be read \(chunk 3 of its maps',
  ):
    record['maps'][30]
