"""Reads the arguments of a pickle's opcodes, and nothing beyond its end."""

from __future__ import annotations

import struct
from typing import Any


class PickleBytes:
  """A pickle's bytes, and a place in them.

  Args:
    content: the pickle, as bytes or a memory map.
    start: where in `content` it begins.

  Attributes:
    at: the place of the next byte.
  """

  def __init__(self, content: Any, start: int = 0):
    self._content = content
    self._end = len(content)
    self.at = start

  def _bytes(self, count: int) -> bytes:
    if not 0 <= count <= self._end - self.at:
      raise ValueError(
        f'it announces {count:,} bytes, but {self._end - self.at:,} are left'
      )
    start, self.at = self.at, self.at + count
    return self._content[start : self.at]

  def _skip(self, count: int):
    if not 0 <= count <= self._end - self.at:
      self._bytes(count)
    self.at += count

  def _byte(self) -> int:
    if self.at >= self._end:
      self._bytes(1)
    self.at += 1
    return self._content[self.at - 1]

  def _number(self, form: str) -> int:
    return struct.unpack(form, self._bytes(struct.calcsize(form)))[0]

  def _line(self) -> bytes:
    end = self._content.find(b'\n', self.at)
    if end < 0:
      raise ValueError('the file ends inside a line')
    start, self.at = self.at, end + 1
    return self._content[start:end]
