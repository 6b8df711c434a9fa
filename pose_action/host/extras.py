"""Names the pip command that brings a library which is not installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

# Which extra of setup.py brings what is imported.
_EXTRAS = {
  'PIL': 'video',
  'apache_beam': 'beam',
  'array_record': 'train',
  'av': 'video',
  'clu': 'train',
  'cv2': 'video',
  'defusedxml': 'elan',
  'grain': 'train',
  'h5netcdf': 'movement',
  'h5py': 'deeplabcut',
  'matplotlib': 'train',
  'pooch': 'train',
  'pympi': 'elan',
  'requests': 'train',
  'sleap_io': 'sleap',
  'tensorboard': 'tensorboard',
  'tensorflow': 'tensorboard',
  'tensorflow_datasets': 'train',
  'torch': 'torch',
  'xarray': 'movement',
}


class MissingExtraError(ImportError):
  """A library that only an extra installs; the message is the command to install it."""


@contextlib.contextmanager
def naming_the_extra() -> Iterator[None]:
  """Around imports: turns the failure of one into the command that mends it.

  Raises:
    MissingExtraError: where a library of an extra is not installed.
  """
  try:
    yield
  except ModuleNotFoundError as error:
    name = (error.name or '').split('.')[0]
    if name not in _EXTRAS:
      raise
    raise MissingExtraError(missing(name)) from error


def missing(module: str) -> str:
  """What to say where that library is not installed."""
  return (
    f'{module} is not installed, which this needs: pip install'
    f" 'pose-action-jax[{_EXTRAS[module]}]' (in a checkout: pip install -e"
    f" '.[{_EXTRAS[module]}]')"
  )
