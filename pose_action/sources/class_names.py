"""Names for the classes of a model that knows them by number only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeVar

from input_pipeline import text_files
from input_pipeline.errors import PoseDataError, shortened
from pose_action.host.user_paths import user_path

PathLike = str | os.PathLike[str]

_LONGEST = 200  # Characters of a list of names in a message.
_SUFFIX = '.txt'

Model = TypeVar('Model')


def parse_class_names(text: str) -> tuple[str, ...]:
  """The names in a text: `a,b,c`, or a file *.txt with one per line.

  Empty lines at the end of a file do not count.

  Raises:
    PoseDataError: if the file is not there, or cannot be read.
  """
  file = user_path(text)
  if file.suffix.lower() != _SUFFIX:
    return tuple(name.strip() for name in text.split(','))
  if not file.is_file():
    raise PoseDataError(
      f'{file} is not a file; class names are a file *{_SUFFIX} with one name per line, or'
      ' a,b,c'
    )
  lines = text_files.read_text(file).rstrip().splitlines()
  return tuple(line.strip() for line in lines)


def name_classes(model: Model, names: Sequence[str] | PathLike) -> Model:
  """The model, whose classes have these names from now on.

  Args:
    model: a `Predictor` or an `EnsemblePredictor` whose classes are called '0', '1', ….
    names: by class index; or a text or file, see `parse_class_names`.

  Raises:
    PoseDataError: for classes that have names, or for names that are too few, too many,
      empty or not unique.
  """
  if isinstance(names, str | os.PathLike):
    names = parse_class_names(os.fspath(names))
  every: list[Any] = [model, *getattr(model, 'members', {}).values()]
  known, names = every[0].class_names, tuple(names)
  if known != tuple(map(str, range(len(known)))):
    raise PoseDataError(
      f'the classes of this model have names: {shortened(", ".join(known), _LONGEST)};'
      ' leave class_names out, which is for classes that are only numbers'
    )
  if len(names) != len(known):
    raise PoseDataError(
      f'class_names has {len(names)} names ({shortened(", ".join(names), _LONGEST)}), but'
      f' the model has {len(known)} classes, 0 to {len(known) - 1}; give one name each, in'
      ' this order'
    )
  wrong = [name for name in names if not name or names.count(name) > 1]
  if wrong:
    raise PoseDataError(
      f'class_names has {wrong[0]!r} for classes'
      f' {", ".join(str(k) for k, name in enumerate(names) if name == wrong[0])}; each'
      ' class needs a name of its own'
    )
  for one in every:
    one.class_names = names
  return model
