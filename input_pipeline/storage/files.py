"""Writes a data set's files, as TFDS names and reads them: shards, then metadata.

Any process may write any shard, in any order. The metadata are written last; they make
the data set exist.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import pathlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import tensorflow_datasets as tfds
from absl import logging
from etils import epath

from input_pipeline.catalog.protocols import PROTOCOLS
from input_pipeline.storage.digests import (
  DIGESTS_FILE,
  FileDigest,
  digest_of,
  digests_text,
)
from input_pipeline.storage.features import StoredForm
from input_pipeline.storage.paths import is_remote
from pose_action.host.disk_errors import is_full

# Increased when the features or the metadata change, so that old data is never misread.
VERSION = '1.0.0'
# A directory without this file holds no data set, or an unfinished one.
INFO_FILE = 'dataset_info.json'
FEATURES_FILE = 'features.json'  # TFDS's name.

_FILE_FORMAT = 'array_record'


@dataclasses.dataclass(frozen=True)
class SplitFiles:
  """A split's shards in order: the number of records in each, and each file's digest."""

  shard_lengths: Sequence[int]
  digests: Sequence[FileDigest]


def shard_path(
  directory: epath.PathLike, dataset: str, split: str, index: int, num_shards: int
) -> epath.Path:
  """The file of a split's shard; `index` starts at 0."""
  template = _file_names(directory, dataset, split)
  return template.sharded_filepath(shard_index=index, num_shards=num_shards)


def shard_paths(
  directory: epath.PathLike, dataset: str, split: str, num_shards: int
) -> list[epath.Path]:
  """All files of a split, in record order."""
  return [
    shard_path(directory, dataset, split, index, num_shards)
    for index in range(num_shards)
  ]


def write_shard(
  path: epath.Path,
  examples: Iterable[Mapping[str, Any]],
  features: tfds.features.FeaturesDict,
) -> FileDigest:
  """Writes a shard with one example in memory at a time; returns its size and digest.

  The same examples give the same bytes.
  """
  info = features.get_serialized_info()
  serializer = tfds.core.ExampleSerializer(info)  # pyright: ignore (nested dicts)
  records = (
    (index, _serialized(features.encode_example(example), serializer))
    for index, example in enumerate(examples)
  )
  with _local_file(path) as file:
    writer = tfds.core.ExampleWriter(tfds.core.FileFormat(_FILE_FORMAT))
    try:
      writer.write(os.fspath(file), records)
    except RuntimeError as error:  # From array_record, without an error number.
      if not is_full(error):
        raise
      raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path)) from error
    return digest_of(file)


def _serialized(
  encoded: Mapping[str, Any], serializer: tfds.core.ExampleSerializer
) -> bytes:
  """Serializes to TFDS's record form, with the features in a fixed order.

  TFDS (4.9.10) copies an array's bytes eight times, which takes longer than rendering for
  a long video's maps. So TFDS serializes empty arrays, whose bytes are filled in here.
  """
  arrays = {n: value for n, value in encoded.items() if isinstance(value, Mapping)}
  empty = {name: {**array, 'value': b''} for name, array in arrays.items()}
  record = serializer.get_tf_example({**encoded, **empty})
  for name, array in arrays.items():
    record.features.feature[f'{name}/value'].bytes_list.value[0] = array['value']
  # Otherwise the order of the features, and so the bytes, would differ by process.
  return record.SerializeToString(deterministic=True)


def write_metadata(
  directory: epath.Path,
  form: StoredForm,
  splits: Mapping[str, SplitFiles],
  metadata: Mapping[str, Any],
):
  """Writes the metadata that make shards a data set, `INFO_FILE` last."""
  protocol = PROTOCOLS.get(form.dataset)
  identity = tfds.core.DatasetIdentity(
    name=form.dataset,
    version=tfds.core.Version(VERSION),
    data_dir=os.fspath(directory),
    module_name=__name__,
    config_name=form.representation,
  )
  info = tfds.core.DatasetInfo(
    builder=identity,
    citation=protocol.citation if protocol else None,
    features=form.features(),
    metadata=tfds.core.MetadataDict({**metadata, 'digests': DIGESTS_FILE}),
    disable_shuffling=True,
  )
  info.set_file_format(_FILE_FORMAT)
  info.set_splits(
    tfds.core.SplitDict(
      [
        tfds.core.SplitInfo(
          name=stored_name(split),
          shard_lengths=list(files.shard_lengths),
          num_bytes=sum(digest.num_bytes for digest in files.digests),
          filename_template=_file_names(directory, form.dataset, split),
        )
        for split, files in splits.items()
      ]
    )
  )
  with quiet_tfds(), tempfile.TemporaryDirectory() as folder:
    info.write_to_directory(folder)
    _write_digests(epath.Path(folder), directory, form.dataset, splits)
    for file in sorted(epath.Path(folder).iterdir(), key=lambda f: f.name == INFO_FILE):
      file.copy(directory / file.name, overwrite=True)


def _write_digests(
  folder: epath.Path,
  directory: epath.Path,
  dataset: str,
  splits: Mapping[str, SplitFiles],
):
  """Writes the digests of the metadata in a folder, and of the shards."""
  digests = {file.name: digest_of(file) for file in folder.iterdir()}
  for split, files in splits.items():
    paths = shard_paths(directory, dataset, split, len(files.digests))
    for path, digest in zip(paths, files.digests, strict=True):
      digests[path.name] = digest
  (folder / DIGESTS_FILE).write_text(digests_text(digests))


def stored_name(split: str) -> str:
  """The name under which TFDS stores a split."""
  # TFDS reserves 'all', which is the only split of a source without splits.
  return 'all_' if split == 'all' else split


@contextlib.contextmanager
def quiet_tfds():
  """Silences TFDS's info messages; warnings still show."""
  verbosity = logging.get_verbosity()
  logging.set_verbosity(min(verbosity, logging.WARNING))
  try:
    yield
  finally:
    logging.set_verbosity(verbosity)


def _file_names(
  directory: epath.PathLike, dataset: str, split: str
) -> tfds.core.ShardedFileTemplate:
  return tfds.core.ShardedFileTemplate(
    data_dir=epath.Path(directory),
    dataset_name=dataset,
    split=stored_name(split),
    filetype_suffix=_FILE_FORMAT,
  )


@contextlib.contextmanager
def _local_file(path: epath.Path) -> Iterator[pathlib.Path]:
  """A local file for array_record to write; for a remote `path`, copied there after."""
  if not is_remote(path):
    yield pathlib.Path(path)
    return
  with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / path.name
    yield file
    epath.Path(file).copy(path, overwrite=True)
