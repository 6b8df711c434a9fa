"""Digests of what a checkpoint holds: saved with the checkpoint, verified before use.

Everything is read here without Orbax, which would restore flipped bits silently, and
fails on torn files with many tracebacks. A checkpoint is a folder:

  state/              the arrays: zarr in an OCDBT database
  data/process_*.json the iterator's position, the same for every process
  run/metadata        the description of the run, JSON
  metrics/metrics     the figure that the best checkpoint is chosen by, JSON
  left_open/metadata  what a stop left open, JSON; only after Ctrl-C or SIGTERM
  digests/metadata    SHA-256 of each array and of each other part, JSON
"""

from __future__ import annotations

import hashlib
import json
import math
import pathlib
from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tensorstore
from jax.experimental import multihost_utils

# Arrays of zeros compress to nothing, those of trained weights to a tenth less than they
# are; a small file may declare terabytes (our choice).
_SMALL = 256 << 20  # Bytes that arrays in a few files may take.
_TEXTS = ('byte', 'char', 'string', 'ustring', 'json')  # TensorStore's names.
_LARGEST_RATIO = 100
METRIC = 'validation'  # The name of the figure that the best checkpoint is chosen by.
_SHOWN = 3


class CheckpointError(ValueError):
  """A checkpoint does not hold what this version of the library reads from it."""


class DamagedCheckpointError(CheckpointError):
  """A checkpoint does not hold what was saved; the message says which part.

  Attributes:
    folder: the checkpoint.
  """

  def __init__(self, folder: pathlib.Path, reason: str):
    self.folder = folder
    super().__init__(f'{folder} is damaged: {reason}')


def make_digests(state: Any, **parts: Any) -> dict[str, Any]:
  """The digests to save with a checkpoint; all processes must call this.

  Args:
    state: a tree of arrays.
    **parts: the other parts by name, as JSON; None for a part that is not saved.
  """
  arrays = {name: _of_array(whole(leaf)) for name, leaf in named(state).items()}
  return {'arrays': arrays, **{name: _of_json(part) for name, part in parts.items()}}


def named(tree: Any) -> dict[str, Any]:
  """The leaves of a tree by dotted name, as Orbax names the arrays that it stores."""
  return {
    jax.tree_util.keystr(path, simple=True, separator='.'): leaf
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
  }


def whole(leaf: Any) -> np.ndarray:
  """An array on the host; a random key as its numbers."""
  if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
    leaf = jax.random.key_data(leaf)
  if isinstance(leaf, jax.Array) and not (
    leaf.is_fully_addressable or leaf.is_fully_replicated
  ):
    return np.asarray(multihost_utils.process_allgather(leaf, tiled=True))
  return np.asarray(leaf)


def check_parts(folder: pathlib.Path) -> bool:
  """Reads the description, the iterator and the figure of a checkpoint.

  Returns:
    Whether the checkpoint has digests; those of earlier versions have none.

  Raises:
    DamagedCheckpointError: for a part that cannot be read, or is not what was saved.
  """
  if not folder.is_dir():
    raise DamagedCheckpointError(folder, 'it is not a folder')
  if not any(folder.iterdir()):
    raise DamagedCheckpointError(folder, 'it is empty')
  digests = _digests(folder)
  found = {
    'run': _json(folder, 'run/metadata'),
    'metrics': _json(folder, 'metrics/metrics'),
    'iterator': read_iterator(folder),
    'left_open': read_left_open(folder),
  }
  figure = (found['metrics'] or {METRIC: 0.0}).get(METRIC)
  if not isinstance(figure, int | float):
    raise DamagedCheckpointError(folder, f'metrics/metrics has no number {METRIC!r}')
  if digests is None:
    return False
  for name, content in found.items():
    if _of_json(content) != digests.get(name):
      lost = 'is missing' if content is None else 'is not what was saved'
      raise DamagedCheckpointError(folder, f'its part {name!r} {lost}')
  return True


def read_iterator(folder: pathlib.Path) -> Any:
  """The iterator's saved position, None if there is none.

  Every process saves the same position, because the batches are those of the whole job.
  So a checkpoint can be resumed by another number of processes.

  Raises:
    DamagedCheckpointError: if a file is broken, or two differ.
  """
  files = sorted((folder / 'data').glob('process_*.json'))
  states = [_json(folder, f'data/{file.name}') for file in files]
  if any(state != states[0] for state in states):
    raise DamagedCheckpointError(folder, 'its processes disagree on the next batch')
  return states[0] if states else None


def read_left_open(folder: pathlib.Path) -> dict[str, Any] | None:
  """What a stop left open, see `LeftOpen`.

  Raises:
    DamagedCheckpointError: if it cannot be read.
  """
  content = _json(folder, 'left_open/metadata')
  if content is not None and not (
    content.keys() == {'metrics', 'evaluation'} and isinstance(content['metrics'], dict)
  ):
    raise DamagedCheckpointError(folder, 'left_open/metadata has another form')
  return content


def check_arrays(folder: pathlib.Path, tops: Collection[str] | None = None):
  """Reads arrays from the disk and compares them with their digests, if there are any.

  Args:
    tops: first names of the arrays to read, such as 'params'; by default all.

  Raises:
    DamagedCheckpointError: for an array that cannot be read, or is not what was saved.
  """
  if not (folder / 'state').is_dir():
    if _digests(folder) is not None:
      raise DamagedCheckpointError(folder, 'its arrays are missing')
    return  # Not one of our checkpoints; the reader says so.
  wanted = (_digests(folder) or {}).get('arrays')
  database = {'driver': 'ocdbt', 'base': f'file://{folder / "state"}/'}
  try:
    keys = tensorstore.KvStore.open(database).result().list().result()
    stored = {key.decode().rpartition('/')[0] for key in keys} - {''}
  except (ValueError, OSError) as error:
    raise DamagedCheckpointError(folder, _one_line(error)) from error
  names = sorted(stored if wanted is None else wanted)
  chosen = [n for n in names if tops is None or n.partition('.')[0] in tops]
  if missing := [name for name in chosen if name not in stored]:
    more = f' and {len(missing) - _SHOWN} more' if len(missing) > _SHOWN else ''
    listed = ', '.join(missing[:_SHOWN]) + more
    raise DamagedCheckpointError(folder, f'it has lost {listed}')
  stores = {name: _store(folder, database, name) for name in chosen}
  _check_size(folder, stores)
  for name, store in stores.items():
    array = _content(folder, name, store)
    if wanted is not None and _of_array(array) != wanted[name]:
      raise DamagedCheckpointError(folder, f'array {name} is not what was saved')


def check_restored(folder: pathlib.Path, tree: Any, prefix: str = ''):
  """Compares restored arrays with their digests, if there are any.

  Raises:
    DamagedCheckpointError: for an array that is not what was saved.
  """
  wanted = (_digests(folder) or {}).get('arrays')
  if wanted is None:
    return
  for name, leaf in named(tree).items():
    if _of_array(whole(leaf)) != wanted.get(prefix + name):
      raise DamagedCheckpointError(
        folder, f'array {prefix}{name} is not what was saved'
      )


def saved_arrays(folder: pathlib.Path) -> frozenset[str] | None:
  """Names of the arrays that were saved; None if the checkpoint has no digests."""
  digests = _digests(folder)
  return None if digests is None else frozenset(digests['arrays'])


def _store(folder: pathlib.Path, database: dict, name: str) -> tensorstore.TensorStore:
  store = {'driver': 'zarr', 'kvstore': {**database, 'path': f'{name}/'}}
  try:
    found = tensorstore.open(store, read=True).result()
  except (ValueError, OSError) as error:
    raise DamagedCheckpointError(folder, f'array {name}: {_one_line(error)}') from error
  if found.dtype.name in _TEXTS:  # TensorStore makes room for the declared length.
    raise DamagedCheckpointError(folder, f'array {name} is no array of numbers')
  return found


def _check_size(folder: pathlib.Path, stores: dict[str, tensorstore.TensorStore]):
  """Raises DamagedCheckpointError for arrays far larger than the files that hold them."""
  sizes = {
    n: math.prod(s.shape) * s.dtype.numpy_dtype.itemsize for n, s in stores.items()
  }
  files = sum(p.stat().st_size for p in (folder / 'state').rglob('*') if p.is_file())
  most = max(_SMALL, _LARGEST_RATIO * files)
  if sum(sizes.values()) > most:
    name = max(sizes, key=lambda name: sizes[name])
    raise DamagedCheckpointError(
      folder,
      f'array {name} would have {sizes[name]:,} bytes, but the files of all arrays have'
      f' {files:,}',
    )


def _content(
  folder: pathlib.Path, name: str, store: tensorstore.TensorStore
) -> np.ndarray:
  try:
    return np.asarray(store.read().result())
  except (ValueError, OSError) as error:
    raise DamagedCheckpointError(folder, f'array {name}: {_one_line(error)}') from error


def _digests(folder: pathlib.Path) -> dict[str, Any] | None:
  digests = _json(folder, 'digests/metadata')
  if digests is not None and not isinstance(digests.get('arrays'), dict):
    raise DamagedCheckpointError(folder, 'its digests cannot be read')
  return digests


def _json(folder: pathlib.Path, name: str) -> dict[str, Any] | None:
  """An object in a JSON file; None if there is no such file."""
  try:
    content = json.loads((folder / name).read_text('utf-8'))
  except FileNotFoundError:
    return None
  except (ValueError, OSError, RecursionError) as error:
    reason = f'{name} cannot be read: {_one_line(error)}'
    raise DamagedCheckpointError(folder, reason) from error
  if not isinstance(content, dict):
    raise DamagedCheckpointError(folder, f'{name} is not a JSON object')
  return content


def _of_array(array: np.ndarray) -> str:
  digest = hashlib.sha256(f'{array.dtype} {array.shape}'.encode())
  digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
  return digest.hexdigest()


def _of_json(content: Any) -> str | None:
  if content is None:
    return None
  return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _one_line(error: BaseException) -> str:
  words = ' '.join(str(error).split())
  return words if len(words) <= 200 else f'{words[:200]}…'
