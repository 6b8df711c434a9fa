"""The benchmarks' PyTorch DD-Net; tests that need it are skipped without PyTorch."""

import pytest

torch = pytest.importorskip(
  'torch', reason='PyTorch, the reference for DD-Net, is not installed'
)

from benchmarks.in_pytorch.ddnet import TorchDDNet, randomised  # noqa: E402

__all__ = ['TorchDDNet', 'randomised', 'torch']
