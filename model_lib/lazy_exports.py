"""Public names of a package, imported on first use: `import pa3d_jax` costs nothing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def of_package(
  package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
  """The `__getattr__` and `__dir__` for a package's `__init__.py` (PEP 562).

  Args:
    package: its name.
    modules: for each public name, the module that defines it.
  """

  def get_attribute(name: str) -> Any:
    if name not in modules:
      # Python then looks for a submodule: `from pa3d_jax import model` works too.
      raise AttributeError(
        f'module {package!r} has no attribute {name!r}; public names:'
        f' {", ".join(sorted(modules))}',
        name=name,
        obj=sys.modules[package],
      )
    value = getattr(importlib.import_module(modules[name]), name)
    setattr(sys.modules[package], name, value)  # Later uses find it there.
    return value

  def list_names() -> list[str]:
    return sorted({*vars(sys.modules[package]), *modules})

  return get_attribute, list_names
