from typing import Any

from absl import flags
from ml_collections import ConfigDict

def DEFINE_config_file(
  name: str, default: str | None = ..., help_string: str = ..., **kwargs: Any
) -> flags.FlagHolder[ConfigDict]: ...
def get_config_filename(config_flag: flags.Flag) -> str: ...
def get_override_values(config_flag: flags.Flag) -> dict[str, Any]: ...
