"""Quantization to 8 bits and back, for each modality."""

import jax.numpy as jnp
import numpy as np
import pytest

from input_pipeline.maps.quantization import EMPTY, dequantize, quantize


@pytest.mark.parametrize(
  ('modality', 'value', 'code'),
  [
    *[('joints', 0.0, 0), ('joints', 1.0, 255), ('joints', 0.5, 128)],
    *[('joints', 1.2, 255), ('joints', -0.1, 0)],
    *[('parts', 0.0, 128), ('parts', 1.0, 255), ('parts', -1.0, 1)],
    *[('parts', -1.3, 1), ('parts', 1.3, 255)],
    *[('features', 0.0, 0), ('features', 4.0, 255), ('features', 1.0, 64)],
  ],
)
def test_codes_by_hand(modality, value, code):
  """Features use scale 4."""
  for array in (np.array([value], np.float32), jnp.array([value])):
    codes = quantize(array, modality, 4.0)
    assert codes.dtype == np.uint8
    assert int(codes[0]) == code


@pytest.mark.parametrize(
  ('modality', 'low', 'high', 'step'),
  [('joints', 0, 1, 1 / 255), ('parts', -1, 1, 1 / 127), ('features', 0, 9, 9 / 255)],
)
def test_a_round_trip_is_within_half_a_step(modality, low, high, step):
  values = np.random.default_rng(0).uniform(low, high, (5, 7)).astype(np.float32)
  back = dequantize(quantize(values, modality, 9.0), modality, 9.0)
  assert back.dtype == np.float32
  np.testing.assert_allclose(back, values, atol=step / 2 + 1e-6)


@pytest.mark.parametrize('modality', EMPTY)
def test_an_empty_cell_is_exactly_0(modality):
  empty = np.array([EMPTY[modality]], np.uint8)
  np.testing.assert_array_equal(dequantize(empty, modality, 3.0), 0)
  np.testing.assert_array_equal(quantize(np.zeros(1), modality, 3.0), empty)


def test_features_that_are_all_zero_have_no_scale():
  np.testing.assert_array_equal(quantize(np.zeros(2), 'features', 0.0), [0, 0])
