import re

import pytest

from pose_action.host.extras import MissingExtraError, naming_the_extra


def test_the_command_that_brings_what_is_missing():
  message = (
    "grain is not installed, which this needs: pip install 'pose-action-jax[train]'"
  )
  with pytest.raises(MissingExtraError, match=re.escape(message)), naming_the_extra():
    raise ModuleNotFoundError("No module named 'grain'", name='grain.checkpoint')


def test_other_modules_are_none_of_its_business():
  with pytest.raises(ModuleNotFoundError, match='no_such_module'), naming_the_extra():
    import no_such_module  # noqa: F401 # pyright: ignore[reportMissingImports]
