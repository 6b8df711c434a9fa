"""Starts every program of this package: flags, help, and one-line errors."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import os
import sys
import textwrap
import traceback
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from absl import flags

from pose_action.cli.launch.config_errors import config_fault
from pose_action.host.disk_errors import in_one_line
from pose_action.host.extras import MissingExtraError, naming_the_extra
from pose_action.runtime.compilation_cache import use_compilation_cache
from pose_action.runtime.huge_pages import restart_with_huge_pages

# What a user types after `pose-action`: the file in pose_action/cli, and what it does.
VERBS = {
  'train': ('train', 'Train a model, then evaluate it.'),
  'evaluate': ('evaluate', "Evaluate a run's checkpoints again."),
  'predict': ('predict', 'Predict the actions in pose clips.'),
  'visualize': ('visualize', 'Draw what a model computes for a clip.'),
  'validate': ('validate_poses', 'Check poses before training on them.'),
  'export': ('export_dataset', 'Convert poses to a data set on disk.'),
  'extract': ('extract_poses', 'Run a pose network on videos.'),
  'label': ('label_dataset', 'Give an extracted data set its labels.'),
  'fuse': ('fuse_scores', 'Fuse the scores of several models.'),
  'sweep': ('run_sweep', "Train every run of a paper's table."),
  'report': ('report', 'Print the tables of a sweep.'),
  'import': ('import_weights', 'Import the weights of another release.'),
  'evaluate-ava': ('evaluate_ava', 'Measure frame mAP on AVA.'),
}
# The verbs that compile something.
_COMPILING = {'train', 'evaluate', 'predict', 'visualize', 'extract'}
# The verbs that compute long enough for a second start.
_WITH_HUGE_PAGES = {'train', 'evaluate'}
_HELP = {'--help', '-help', '-h', '--helpshort', '--helpfull'}
_DEBUG = 'POSE_ACTION_DEBUG'
_LONGEST = 4000  # Characters of an error; our own messages have fewer.


class UsageError(ValueError):
  """The command line is wrong; the message says where, and what to do."""


class Flags:
  """The flags of one program, separate from all other programs' flags.

  Each method named after a type defines a flag and returns its holder. The holder's
  `value` is set when the program starts.
  """

  def __init__(self):
    self.values = flags.FlagValues()
    self.values.set_gnu_getopt(True)  # Flags may also follow other arguments.
    self._required: list[str] = []
    self.bool('debug', False, 'Show the traceback of an error.')

  def string(self, name: str, default: str | None, help: str, *, required=False):
    return self._holder(name, required, flags.DEFINE_string, default, help)

  def list(self, name: str, default, help: str, *, required=False):
    return self._holder(name, required, flags.DEFINE_list, default, help)

  def bool(self, name: str, default: bool | None, help: str):
    return self._holder(name, False, flags.DEFINE_bool, default, help)

  def integer(self, name: str, default: int | None, help: str, *, lower_bound=None):
    return self._holder(
      name, False, flags.DEFINE_integer, default, help, lower_bound=lower_bound
    )

  def float(self, name: str, default, help: str, *, lower_bound=None, upper_bound=None):
    bounds = {'lower_bound': lower_bound, 'upper_bound': upper_bound}
    return self._holder(name, False, flags.DEFINE_float, default, help, **bounds)

  def enum(self, name: str, default, values, help: str, *, required=False):
    return self._holder(name, required, flags.DEFINE_enum, default, [*values], help)

  def config_file(self, name: str, default: str | None, help: str, *, required=False):
    """Defines a flag for a config, whose fields are set as `--config.FIELD=VALUE`."""
    from ml_collections import config_flags

    define = config_flags.DEFINE_config_file
    return self._holder(name, required, define, default, help)

  def parse(self, args: Sequence[str]) -> Sequence[str]:
    """Sets the flags from the command line; returns the arguments that are not flags.

    Raises:
      UsageError: for an unknown flag, an invalid value, or a missing required flag.
    """
    # An earlier call in this process may have set flags, and defined --config.FIELD.
    self.values.unparse_flags()
    for name in [name for name in self.values if '.' in name]:
      delattr(self.values, name)
    try:
      rest = self.values(['program', *args])[1:]
    except flags.Error as error:
      raise UsageError(config_fault(args) or _in_one_line(error)) from error
    except Exception as error:  # The config's, or ml_collections': an unknown field.
      if fault := config_fault(args):
        raise UsageError(fault) from error
      raise
    for name in self._required:
      if self.values[name].value is None:
        raise UsageError(f'--{name} is missing: {self.values[name].help}')
    return rest

  def help_text(self) -> str:
    """One paragraph per flag: its name, allowed values, purpose and default."""
    paragraphs = []
    for name in self.values:
      flag = self.values[name]
      kind = flag.flag_type() or ''
      values = getattr(flag.parser, 'enum_values', None)
      if flag.boolean:
        head = f'  --[no]{name}'
      elif values:
        head = f'  --{name}=<{"|".join(values)}>'
      else:
        head = f'  --{name}=<{_KINDS.get(kind, kind)}>'
      default = '' if flag.default is None else f' (default: {_shown(flag.default)})'
      required = ' Required.' if name in self._required else ''
      words = flag.help.removeprefix(f'<{"|".join(values or ())}>: ')
      text = f'{words}{required}{default}'
      paragraphs.append(f'{head}\n{textwrap.indent(textwrap.fill(text, 80), "      ")}')
    return '\n'.join(paragraphs)

  def _holder(self, name: str, required, define, *args, **kwargs) -> Any:
    if required:
      self._required.append(name)
    return define(name, *args, flag_values=self.values, **kwargs)


_KINDS = {
  'string': 'text',
  'int': 'number',
  'float': 'number',
  'comma separated list of strings': 'a,b,...',
  'config object': 'file[:options]',
}


def _shown(default: Any) -> str:
  return ','.join(map(str, default)) if isinstance(default, list) else str(default)


def _in_one_line(error: flags.Error) -> str:
  """The error's text; for an error in a config file, the last line of its traceback."""
  text = str(error).strip()
  if 'Traceback (most recent call last)' not in text:
    return text
  return text.splitlines()[-1].partition('Error: ')[2] or text.splitlines()[-1]


def start(verb: str, args: Sequence[str] | None = None):
  """`run` as a process of its own, which may start itself again with huge pages."""
  words = sys.argv[1:] if args is None else args
  if verb in _WITH_HUGE_PAGES and not _HELP & {*words}:
    restart_with_huge_pages()
  run(verb, words)


def run(verb: str, args: Sequence[str] | None = None):
  """Runs a program in this process, and exits with status 1 if it fails.

  Errors that a user can mend print one line, without a traceback. `--debug`, or
  POSE_ACTION_DEBUG=1 in the environment, shows the traceback.

  Args:
    verb: one of `VERBS`.
    args: the command line without the program's name; by default that of the process.
  """
  words: list[str] = sys.argv[1:] if args is None else list(args)
  program = importlib.import_module(f'pose_action.cli.{VERBS[verb][0]}')
  before_dashes = words[: words.index('--')] if '--' in words else words
  if _HELP & {*before_dashes}:
    with until_the_reader_leaves():
      print(f'{inspect.getdoc(program)}\n\nFlags:\n{program.FLAGS.help_text()}')
    return
  if verb in _COMPILING and (note := use_compilation_cache()):
    print(note, file=sys.stderr)
  # JAX logs a message for every backend missing on this machine.
  logging.getLogger('jax._src.xla_bridge').setLevel(logging.WARNING)
  try:
    if hasattr(program, 'before_parsing'):
      words = program.before_parsing(words)
    sys.argv = [sys.argv[0], *words]  # ml_collections reads the fields' flags here.
    with until_the_reader_leaves(), naming_the_extra():
      program.main(program.FLAGS.parse(words))
  except UsageError as error:
    if _is_debugging(before_dashes):
      traceback.print_exc()
    _fail(f'{" ".join(str(error).split())} (see `pose-action {verb} --help`)')
  except (ValueError, OSError, MissingExtraError) as error:
    if _is_debugging(before_dashes):
      traceback.print_exc()
    _fail(in_one_line(error))
  except KeyboardInterrupt:
    print('interrupted', file=sys.stderr)
    sys.exit(130)


@contextlib.contextmanager
def until_the_reader_leaves() -> Iterator[None]:
  """Ends what it wraps without an error if the output's reader, such as `head`, ends."""
  try:
    yield
    sys.stdout.flush()  # Here, because nothing handles an error when Python exits.
  except BrokenPipeError:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _is_debugging(words: Sequence[str]) -> bool:
  """Whether tracebacks are shown; also known before the flags are parsed."""
  return '--debug' in words or bool(os.environ.get(_DEBUG))


def refuse_arguments(rest: Sequence[str]):
  """Raises UsageError if a program that takes only flags is given other arguments."""
  if rest:
    raise UsageError(
      f'unexpected argument {rest[0]!r}: give flags only, as --name=value'
    )


def fail_for_clips(count: int, sources: int = 0):
  """Ends the program with status 1 if some clips or whole sources could not be used."""
  counts = [
    f'{number} {what}{"s" * (number > 1)}'
    for number, what in ((sources, 'source'), (count, 'clip'))
    if number
  ]
  if counts:
    _fail(f'{" and ".join(counts)} could not be used; see above')


def bounded(message: str) -> str:
  """The message; of one that shows a very long value from a file, both ends."""
  if len(message) <= _LONGEST:
    return message
  return f'{message[: _LONGEST * 2 // 3]} … {message[-_LONGEST // 3 :]}'


def _fail(message: str) -> NoReturn:
  print(f'error: {bounded(message)}', file=sys.stderr)
  sys.exit(1)
