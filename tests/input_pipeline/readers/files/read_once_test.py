"""A file is read again only if another was read, or it changed."""

import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.read_once import read_once


def test_a_file_is_read_once_until_it_changes(tmp_path):
  seen = []

  @read_once
  def read(path):
    seen.append(path.name)
    return path.read_text()

  a, b = tmp_path / 'a', tmp_path / 'b'
  a.write_text('one')
  b.write_text('other')
  assert [read(a), read(a), read(b), read(a)] == ['one', 'one', 'other', 'one']
  assert seen == ['a', 'b', 'a']
  a.write_text('longer')
  assert read(a) == 'longer'
  with pytest.raises(PoseDataError, match=r'gone cannot be read: '):
    read(tmp_path / 'gone')
