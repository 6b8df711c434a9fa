"""Prints a resolved config: each field with its value, the source, and the meaning.

Meanings are the comments in configs/shared/, where each field and its default are
written once. The source of a value is the comment where an experiment, or a function
that it calls, gives the value (value_sources.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ml_collections

from configs.shared import base, jmrn_model, pa3d_model
from pose_action.cli.launch.source_comments import field_comments
from pose_action.host.nested import flattened

_HEAD = (
  '# Fields marked * differ from the default in configs/shared/.\n'
  '# After a value: its source (the default, and what the field means).'
)


def config_text(
  config: ml_collections.ConfigDict, sources: Mapping[str, str] | None = None
) -> str:
  """One line per field, with the value's source, the default and the meaning.

  A value that differs from the default is marked:

    * data.num_frames: 8  # PA3D Sec. 4.1 (default 4: T, frames per clip)
      data.max_persons: 2  # ours: a second person matters, a crowd is noise

  Without a source, only the text in the parentheses follows. A field without a default,
  such as a field of a registered model, is never marked. Fields are in the order of the
  source; those without a meaning come last.

  Args:
    config: the resolved config.
    sources: the source of each value, from `value_sources`.
  """
  values = flattened(config.to_dict())
  defaults, comments = _defaults_and_comments(config)
  lines = [_HEAD]
  for name in dict.fromkeys([*comments, *values]):
    meaning = comments.get(name, '')
    if name in values:
      changed = name in defaults and defaults[name] != values[name]
      text = meaning
      if changed:
        default = f'default {defaults[name]!r}'
        text = f'{default}: {meaning}' if meaning else default
      source = (sources or {}).get(name, '')
      if source and source != meaning:
        source = source.removesuffix('.')
        text = f'{source} ({text})' if text else source
      line = f'{"*" if changed else " "} {name}: {values[name]!r}'
      lines.append(f'{line}  # {text}' if text else line)
    elif meaning and any(value.startswith(f'{name}.') for value in values):
      lines.append(f'  # {name}: {meaning}')
  return '\n'.join(lines)


def _defaults_and_comments(
  config: ml_collections.ConfigDict,
) -> tuple[dict[str, Any], dict[str, str]]:
  defaults = flattened(base.base_config().to_dict())
  comments = field_comments(base, 'base_config')
  model = config.get('model')
  if model is None:
    return defaults, comments
  # What a function takes as an argument has no default: each experiment gives it.
  if model.get('temporal') == 'potion':
    module, function = jmrn_model, 'potion_baseline'
    model_defaults = jmrn_model.potion_baseline()
  elif model.get('name') == 'pa3d':
    module, function = pa3d_model, 'joint_stream'
    model_defaults = pa3d_model.joint_stream(model.get('outputs'))
  elif model.get('name') == 'jmrn':
    module, function = jmrn_model, 'jmrn'
    model_defaults = jmrn_model.jmrn(model.get('compressed'))
  else:
    return defaults, comments
  defaults |= flattened(model_defaults.to_dict(), 'model.')
  of_model = field_comments(module, function)
  return defaults, comments | {f'model.{name}': text for name, text in of_model.items()}
