"""Sizes and digests of a data set's files, by which damage is found and named.

`digests.json` beside the other files holds each file's size and SHA-256, and a digest of
itself. Opening a data set checks the metadata's content and every shard's size; only
`find_damage` reads the shards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent import futures
from typing import Any, NamedTuple

from etils import epath

from input_pipeline.catalog.protocols import export_command
from input_pipeline.errors import PoseDatasetError
from pose_action.host.progress import Progress

DIGESTS_FILE = 'digests.json'
METADATA_FILE = 'metadata.json'  # TFDS's name.

_CHUNK_BYTES = 1 << 20
_LOOKS_AT_ONCE = 8  # An object store answers slowly, but many questions at once.


class FileDigest(NamedTuple):
  """A file's size in bytes and its SHA-256."""

  num_bytes: int
  sha256: str


def digest_of(path: epath.PathLike) -> FileDigest:
  """Reads a file and returns its size and digest."""
  digest, num_bytes = hashlib.sha256(), 0
  with epath.Path(path).open('rb') as file:
    while chunk := file.read(_CHUNK_BYTES):
      digest.update(chunk)
      num_bytes += len(chunk)
  return FileDigest(num_bytes, digest.hexdigest())


def digests_text(files: Mapping[str, FileDigest]) -> str:
  """The content of `digests.json` for files by name."""
  listed = {name: list(files[name]) for name in sorted(files)}
  return json.dumps({'files': listed, 'sha256': _digest_of_list(listed)}, indent=1)


def damage(file: epath.Path, reason: str) -> PoseDatasetError:
  """The error for a damaged file: names it, and says how to make the data set again."""
  return PoseDatasetError(f'{file} is damaged: {reason}; {_how_to_remake(file.parent)}')


def read_digests(directory: epath.Path) -> dict[str, FileDigest] | None:
  """The files' digests by name; None for a data set made before there were digests.

  Raises:
    PoseDatasetError: if the file with the digests is damaged, or lost.
  """
  file = directory / DIGESTS_FILE
  if not file.exists():
    if _metadata(directory).get('digests'):
      raise damage(file, 'the file is missing')
    return None
  try:
    content = json.loads(file.read_bytes().decode('utf-8'))
    listed, digest = content['files'], content['sha256']
    if _digest_of_list(listed) == digest:
      return {name: FileDigest(*entry) for name, entry in listed.items()}
  except (ValueError, KeyError, TypeError, RecursionError) as error:
    raise damage(file, f'it does not hold digests ({type(error).__name__})') from error
  raise damage(file, 'its content does not fit its own digest')


def check_files(directory: epath.Path) -> bool:
  """Checks the metadata's content and every shard's size, without reading shards.

  Returns:
    Whether there are digests to check; False for a data set made before.

  Raises:
    PoseDatasetError: naming the first damaged file.
  """
  digests = read_digests(directory)
  if digests is None:
    return False
  with futures.ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
    reasons = pool.map(
      lambda name: _damage_of(directory / name, digests[name], _is_shard(name)),
      digests,
    )
    for name, reason in zip(digests, reasons, strict=True):
      if reason:
        raise damage(directory / name, reason)
  return True


def find_damage(
  directory: epath.Path, progress: Callable[[str], object]
) -> list[str] | None:
  """Reads every file, and returns a line for each that is damaged.

  Returns None for a data set made before there were digests.
  """
  digests = read_digests(directory)
  if digests is None:
    return None
  lines = []
  pace = Progress(len(digests), 'files', progress)
  for name, digest in digests.items():
    if reason := _damage_of(directory / name, digest, size_only=False):
      lines.append(f'{directory / name} is damaged: {reason}')
    pace.add(label='checking')
  pace.close()
  return [*lines, _how_to_remake(directory)] if lines else []


def unverifiable(directory: epath.PathLike) -> str:
  """A line for a data set without digests."""
  return (
    f'{directory} was made by a version that stored no digests, so damage to its files'
    ' cannot be detected; to detect it, export the data set again'
  )


def _is_shard(name: str) -> bool:
  return 'array_record' in name


def _damage_of(file: epath.Path, written: FileDigest, size_only: bool) -> str:
  """How a file differs from what was written; '' if it does not."""
  try:
    size = file.stat().length
    if size != written.num_bytes:
      return f'it has {size} bytes, but was written with {written.num_bytes}'
    if not size_only and digest_of(file) != written:
      return 'its content is not what was written'
  except FileNotFoundError:
    return 'the file is missing'
  except OSError as error:
    return f'it cannot be read ({error})'
  return ''


def _digest_of_list(listed: Any) -> str:
  return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).hexdigest()


def _metadata(directory: epath.Path) -> dict[str, Any]:
  """The metadata, if they can be read; whether they are sound is checked elsewhere."""
  try:
    content = json.loads((directory / METADATA_FILE).read_bytes().decode('utf-8'))
  except (OSError, ValueError, RecursionError):
    return {}
  return content if isinstance(content, dict) else {}


def _how_to_remake(directory: epath.Path) -> str:
  dataset, representation = directory.parts[-3:-1]
  source = _metadata(directory).get('source')
  try:
    command = export_command(dataset, representation, directory.parents[2], source)
  except (AttributeError, KeyError, TypeError):  # From damaged metadata.
    command = export_command(dataset, representation, directory.parents[2])
  return f'make the data set again: {command} --overwrite'
