"""The error of predictions."""

import contextlib
import os
from collections.abc import Iterator

from input_pipeline.errors import shortened

_LONGEST = 500  # Characters of a reason.


class PredictorError(ValueError):
  """The workdir cannot predict, or its model cannot read the input."""


@contextlib.contextmanager
def naming_the_config(workdir: str | os.PathLike[str]) -> Iterator[None]:
  """Raises PredictorError if a predictor cannot be made of a checkpoint's config."""
  try:
    yield
  except PredictorError:
    raise
  except (AttributeError, KeyError, TypeError, ValueError) as error:
    raise PredictorError(
      f'the config in the checkpoint of {workdir} is no complete config:'
      f' {shortened(" ".join(str(error).split()), _LONGEST)}; train in a new --workdir'
    ) from error
