"""The record of a sweep: what a later sweep may add to it, and what is refused."""

import json

import pytest

from pose_action.sweeps.record import (
  add_to_record,
  read_record,
  runs_without_known_flags,
)


def run(name, config='c', flags=(), **more):
  return {'name': name, 'config': config, 'flags': flags, **more}


def start(workdir, *names):
  """Makes runs that have opened their data."""
  for name in names:
    (workdir / name).mkdir()
    (workdir / name / 'config.json').touch()


def table(name, **rows):
  """A table; `rows` gives the names of each row's samples, by the row's title."""
  made = [
    {'title': title, 'paper': {'jhmdb': 1.5}, 'samples': [[name] for name in samples]}
    for title, samples in rows.items()
  ]
  return {'name': name, 'title': name.upper(), 'rows': made}


def sweep(*tables, runs=(), setting='jhmdb'):
  return {'dataset': 'jhmdb', 'setting': setting, 'runs': [*runs], 'tables': [*tables]}


def test_a_record_is_read_as_it_was_written(tmp_path):
  made = sweep(table('t', A=['a'], B=['b']), runs=[run('a', flags=('--x',)), run('b')])
  recorded = json.loads(json.dumps(made))
  for each in recorded['runs']:
    each['extra_flags'] = ['--y=1']
  assert add_to_record(tmp_path / 'S', made, ['--y=1']) == recorded
  assert read_record(tmp_path / 'S') == recorded
  assert [file.name for file in (tmp_path / 'S').iterdir()] == ['sweep.json']


def test_a_later_sweep_adds_tables_rows_and_samples(tmp_path):
  add_to_record(tmp_path, sweep(table('t', A=['a0'], C=['c0']), runs=[run('a0')]))
  add_to_record(
    tmp_path, sweep(table('t', A=['a0', 'a1'], B=['b0'], C=['c0']), runs=[run('b0')])
  )
  added = add_to_record(
    tmp_path, sweep(table('t', C=['c2']), table('u', D=['d']), runs=[run('d')])
  )
  assert added == read_record(tmp_path)
  assert added['tables'] == [
    table('t', A=['a0', 'a1'], B=['b0'], C=['c0', 'c2']),
    table('u', D=['d']),
  ]
  assert [run['name'] for run in added['runs']] == ['a0', 'b0', 'd']


def test_another_setting_is_refused_and_nothing_written(tmp_path):
  add_to_record(tmp_path, sweep(table('t', A=['a'])))
  with pytest.raises(
    ValueError, match=r'holds a sweep on jhmdb, but this one is on penn'
  ):
    add_to_record(tmp_path, sweep(table('u', A=['a']), setting='penn'))
  assert [t['name'] for t in read_record(tmp_path)['tables']] == ['t']


def test_another_run_of_the_same_name_is_refused(tmp_path):
  add_to_record(tmp_path, sweep(runs=[run('a', 'x.py:b=1')]))
  message = r'has a run a of x\.py:b=1, but in this .* x\.py:b=1 --config\.seed=1; give'
  with pytest.raises(ValueError, match=message):
    add_to_record(tmp_path, sweep(runs=[run('a', 'x.py:b=1', ['--config.seed=1'])]))


def test_other_flags_after_the_dashes_are_refused_and_nothing_written(tmp_path):
  add_to_record(tmp_path, sweep(runs=[run('a')]), ['--x=1', '--y=2'])
  start(tmp_path, 'a')
  message = r'run a with the flags --x=1 --y=2 after --, but this sweep has the flags'
  with pytest.raises(ValueError, match=rf'{message} --x=3 after --; .* the same flags'):
    add_to_record(tmp_path, sweep(runs=[run('b')]), ['--x=3'])
  with pytest.raises(ValueError, match='but this sweep has no flags after --; their'):
    add_to_record(tmp_path, sweep(runs=[run('a')]))
  assert [r['name'] for r in read_record(tmp_path)['runs']] == ['a']
  # The order of different flags does not matter.
  added = add_to_record(tmp_path, sweep(runs=[run('b')]), ['--y=2', '--x=1'])
  assert [r['extra_flags'] for r in added['runs']] == [
    ['--x=1', '--y=2'],
    ['--y=2', '--x=1'],
  ]


def test_flags_with_which_no_run_started_can_be_corrected(tmp_path):
  add_to_record(tmp_path, sweep(runs=[run('a')]), ['--typo'])
  added = add_to_record(tmp_path, sweep(runs=[run('a')]), ['--right'])
  assert added['runs'] == [run('a', flags=[], extra_flags=['--right'])]


def test_the_flags_of_runs_from_before_stay_unknown(tmp_path):
  old = sweep(runs=[run('a'), run('b')])
  (tmp_path / 'sweep.json').write_text(json.dumps(old))
  start(tmp_path, 'a')
  added = add_to_record(tmp_path, old, ['--x'])
  assert runs_without_known_flags(added) == ['a']
  assert added['runs'][1]['extra_flags'] == ['--x']


def test_a_folder_without_a_record_is_named(tmp_path):
  with pytest.raises(
    ValueError, match=r'sweep\.json does not exist; give the --workdir'
  ):
    read_record(tmp_path)
