"""How a command starts: flags, help and errors, in this process."""

import subprocess
import sys
import types

import pytest

from pose_action.cli.launch import program
from pose_action.cli.launch.program import Flags, UsageError


@pytest.fixture
def command(monkeypatch):
  """A command with some flags, whose main is `command.main`."""
  flags = Flags()
  holders = {
    'name': flags.string('name', None, 'A name.', required=True),
    'top': flags.integer('top', 3, 'How many.', lower_bound=1),
    'kind': flags.enum('kind', 'a', ['a', 'b'], 'Which kind.'),
    'fast': flags.bool('fast', False, 'Hurry.'),
    'ids': flags.list('ids', None, 'Some ids.'),
  }
  module = types.ModuleType('command')
  module.__doc__ = 'Does something.'
  module.__dict__.update(FLAGS=flags, holders=holders, main=lambda args: None)
  monkeypatch.setattr(program.importlib, 'import_module', lambda name: module)
  return module


def test_values_reach_main_and_are_forgotten_by_the_next_call(command):
  seen = []
  command.main = lambda args: seen.append(
    ({name: holder.value for name, holder in command.holders.items()}, list(args))
  )
  program.run('predict', ['--name=x', '--top=5', '--fast', '--ids=a,b', 'rest'])
  program.run('predict', ['--name=y'])
  given = {'name': 'x', 'top': 5, 'kind': 'a', 'fast': True, 'ids': ['a', 'b']}
  plain = {'name': 'y', 'top': 3, 'kind': 'a', 'fast': False, 'ids': None}
  assert seen == [(given, ['rest']), (plain, [])]


@pytest.mark.parametrize('asked', ['--help', '-h', '--helpshort', '--helpfull'])
def test_help_says_all_and_ends_well(command, capsys, asked):
  program.run('predict', [asked, '--nonsense'])
  shown = capsys.readouterr().out
  assert shown.startswith('Does something.')
  assert '--name=<text>\n      A name. Required.' in shown
  assert '--top=<number>\n      How many. (default: 3)' in shown
  assert '--kind=<a|b>\n      Which kind. (default: a)' in shown
  assert '--[no]fast\n' in shown


@pytest.mark.parametrize('words', [['--help'], ['export', '--help']])
def test_help_whose_reader_leaves_ends_well(words):
  """As `| head` does."""
  asked = [sys.executable, '-m', 'pose_action', *words]
  with subprocess.Popen(
    asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
  ) as process:
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == ''
  assert process.returncode == 0


@pytest.mark.parametrize(
  ('args', 'message'),
  [
    ([], '--name is missing: A name.'),
    (['--nmae=x'], "Unknown command line flag 'nmae'. Did you mean: name"),
    (['--name=x', '--top=0'], 'top'),
    (['--name=x', '--kind=c'], 'should be one of <a|b>'),
  ],
)
def test_wrong_flags_are_answered_in_one_line(command, capsys, args, message):
  with pytest.raises(SystemExit) as stopped:
    program.run('predict', args)
  assert stopped.value.code == 1
  (said,) = capsys.readouterr().err.splitlines()
  assert said.startswith('error: ') and message in said
  assert said.endswith(' (see `pose-action predict --help`)')


def test_debug_shows_the_traceback(command, capsys):
  def main(args):
    raise ValueError('no such clip')

  command.main = main
  for args in (['--name=x', '--debug'], ['--nmae=x', '--debug']):
    with pytest.raises(SystemExit):
      program.run('predict', args)
    *trace, last = capsys.readouterr().err.splitlines()
    assert trace[0] == 'Traceback (most recent call last):'
    assert last.startswith('error: ')


@pytest.mark.parametrize('error', [ValueError('no such clip'), OSError('no such clip')])
def test_a_users_error_is_one_line(command, capsys, error, monkeypatch):
  def main(args):
    raise error

  command.main = main
  with pytest.raises(SystemExit) as stopped:
    program.run('predict', ['--name=x'])
  assert stopped.value.code == 1
  assert capsys.readouterr().err == 'error: no such clip\n'
  monkeypatch.setenv('POSE_ACTION_DEBUG', '1')
  with pytest.raises(SystemExit):
    program.run('predict', ['--name=x'])
  assert 'Traceback' in capsys.readouterr().err


def test_a_long_value_in_an_error_is_shown_by_its_ends(command, capsys):
  def main(args):
    raise ValueError(f'f.csv: {"9" * 10**6} is no frame')

  command.main = main
  with pytest.raises(SystemExit):
    program.run('predict', ['--name=x'])
  error = capsys.readouterr().err
  assert error.startswith('error: f.csv: 999')
  assert error.endswith('999 is no frame\n')
  assert len(error) < 5000


def test_a_programs_own_fault_shows_its_traceback(command):
  def main(args):
    raise KeyError('a bug')

  command.main = main
  with pytest.raises(KeyError, match='a bug'):
    program.run('predict', ['--name=x'])


def test_a_missing_library_names_its_extra(command, capsys):
  def main(args):
    raise ModuleNotFoundError("No module named 'grain'", name='grain')

  command.main = main
  with pytest.raises(SystemExit):
    program.run('predict', ['--name=x'])
  assert "pip install 'pose-action-jax[train]'" in capsys.readouterr().err


def test_an_interrupt_ends_quietly(command, capsys):
  def main(args):
    raise KeyboardInterrupt

  command.main = main
  with pytest.raises(SystemExit) as stopped:
    program.run('predict', ['--name=x'])
  assert stopped.value.code == 130
  assert capsys.readouterr().err == 'interrupted\n'


def test_clips_that_failed_are_counted(capsys):
  program.fail_for_clips(0)
  for count, words in ((1, '1 clip'), (2, '2 clips')):
    with pytest.raises(SystemExit):
      program.fail_for_clips(count)
    assert capsys.readouterr().err == f'error: {words} could not be used; see above\n'


def test_arguments_without_a_flag_are_refused():
  program.refuse_arguments([])
  with pytest.raises(UsageError, match="unexpected argument 'x'"):
    program.refuse_arguments(['x', 'y'])


def test_a_cache_that_cannot_be_used_is_noted_where_something_is_compiled(
  command, monkeypatch, capsys
):
  monkeypatch.setattr(program, 'use_compilation_cache', lambda: 'note: no cache')
  program.run('predict', ['--name=x'])
  assert capsys.readouterr().err == 'note: no cache\n'
  program.run('fuse', ['--name=x'])
  program.run('predict', ['--help'])
  assert capsys.readouterr().err == ''


@pytest.mark.parametrize(
  ('verb', 'words', 'restarts'),
  [
    ('train', ['--workdir=w'], 1),
    ('evaluate', [], 1),
    ('train', ['--help'], 0),
    ('predict', [], 0),
  ],
)
def test_what_computes_long_starts_with_huge_pages(monkeypatch, verb, words, restarts):
  done = []
  monkeypatch.setattr(program, 'restart_with_huge_pages', lambda: done.append('again'))
  monkeypatch.setattr(program, 'run', lambda *asked: done.append(asked))
  program.start(verb, words)
  assert done == ['again'] * restarts + [(verb, words)]
