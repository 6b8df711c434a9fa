"""Downloads that resume, are verified, and appear atomically."""

from __future__ import annotations

import os
import pathlib
import tempfile
import zipfile

import pooch
import requests  # pooch's own dependency.

from pose_action.host.file_lock import alone_with
from pose_action.host.user_paths import user_path

_TIMEOUT_SECONDS = 30  # For each response or chunk, not for the whole file.
_CHUNK_BYTES = 1 << 16
_MAX_RESUMES = 5  # Within one call (our choice).


class DownloadError(OSError):
  """A file could not be fetched, or is not the expected one."""


def download(url: str, folder: str | os.PathLike[str], *, md5: str) -> pathlib.Path:
  """Fetches a file into a folder, under its name in the URL, unless it is there already.

  An unfinished file is called `<name>.part`. It stays after a broken transfer, which
  resumes where it ended (by HTTP Range, if the server supports it). A file with a wrong
  md5 is removed and fetched once more from the beginning. If several processes
  fetch the same file, one downloads it and the others wait.

  Args:
    url: http or https.
    folder: created if missing.
    md5: the whole file's md5, in hexadecimal.

  Raises:
    DownloadError: naming the URL and the reason; on a wrong md5, also the expected and
      the actual one.
  """
  path = user_path(folder) / url.rpartition('/')[2]
  try:
    with alone_with(path):
      try:
        return _fetch(url, path, md5)
      except _WrongHashError:
        return _fetch(url, path, md5)
  except _WrongHashError as error:
    raise DownloadError(f'{url} arrived twice with a wrong md5. {error}') from error
  except requests.RequestException as error:
    raise DownloadError(f'cannot download {url}: {error}') from error


def extract_folder(
  archive: str | os.PathLike[str], name: str, into: str | os.PathLike[str]
) -> pathlib.Path:
  """Unpacks a zip archive's top folder `name` as `into/name`, atomically.

  An archive without that folder is unpacked completely, to `into/name`. An existing
  folder is left unchanged.

  Raises:
    DownloadError: if the archive is broken, or a member would be written elsewhere.
  """
  into = user_path(into)
  target = into / name
  if target.is_dir():
    return target
  into.mkdir(parents=True, exist_ok=True)
  # On the target's disk, so that the last step is a rename.
  with tempfile.TemporaryDirectory(prefix=f'.{name}.', dir=into) as scratch:
    unpacked = pathlib.Path(scratch, 'unpacked')
    try:
      with zipfile.ZipFile(archive) as content:
        _check_members(content)
        content.extractall(unpacked)
    except zipfile.BadZipFile as error:
      raise DownloadError(
        f'{archive} is not a sound zip archive ({error}); delete the file and fetch it'
        ' again'
      ) from error
    top = unpacked / name
    try:
      os.rename(top if top.is_dir() else unpacked, target)
    except OSError:
      if not target.is_dir():  # Otherwise, another process was faster.
        raise
  return target


class _WrongHashError(Exception):
  """The downloaded file has a wrong md5."""


def _fetch(url: str, path: pathlib.Path, md5: str) -> pathlib.Path:
  """Tries once to fetch a file; pooch removes it if its md5 is wrong."""
  downloader = _ResumingDownloader(path.with_name(f'{path.name}.part'))
  try:
    pooch.retrieve(
      url,
      f'md5:{md5}',
      path.name,
      path.parent,
      downloader=downloader,  # pyright: ignore[reportArgumentType] (argument names)
    )
  except requests.RequestException:
    raise  # Some of these are ValueErrors too.
  except ValueError as error:  # Raised by pooch on a wrong md5; names both.
    raise _WrongHashError(str(error)) from error
  return path


class _ResumingDownloader:
  """A downloader for pooch that keeps the received part of a file for later calls.

  Not with `atomic_files`, which would remove an unfinished file; pooch itself moves
  `output_file` into place after checking the md5.
  """

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
    # No compression in transit: ranges must count the file's own bytes.
    headers = {'Accept-Encoding': 'identity'}
    if start:
      headers['Range'] = f'bytes={start}-'
    with requests.get(
      url, headers=headers, stream=True, timeout=_TIMEOUT_SECONDS
    ) as answer:
      if start and answer.status_code == requests.codes.range_not_satisfiable:
        return  # The part is complete or too long; the md5 decides.
      answer.raise_for_status()
      # A server without support for ranges sends the whole file.
      is_rest = answer.status_code == requests.codes.partial_content
      with open(self._part, 'ab' if is_rest else 'wb') as file:
        for chunk in answer.iter_content(_CHUNK_BYTES):
          file.write(chunk)


def _check_members(archive: zipfile.ZipFile) -> None:
  """Refuses an archive with a member that would be written outside the folder."""
  for member in archive.namelist():
    # Windows paths cover both kinds of slash, and drives.
    path = pathlib.PureWindowsPath(member)
    if path.drive or path.root or '..' in path.parts:
      raise DownloadError(
        f'{archive.filename} holds {member!r}, which would be written outside the'
        ' target folder; nothing was unpacked; fetch the archive from its official'
        ' source'
      )
