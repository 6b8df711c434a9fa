"""Reads text files the way people save them: any line ends, byte-order marks, .gz.

Editors put a byte-order mark at the beginning, spreadsheets write cp1252, old Macs end
lines with a carriage return, and tools compress with gzip. The text is the same.
"""

from __future__ import annotations

import codecs
import gzip
import io
import pathlib
import zlib
from typing import BinaryIO, NamedTuple

from input_pipeline.errors import PoseDataError

# A small .gz file may hold terabytes of zeros. Real pose files compress to a tenth, empty
# frames to a hundredth (our choice).
_LARGEST = 4 << 30  # Bytes after decompression.
_SMALL = 256 << 20  # Bytes that any .gz file may hold.
_LARGEST_RATIO = 100

_GZIP_MAGIC = b'\x1f\x8b'
# UTF-32 before UTF-16, because its mark begins with that of UTF-16.
_MARKS = (
  (codecs.BOM_UTF8, 'utf-8'),
  (codecs.BOM_UTF32_LE, 'utf-32-le'),
  (codecs.BOM_UTF32_BE, 'utf-32-be'),
  (codecs.BOM_UTF16_LE, 'utf-16-le'),
  (codecs.BOM_UTF16_BE, 'utf-16-be'),
)
_MARK = '\ufeff'
_FALLBACK = 'cp1252'
_HEAD = 64  # Bytes.


class Text(NamedTuple):
  """A file's text.

  Attributes:
    content: the text without byte-order marks, with `\\n` at line ends.
    encoding: the encoding that fits: 'utf-8', 'cp1252', or what the mark says.
  """

  content: str
  encoding: str

  @property
  def is_guessed(self) -> bool:
    """Whether the encoding is assumed, because the bytes are not UTF-8."""
    return self.encoding == _FALLBACK


def read_text(path: pathlib.Path) -> str:
  """Returns a file's text without byte-order marks, with `\\n` at line ends.

  Text that is not UTF-8 is read as cp1252, see `read`.

  Raises:
    PoseDataError: if the file cannot be read, is not text, or is too large.
  """
  return read(path).content


def read(path: pathlib.Path) -> Text:
  """Reads a text file and says which encoding fits.

  A byte-order mark decides the encoding. Without one, every second byte of UTF-16 is
  zero in the first line of any data file. All other text is UTF-8, or else cp1252, in
  which Windows programs save (a superset of printable latin-1).

  Raises:
    PoseDataError: if the file cannot be read, is not text, or is too large.
  """
  content = read_bytes(path)
  encoding = next(
    (name for mark, name in _MARKS if content.startswith(mark)), None
  )  # The mark itself is removed with all others below.
  encoding = encoding or _unmarked_utf16(content)
  try:
    if encoding is not None:
      text = content.decode(encoding)
    else:
      text, encoding = _decode(content)
  except UnicodeDecodeError as error:
    raise PoseDataError(
      f'{path} is not a text file: byte {error.start} does not fit {error.encoding}'
    ) from error
  if '\0' in text:
    raise PoseDataError(
      f'{path} is not a text file: character {text.index(chr(0))} is NUL'
    )
  # Marks also appear inside, where files were joined.
  return Text(_plain_line_ends(text.replace(_MARK, '')), encoding)


def read_bytes(path: pathlib.Path) -> bytes:
  """Returns a file's bytes; decompresses them if they are gzip's, whatever its name.

  Raises:
    PoseDataError: if the file cannot be read, or decompresses to more than 4 GiB, or to
      more than 256 MiB and 100 times its size.
  """
  with open_binary(path) as file:
    return file.read()


def open_binary(path: pathlib.Path) -> BinaryIO:
  """Opens a file for reading bytes; of a gzip file, the decompressed ones.

  Raises:
    PoseDataError: same as `read_bytes`.
  """
  try:
    file = path.open('rb')
    if file.read(len(_GZIP_MAGIC)) != _GZIP_MAGIC:
      file.seek(0)
      return file
    file.close()
    return io.BytesIO(_decompress(path))
  except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError.
    raise PoseDataError(
      f'{path} cannot be read: {getattr(error, "strerror", None) or error}'
    ) from error


def largest_content(path: pathlib.Path) -> int:
  """The most bytes that a compressed file may hold, according to its size."""
  return min(_LARGEST, max(_SMALL, _LARGEST_RATIO * path.stat().st_size))


def _decompress(path: pathlib.Path) -> bytes:
  limit = largest_content(path)
  content = io.BytesIO()
  with gzip.open(path) as file:
    while block := file.read(1 << 20):
      content.write(block)
      if content.tell() > limit:
        raise PoseDataError(
          f'{path} holds more than {limit:,} bytes when decompressed, although it has'
          f' {path.stat().st_size:,}; decompress it yourself if that is right'
        )
  return content.getvalue()


def _unmarked_utf16(content: bytes) -> str | None:
  """The order of UTF-16's bytes if the text begins with only ASCII in UTF-16."""
  head = content[:_HEAD]
  if len(head) < 4 or len(content) % 2:
    return None
  low, high = head[::2], head[1::2]
  if not any(high) and all(low):
    return 'utf-16-le'
  return 'utf-16-be' if not any(low) and all(high) else None


def _decode(content: bytes) -> tuple[str, str]:
  try:
    return content.decode('utf-8'), 'utf-8'
  except UnicodeDecodeError:
    return content.decode(_FALLBACK), _FALLBACK


def _plain_line_ends(text: str) -> str:
  return text.replace('\r\n', '\n').replace('\r', '\n') if '\r' in text else text
