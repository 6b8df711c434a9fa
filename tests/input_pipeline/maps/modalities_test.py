"""Modality names, and their frames."""

import pytest

from input_pipeline.maps.modalities import (
  MODALITIES,
  check_modalities,
  is_difference,
  num_frames_of,
  stored_modalities,
)


def test_six_modalities_three_are_stored():
  assert len(MODALITIES) == 6
  assert stored_modalities(MODALITIES) == ('joints', 'parts', 'features')
  assert stored_modalities(('parts_diff', 'joints', 'parts')) == ('joints', 'parts')


def test_a_difference_has_one_frame_less():
  assert [num_frames_of(name, 8) for name in MODALITIES] == [8, 8, 8, 7, 7, 7]
  assert [is_difference(name) for name in MODALITIES] == 3 * [False] + 3 * [True]


@pytest.mark.parametrize('wrong', [(), ('limbs',), ('joints', 'joints')])
def test_invalid_modalities_are_refused(wrong):
  with pytest.raises(ValueError, match=r'data\.modalities is .*; name at least one of'):
    check_modalities(wrong, 'data.modalities')
