"""The PyTorch JMRN of the benchmarks; a test that needs it is skipped without torch."""

import pytest

torch = pytest.importorskip(
  'torch', reason='PyTorch, which JMRN is compared with, is not installed'
)

from benchmarks.jmrn_torch import TorchJMRN, randomised  # noqa: E402

__all__ = ['TorchJMRN', 'randomised', 'torch']
