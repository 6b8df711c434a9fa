"""`python -m pose_action VERB FLAGS` and the command `pose-action VERB FLAGS`."""

from __future__ import annotations

import difflib
import pathlib
import sys


def main():
  """Runs the program that the first argument names."""
  _leave_out_the_current_folder()
  from pose_action import __version__, refuse_hidden_packages
  from pose_action.cli.launch import program

  try:
    refuse_hidden_packages()
  except ImportError as error:
    sys.exit(f'error: {error}')

  verb = sys.argv[1] if len(sys.argv) > 1 else '--help'
  if verb in ('--help', '-h', 'help'):
    with program.until_the_reader_leaves():
      print(_help(program.VERBS))
    return
  if verb == '--version':
    print(__version__)
    return
  if verb not in program.VERBS:
    nearest = difflib.get_close_matches(verb, program.VERBS, n=1, cutoff=0.4)
    hint = f'; did you mean {nearest[0]!r}?' if nearest else '.'
    print(
      f'error: there is no command {verb!r}{hint} Commands: {", ".join(program.VERBS)}',
      file=sys.stderr,
    )
    sys.exit(1)
  program.start(verb, sys.argv[2:])


def _leave_out_the_current_folder():
  """Drops the current folder from the path, where `python -m` puts it.

  A user's own folder `configs` or `model_lib` would otherwise hide the library's. It
  stays where the library itself is in that folder, as in a checkout.
  """
  current = pathlib.Path.cwd().resolve()
  first = pathlib.Path(sys.path[0] or '.').resolve()
  if first == current != pathlib.Path(__file__).resolve().parents[1]:
    del sys.path[0]


def _help(verbs: dict[str, tuple[str, str]]) -> str:
  width = max(map(len, verbs))
  return '\n'.join(
    [
      'Recognises human actions from pose. Usage: pose-action COMMAND [FLAGS]',
      '',
      *(f'  {verb:<{width}}  {text}' for verb, (_, text) in verbs.items()),
      '',
      'Flags of a command: pose-action COMMAND --help',
    ]
  )


if __name__ == '__main__':
  main()
