"""Python's search for cyclic garbage, which a program that starts can do without."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def search_paused() -> Iterator[None]:
  """Pauses the search; also a decorator of a function.

  Imports and JAX's tracing make millions of objects that stay. Each time their number has
  grown by a quarter, Python searches all of them, a fifth of a program's time to start.
  """
  was_on = gc.isenabled()
  gc.disable()
  try:
    yield
  finally:
    if was_on:
      gc.enable()
