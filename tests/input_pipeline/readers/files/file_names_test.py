"""Suffixes and stems, with and without .gz."""

import pathlib

import pytest

from input_pipeline.readers.files.file_names import is_file_of, stem_of, suffix_of


@pytest.mark.parametrize(
  ('name', 'suffix', 'stem'),
  [
    ('wave.json', '.json', 'wave'),
    ('wave.JSON.GZ', '.json', 'wave'),
    ('wave.2.csv.gz', '.csv', 'wave.2'),
    ('wave.gz', '', 'wave'),
    ('wave', '', 'wave'),
    ('.gz', '', '.gz'),
    ('.json', '', '.json'),
  ],
)
def test_names(name, suffix, stem):
  path = pathlib.PurePath('folder.gz', name)
  assert (suffix_of(path), stem_of(path)) == (suffix, stem)


def test_a_folder_is_no_file(tmp_path):
  (tmp_path / 'folder.json').mkdir()
  (tmp_path / 'file.json.gz').touch()
  assert not is_file_of(tmp_path / 'folder.json', ('.json',))
  assert is_file_of(tmp_path / 'file.json.gz', ('.json',))
