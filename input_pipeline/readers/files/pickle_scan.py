"""Follows a pickle's opcodes without making a value, and refuses harmful ones.

Loading a pickle can exhaust the memory or the C stack before any value can be checked:
30 bytes may claim 2 GiB, nested tuples overflow the stack when they are hashed, and lists
that share lists have exponentially many elements. The scan keeps, for each container on
the pickle's stack, its depth and its number of elements when written out.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Container
from typing import Any

from input_pipeline.readers.files.pickle_bytes import PickleBytes

# All limits are ours.
MAX_DEPTH = 100  # Containers in containers; published files have about ten.
MAX_DIGITS = 600  # Decimal digits, so that each integer can be shown.
_MAX_INTEGER_BYTES = 255
# A value that is shared counts each time. Files share names, hardly ever lists.
_MAX_SHARING = 20
_FREE_SIZE = 100_000


class RefusedGlobalError(Exception):
  """A global that is not allowed; the message is its dotted name."""


def scan(
  content: Any,
  allowed: Container[tuple[str, str]],
  *,
  start: int = 0,
  of_torch: bool = False,
) -> int:
  """Checks a pickle before it is loaded.

  Args:
    content: the pickle, as bytes or a memory map.
    allowed: (module, name) of the globals that the pickle may name.
    start: where in `content` it begins.
    of_torch: also allow what PyTorch's pickles hold: references to storages outside
      the pickle, and dicts with attributes.

  Returns:
    Where the pickle ends.

  Raises:
    RefusedGlobalError: for another global.
    ValueError: for anything else that is refused, with the reason.
  """
  scanner = _Scanner(content, allowed, start=start, of_torch=of_torch)
  scanner.run()
  return scanner.at


class _Node:
  """A container, or an object that a global makes.

  Attributes:
    kind: 'value', 'global NAME', or what may be completed by BUILD: 'numpy.dtype' or
      'numpy array'.
    depth: largest number of containers inside each other, this one included.
    size: number of elements when written out, this container included.
    is_held: whether another container holds it; then it must not change any more.
  """

  __slots__ = ('depth', 'is_held', 'kind', 'size')

  def __init__(self, kind: str = 'value', depth: int = 1, size: int = 1):
    self.kind = kind
    self.depth = depth
    self.size = size
    self.is_held = False


# On the stack are nodes, the bytes of short texts (which may name globals), or `_LEAF`.
_LEAF = None
_GLOBAL = 'global '
_COMPLETED_BY_BUILD = {
  'numpy.dtype': 'numpy.dtype',
  **{
    f'numpy.{core}.multiarray._reconstruct': 'numpy array' for core in ('core', '_core')
  },
}


class _Scanner(PickleBytes):
  """One scan; `run` reads every opcode."""

  def __init__(
    self,
    content: Any,
    allowed: Container[tuple[str, str]],
    *,
    start: int,
    of_torch: bool,
  ):
    super().__init__(content, start)
    self._of_torch = of_torch
    self._allowed = allowed
    self._stack: list[Any] = []
    self._below: list[list[Any]] = []  # One stack for each open MARK.
    self._memo: dict[int, Any] = {}
    self._count = 0  # Opcodes so far.
    self._hashed = 0  # Elements of keys, each time that they are hashed.

  def run(self):
    """Follows the opcodes to STOP; raises ValueError for what must not be loaded."""
    content, stop = self._content, ord('.')
    while self.at < self._end:
      code = content[self.at]
      self.at += 1
      self._count += 1
      if code == stop:
        self._pop()
        return
      step = _STEPS.get(code)
      if step is None:
        raise ValueError(
          f'opcode {bytes([code])!r} is not used by arrays or plain values'
        )
      step(self)
    raise ValueError('the file ends before the pickle does')

  # The stack.

  def _pop(self) -> Any:
    if not self._stack:
      raise ValueError('it takes a value from an empty stack')
    return self._stack.pop()

  def _top(self) -> Any:
    if not self._stack:
      raise ValueError('it uses a value of an empty stack')
    return self._stack[-1]

  def _since_mark(self) -> list[Any]:
    if not self._below:
      raise ValueError('it closes a mark that is not open')
    items, self._stack = self._stack, self._below.pop()
    return items

  def _hold(self, node: _Node, items: list[Any]):
    """Puts items into a node."""
    if node.is_held:
      raise ValueError('a container is changed after another one holds it')
    for item in items:
      if isinstance(item, _Node):
        item.is_held = True
        node.depth = max(node.depth, item.depth + 1)
        node.size += item.size
      else:
        node.size += 1
    if node.is_held:
      raise ValueError('a container holds itself')
    if node.depth > MAX_DEPTH:
      raise ValueError(f'it is nested more than {MAX_DEPTH} deep')
    self._check_size(node.size)

  def _check_size(self, size: int):
    if size > _FREE_SIZE + _MAX_SHARING * self._count:
      raise ValueError(
        f'its values have {size:,} elements when written out, because lists are shared'
        ' many times'
      )

  def _hash(self, keys: list[Any]):
    """Counts elements of keys: a tuple is hashed with all elements each time."""
    self._hashed += sum(key.size for key in keys if isinstance(key, _Node))
    self._check_size(self._hashed)

  def _push_container(self, items: list[Any], kind: str = 'value'):
    node = _Node(kind)
    self._hold(node, items)
    self._stack.append(node)

  def _extend(self, items: list[Any]):
    node = self._top()
    if not isinstance(node, _Node) or node.kind != 'value':
      raise ValueError('it adds elements to what is not a container')
    self._hold(node, items)

  # Opcodes, by what they do.

  def leaf(self):
    self._stack.append(_LEAF)

  def mark(self):
    self._below.append(self._stack)
    self._stack = []

  def empty(self):
    self._stack.append(_Node())

  def gather(self):
    self._push_container(self._since_mark())

  def tuple_of(self, count: int):
    self._push_container([self._pop() for _ in range(count)])

  def append(self):
    self._extend([self._pop()])

  def append_many(self):
    self._extend(self._since_mark())

  def set_item(self):
    value, key = self._pop(), self._pop()
    self._hash([key])
    self._extend([key, value])

  def set_items(self):
    items = self._since_mark()
    self._hash(items[::2])
    self._extend(items)

  def add_items(self):
    items = self._since_mark()
    self._hash(items)
    self._extend(items)

  def gather_hashed(self):
    items = self._since_mark()
    self._hash(items)
    self._push_container(items)

  def pop(self):
    if self._stack:
      self._stack.pop()
    else:
      self._since_mark()

  def pop_mark(self):
    self._since_mark()

  def duplicate(self):
    self._stack.append(self._top())

  def text_integer(self):
    if len(self._line()) > MAX_DIGITS:
      raise ValueError(f'an integer has more than {MAX_DIGITS} digits')
    self.leaf()

  def text_line(self):
    self._line()
    self.leaf()

  def long_integer(self, form: str):
    count = self._number(form)
    if not 0 <= count <= _MAX_INTEGER_BYTES:
      raise ValueError(
        f'an integer has {count:,} bytes, at most {_MAX_INTEGER_BYTES} fit'
      )
    self._skip(count)
    self.leaf()

  def short_text(self):
    self._stack.append(self._bytes(self._byte()))

  def text(self, form: str):
    count = self._number(form)
    if count <= _MAX_INTEGER_BYTES:
      self._stack.append(self._bytes(count))
    else:
      self._skip(count)
      self.leaf()

  def frame(self):
    count = self._number('<Q')
    if count > self._end - self.at:
      self._bytes(count)

  def put(self, index: int):
    # Pickles number what they remember one after another.
    if not 0 <= index <= self._count:
      raise ValueError(
        f'it remembers a value as number {index:,}, after {self._count:,}'
      )
    self._memo[index] = self._top()

  def get(self, index: int):
    if index not in self._memo:
      raise ValueError(f'it recalls value {index:,}, which it does not remember')
    self._stack.append(self._memo[index])

  def decimal(self) -> int:
    line = self._line()
    if not line.isdigit() or len(line) > 18:
      raise ValueError(f'{line[:20]!r} does not number a value')
    return int(line)

  def memoize(self):
    self.put(len(self._memo))

  def global_of_lines(self):
    self._global(self._line(), self._line())

  def global_of_stack(self):
    name, module = self._pop(), self._pop()
    if not isinstance(name, bytes) or not isinstance(module, bytes):
      raise ValueError('it names a global by what is not a short text')
    self._global(module, name)

  def _global(self, module: bytes, name: bytes):
    names = module.decode('utf-8', 'replace'), name.decode('utf-8', 'replace')
    if names not in self._allowed:
      raise RefusedGlobalError('.'.join(names)[:200])
    self._stack.append(_Node(_GLOBAL + '.'.join(names)))

  def call(self):
    arguments, function = self._pop(), self._pop()
    if not isinstance(function, _Node) or not function.kind.startswith(_GLOBAL):
      raise ValueError('it calls what is not a global')
    made = _COMPLETED_BY_BUILD.get(function.kind.removeprefix(_GLOBAL), 'value')
    self._push_container([arguments], made)

  def build(self):
    """BUILD: sets the state of the object below it, which must be one that has any."""
    state, node = self._pop(), self._top()
    if self._of_torch and isinstance(node, _Node) and node.kind == 'value':
      self._hold(node, [state])  # Attributes of a dict.
      return
    if not isinstance(node, _Node) or node.kind not in _COMPLETED_BY_BUILD.values():
      raise ValueError('it sets the state of what is neither an array nor its type')
    self._hold(node, [state])
    if node.kind == 'numpy.dtype':
      node.size = 1  # Nothing writes its state out.
    node.kind = 'complete'  # A state can be set only once.

  def reference(self):
    if not self._of_torch:
      raise ValueError('it refers to what is outside the pickle')
    self._push_container([self._pop()])


def _skipping(count: int) -> Callable[[_Scanner], None]:
  """A step over an argument of fixed length, which makes a plain value."""

  def step(scanner: _Scanner):
    scanner._skip(count)
    scanner._stack.append(_LEAF)

  return step


_STEPS: dict[int, Callable[[_Scanner], Any]] = {
  opcode[0]: step
  for step, opcodes in (
    (_Scanner.mark, (pickle.MARK,)),
    (_skipping(0), (pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE)),
    (_skipping(1), (pickle.BININT1,)),
    (_skipping(2), (pickle.BININT2,)),
    (_skipping(4), (pickle.BININT,)),
    (_skipping(8), (pickle.BINFLOAT,)),
    (lambda s: s._skip(1), (pickle.PROTO,)),
    (_Scanner.frame, (pickle.FRAME,)),
    (_Scanner.text_integer, (pickle.INT, pickle.LONG)),
    (_Scanner.text_line, (pickle.FLOAT, pickle.STRING, pickle.UNICODE)),
    (lambda s: s.long_integer('<B'), (pickle.LONG1,)),
    (lambda s: s.long_integer('<i'), (pickle.LONG4,)),
    (_Scanner.short_text, (pickle.SHORT_BINUNICODE, pickle.SHORT_BINSTRING)),
    (_Scanner.short_text, (pickle.SHORT_BINBYTES,)),
    (lambda s: s.text('<I'), (pickle.BINUNICODE, pickle.BINBYTES)),
    (lambda s: s.text('<i'), (pickle.BINSTRING,)),
    (lambda s: s.text('<Q'), (pickle.BINUNICODE8, pickle.BINBYTES8)),
    (lambda s: s.text('<Q'), (pickle.BYTEARRAY8,)),
    (_Scanner.empty, (pickle.EMPTY_LIST, pickle.EMPTY_DICT, pickle.EMPTY_SET)),
    (_Scanner.empty, (pickle.EMPTY_TUPLE,)),
    (_Scanner.gather, (pickle.TUPLE, pickle.LIST)),
    (_Scanner.gather_hashed, (pickle.DICT, pickle.FROZENSET)),
    (lambda s: s.tuple_of(1), (pickle.TUPLE1,)),
    (lambda s: s.tuple_of(2), (pickle.TUPLE2,)),
    (lambda s: s.tuple_of(3), (pickle.TUPLE3,)),
    (_Scanner.append, (pickle.APPEND,)),
    (_Scanner.set_item, (pickle.SETITEM,)),
    (_Scanner.append_many, (pickle.APPENDS,)),
    (_Scanner.set_items, (pickle.SETITEMS,)),
    (_Scanner.add_items, (pickle.ADDITEMS,)),
    (_Scanner.pop, (pickle.POP,)),
    (_Scanner.pop_mark, (pickle.POP_MARK,)),
    (_Scanner.duplicate, (pickle.DUP,)),
    (lambda s: s.put(s.decimal()), (pickle.PUT,)),
    (lambda s: s.put(s._byte()), (pickle.BINPUT,)),
    (lambda s: s.put(s._number('<I')), (pickle.LONG_BINPUT,)),
    (lambda s: s.get(s.decimal()), (pickle.GET,)),
    (lambda s: s.get(s._byte()), (pickle.BINGET,)),
    (lambda s: s.get(s._number('<I')), (pickle.LONG_BINGET,)),
    (_Scanner.memoize, (pickle.MEMOIZE,)),
    (_Scanner.global_of_lines, (pickle.GLOBAL,)),
    (_Scanner.global_of_stack, (pickle.STACK_GLOBAL,)),
    (_Scanner.call, (pickle.REDUCE,)),
    (_Scanner.build, (pickle.BUILD,)),
    (_Scanner.reference, (pickle.BINPERSID,)),
  )
  for opcode in opcodes
}
