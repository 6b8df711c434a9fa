"""Checked downloads: taken up where they broke off, verified, moved in one step."""

from __future__ import annotations

import os
import pathlib
import tempfile
import zipfile

import pooch
import requests  # pooch's own dependency.

_TIMEOUT_SECONDS = 30  # For one answer or one piece, not for the whole file.
_CHUNK_BYTES = 1 << 16
_MAX_RESUMES = 5  # Within one call; ours.


class DownloadError(OSError):
  """A file that could not be fetched, or is not the one that was meant."""


def download(url: str, folder: str | os.PathLike[str], *, md5: str) -> pathlib.Path:
  """Fetches a file into a folder, by its name in the url, or finds it there already.

  While it comes in it is called `<name>.part`. What is left of a broken transfer
  stays, and is taken up where it ended (by HTTP Range, where the server knows it). A
  file with the wrong md5 is removed, and fetched once more from its beginning.

  Args:
    url: http or https.
    folder: made where it is missing.
    md5: of the whole file, in hexadecimal.

  Raises:
    DownloadError: naming the url and the reason; the expected and the actual md5 where
      they differ.
  """
  path = pathlib.Path(folder).expanduser() / url.rpartition('/')[2]
  try:
    try:
      return _fetch(url, path, md5)
    except _WrongHashError:
      return _fetch(url, path, md5)
  except _WrongHashError as error:
    raise DownloadError(f'{url} came twice with a wrong md5. {error}') from error
  except requests.RequestException as error:
    raise DownloadError(f'cannot download {url}: {error}') from error


def extract_folder(
  archive: str | os.PathLike[str], name: str, into: str | os.PathLike[str]
) -> pathlib.Path:
  """Unpacks a zip archive's top folder `name` as `into/name`, whole or not at all.

  An archive without such a folder is unpacked as it is, to `into/name`. A folder that
  is there already is left alone.

  Raises:
    DownloadError: where the archive is broken, or a member would land elsewhere.
  """
  into = pathlib.Path(into).expanduser()
  target = into / name
  if target.is_dir():
    return target
  into.mkdir(parents=True, exist_ok=True)
  # Beside the target, so that the last step is a rename.
  with tempfile.TemporaryDirectory(prefix=f'.{name}.', dir=into) as scratch:
    unpacked = pathlib.Path(scratch, 'unpacked')
    try:
      with zipfile.ZipFile(archive) as content:
        _check_members(content)
        content.extractall(unpacked)
    except zipfile.BadZipFile as error:
      raise DownloadError(
        f'{archive} is not a sound zip archive ({error}); delete it and fetch it again'
      ) from error
    top = unpacked / name
    os.rename(top if top.is_dir() else unpacked, target)
  return target


class _WrongHashError(Exception):
  """What arrived does not have the md5 that it should."""


def _fetch(url: str, path: pathlib.Path, md5: str) -> pathlib.Path:
  """One try; what arrived is removed where its md5 is wrong."""
  downloader = _ResumingDownloader(path.with_name(f'{path.name}.part'))
  try:
    pooch.retrieve(
      url,
      f'md5:{md5}',
      path.name,
      path.parent,
      downloader=downloader,  # pyright: ignore[reportArgumentType] names differ there
    )
  except requests.RequestException:
    raise  # Some of them are ValueErrors too.
  except ValueError as error:  # How pooch reports a hash; it names both.
    raise _WrongHashError(str(error)) from error
  return path


class _ResumingDownloader:
  """A downloader for pooch that keeps what it has so far in a file of its own."""

  def __init__(self, part: pathlib.Path):
    self._part = part

  def __call__(self, url: str, output_file: str, pooch: object) -> None:
    del pooch  # Part of pooch's signature; None here.
    for resumes_left in reversed(range(_MAX_RESUMES + 1)):
      before = self._num_bytes()
      try:
        self._append_rest(url)
        break
      except requests.RequestException:
        if not resumes_left or self._num_bytes() <= before:
          raise
    os.replace(self._part, output_file)

  def _num_bytes(self) -> int:
    return self._part.stat().st_size if self._part.exists() else 0

  def _append_rest(self, url: str) -> None:
    start = self._num_bytes()
    # Not compressed on the way: ranges must count the file's own bytes.
    headers = {'Accept-Encoding': 'identity'}
    if start:
      headers['Range'] = f'bytes={start}-'
    with requests.get(
      url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS
    ) as answer:
      if start and answer.status_code == requests.codes.range_not_satisfiable:
        return  # Nothing comes after `start`; the md5 says whether that is right.
      answer.raise_for_status()
      # A server that does not know ranges sends everything.
      is_rest = answer.status_code == requests.codes.partial_content
      with open(self._part, 'ab' if is_rest else 'wb') as file:
        for chunk in answer.iter_content(_CHUNK_BYTES):
          file.write(chunk)


def _check_members(archive: zipfile.ZipFile) -> None:
  """Refuses an archive with a member that would land outside its folder."""
  for member in archive.namelist():
    # Windows' rules know both kinds of slash, and drives.
    path = pathlib.PureWindowsPath(member)
    if path.drive or path.root or '..' in path.parts:
      raise DownloadError(
        f'{archive.filename} holds {member!r}, which would be written outside the'
        ' folder that it is unpacked in; nothing was unpacked'
      )
