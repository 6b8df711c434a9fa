"""MATLAB files: which are read, and the errors for the others."""

import numpy as np
import pytest
import scipy.io

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.files.matlab import read_mat


def test_only_what_is_asked_for(tmp_path):
  path = tmp_path / 'a.mat'
  scipy.io.savemat(path, {'x': np.eye(2), 'y': np.eye(3), 'z': {'a': 1}})
  content = read_mat(path, ('y', 'x'), video_id='v')
  assert list(content) == ['y', 'x']
  np.testing.assert_array_equal(content['x'], np.eye(2))


def test_missing_file(tmp_path):
  with pytest.raises(PoseDataError, match=r"clip 'v': there is no file .*a\.mat"):
    read_mat(tmp_path / 'a.mat', ('x',), video_id='v')


@pytest.mark.parametrize('content', [b'', b'not a MATLAB file' * 20])
def test_broken_file(tmp_path, content):
  path = tmp_path / 'a.mat'
  path.write_bytes(content)
  with pytest.raises(PoseDataError, match=r"'v': .*a\.mat is not a readable MATLAB 5"):
    read_mat(path, ('x',), video_id='v')


def test_file_cut_off(tmp_path):
  path = tmp_path / 'a.mat'
  scipy.io.savemat(path, {'x': np.ones((50, 13))})
  path.write_bytes(path.read_bytes()[:900])
  with pytest.raises(PoseDataError, match=r"'v': .*a\.mat is not a readable MATLAB 5"):
    read_mat(path, ('x',), video_id='v')


def test_missing_variable(tmp_path):
  path = tmp_path / 'a.mat'
  scipy.io.savemat(path, {'x': np.eye(2)})
  with pytest.raises(
    PoseDataError, match=r"'v': .*a\.mat lacks the variable 'y'; .*x, y"
  ):
    read_mat(path, ('x', 'y'), video_id='v')


@pytest.mark.parametrize('value', [{'a': 1}, np.array([1, 'a'], object)])
def test_cells_and_structures(tmp_path, value):
  path = tmp_path / 'a.mat'
  scipy.io.savemat(path, {'x': value})
  with pytest.raises(
    PoseDataError, match=r"'v': 'x' in .*a\.mat is a cell or a struct"
  ):
    read_mat(path, ('x',), video_id='v')
