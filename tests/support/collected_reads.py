"""Reads that Orbax gave up end in the test that gave them up: imported as fixtures."""

import gc

import pytest


@pytest.fixture(autouse=True, scope='module')
def frozen_before():
  """Collecting looks only at what these tests make; all before takes a second."""
  gc.collect()
  gc.freeze()
  yield
  gc.unfreeze()


@pytest.fixture(autouse=True)
def collected():
  yield
  gc.collect()
