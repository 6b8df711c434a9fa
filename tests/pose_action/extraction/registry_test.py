"""Pose networks by name, and the options of each."""

import numpy as np
import pytest

from pose_action.extraction.extractor import ExtractorError
from pose_action.extraction.registry import EXTRACTORS, make_extractor


def test_unknown_names_get_a_suggestion(tmp_path):
  with pytest.raises(ExtractorError, match=r"'open_pose'; did you mean 'openpose'\?"):
    make_extractor('open_pose', tmp_path)
  with pytest.raises(ExtractorError, match=r"'xyzzy'\. Known: openpose, tf_graph"):
    make_extractor('xyzzy', tmp_path)


@pytest.mark.parametrize(
  ('name', 'option', 'has'),
  [
    ('openpose', 'input_size', 'scales, base_height, batch_size'),
    ('tf_graph', 'scales', 'input_size, pixels, tensors'),
  ],
)
def test_options_of_another_network_are_refused(tmp_path, name, option, has):
  with pytest.raises(
    ExtractorError, match=f'has no option {option}; its options are {has}'
  ):
    make_extractor(name, tmp_path, **{option: 1})


@pytest.mark.parametrize('name', EXTRACTORS)
def test_a_missing_file_says_what_is_expected(tmp_path, name):
  with pytest.raises(ExtractorError, match='there is no file') as error:
    make_extractor(name, tmp_path / 'gone')
  assert str(error.value).endswith(f'expects {EXTRACTORS[name].expects}')


def test_weights_of_another_network_are_refused(tmp_path):
  path = tmp_path / 'w.npz'
  np.savez(path, **{'conv1_1.weight': np.zeros((1, 2))})
  with pytest.raises(
    ExtractorError, match=r'w\.npz: these are not the weights of Open'
  ):
    make_extractor('openpose', path)
