"""The benchmarks' PyTorch JMRN; tests that need it are skipped without PyTorch."""

import pytest

torch = pytest.importorskip(
  'torch', reason='PyTorch, the reference for JMRN, is not installed'
)

from benchmarks.in_pytorch.jmrn import TorchJMRN, randomised  # noqa: E402

__all__ = ['TorchJMRN', 'randomised', 'torch']
