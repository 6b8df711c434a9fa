"""Checkpoints made to run code or exhaust the machine: each is restored as it was saved,
or ends in one line, soon, with little memory. POSE_ACTION_CHECKPOINTS=N tries N of them
instead of a few."""

import contextlib
import os

import checkpoint_doors
import interrupted_run
import jax
import pytest
import small_checkpoints
import tiny_run
from hostile_checkpoints import KINDS

from pose_action.runtime import sharding
from pose_action.training.checkpoints import Checkpoints

pytestmark = pytest.mark.long

_COUNT = int(os.environ.get('POSE_ACTION_CHECKPOINTS', '44'))
# Shares of the doors: the last two take the longest.
_DOORS = ('resume', 'load', 'resume', 'load', 'resume', 'evaluate', 'resume', 'train')


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  folder = tmp_path_factory.mktemp('hostile')
  with contextlib.closing(Checkpoints(folder / 'small')) as checkpoints:
    for step, figure in {1: 0.9, 2: 0.5, 3: 0.25}.items():
      small_checkpoints.save(checkpoints, step, figure)
  tiny_run.export(folder / 'data')
  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  interrupted_run.undisturbed(
    config, folder / 'tiny', folder / 'data', sharding.make_mesh(jax.devices()[:1])
  )
  return folder


@pytest.fixture(scope='module')
def sound(folder):
  """What each door may restore: the newest checkpoint or, to resume, one before it."""
  cases = [(door, -1) for door in sorted(set(_DOORS))]
  cases += [('resume', -2), ('resume', -3), ('train', -2)]
  # A newest step whose folder has another name is none.
  cases += [('evaluate', -2), ('load', -2)]
  endings = checkpoint_doors.endings(folder, cases)
  assert not any(ending.fault or ending.error for ending in endings), endings
  found = {}
  for (door, _), ending in zip(cases, endings, strict=True):
    found.setdefault(door, set()).add(ending.restored)
  return found


@pytest.fixture(scope='module')
def endings(folder, sound):
  cases = [(_DOORS[n % len(_DOORS)], n) for n in range(_COUNT)]
  found = checkpoint_doors.endings(folder, cases)
  kinds = {}
  for (door, _), ending in zip(cases, found, strict=True):
    how = 'fault' if ending.fault else 'error' if ending.error else 'restored'
    kinds[door, how] = kinds.get((door, how), 0) + 1
  print(kinds, f'{max(e.seconds for e in found):.1f} s at most,', end=' ')
  print(f'{max(e.memory for e in found) / 2**20:.0f} MiB at most')
  return list(zip(cases, found, strict=True))


def test_none_runs_code_or_exhausts_the_machine(endings):
  faults = [(e.what, e.fault) for _, e in endings if e.fault]
  assert not faults, '\n\n'.join(map('\n'.join, faults))


def test_what_digests_vouch_for_is_what_was_saved(endings, sound):
  for (door, _), ending in endings:
    if ending.restored and 'digests' not in ending.what:
      assert ending.restored in sound[door], ending


def test_each_error_is_one_short_line(endings):
  for _, ending in endings:
    assert '\n' not in ending.error, ending
    assert len(ending.error) < 3000, ending


def test_every_kind_and_door_is_tried(endings):
  if len(KINDS) * len(_DOORS) <= _COUNT:
    kinds = {(door, seed % len(KINDS)) for (door, seed), _ in endings}
    assert len(kinds) == len(KINDS) * len(set(_DOORS))
