"""Paths of the checkout and of the development data beside it."""

import os
import pathlib

ROOT = pathlib.Path(__file__).parents[2]
SHARED_DATA = ROOT.parent / 'shared' / 'data'
# For programs that write no TensorBoard events.
WITHOUT_TENSORBOARD = str(ROOT / 'tests' / 'support' / 'without_tensorboard')
PYTHON_PATH = os.pathsep.join([str(ROOT), str(ROOT / 'tests' / 'support')])
