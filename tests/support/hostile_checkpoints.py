"""Alters a checkpoint as somebody would who wants to run code or exhaust the machine."""

from __future__ import annotations

import io
import json
import os
import pathlib
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorstore
from mutated_files import damaged_bytes, with_a_change

from pose_action.training import checkpoint_digests

# Names of classes, modules and places that nothing in a checkpoint may lead to.
_ELSEWHERE = (
  'os.system',
  'builtins.exec',
  'pickle.loads',
  'subprocess.Popen',
  '__import__("os").system("touch {marker}")',
  '!!python/object/apply:os.system ["touch {marker}"]',
  '../../../{marker}',
  '..',
  '/etc/passwd',
  '/dev/zero',
  '{marker}',
  'file://{marker}',
  'http://localhost:9/x',
  'a\nb',
  'n' * 100_000,
  '\x00',
  '',
)
_JSON = (
  '_CHECKPOINT_METADATA',
  'data/process_0-of-1.json',
  'digests/metadata',
  'metrics/metrics',
  'run/metadata',
  'state/_METADATA',
  'state/_sharding',
  'state/array_metadatas/process_0',
)


class _Touch:
  def __init__(self, marker: pathlib.Path):
    self.marker = marker

  def __reduce__(self):
    return os.system, (f'touch {self.marker}',)


def alter(step: pathlib.Path, marker: pathlib.Path, seed: int) -> str:
  """Alters the checkpoint of a step in one of `KINDS`; returns what was done.

  Half of the altered checkpoints have no digests, as those of earlier releases, and a
  quarter have digests of what they were altered to; else any change is damage.

  Args:
    marker: a file that hostile content would make.
  """
  rng = random.Random(seed)
  name = list(KINDS)[seed % len(KINDS)]
  what = KINDS[name](step, marker, rng)
  hides = rng.random()
  if hides < 0.5:
    _remove(step / 'digests')
    what += ', without digests'
  elif hides < 0.75:
    what += _with_own_digests(step)
  return f'{name}: {what}'


def _with_own_digests(step: pathlib.Path) -> str:
  """The digests of the parts that are JSON, as they are now."""
  file = step / 'digests/metadata'
  if not all(map(_can_be_read, step.rglob('*'))):
    return ''
  try:
    digests = json.loads(file.read_text())
    run = json.loads((step / 'run/metadata').read_text())
    metrics = json.loads((step / 'metrics/metrics').read_text())
    position = checkpoint_digests.read_iterator(step)
    digests |= {
      n: v
      for n, v in checkpoint_digests.make_digests(
        {}, run=run, metrics=metrics, iterator=position
      ).items()
      if n != 'arrays'
    }
    file.write_text(json.dumps(digests))
  except (ValueError, OSError, TypeError, RecursionError):
    return ''
  return ', with its own digests'


def _can_be_read(path: pathlib.Path) -> bool:
  """Whether this program may read it: neither a pipe nor gigabytes of zeros."""
  small = path.is_file() and path.stat().st_size < 2**24
  return path.is_dir() or small


def _files(step: pathlib.Path) -> list[pathlib.Path]:
  return sorted(path for path in step.rglob('*') if path.is_file())


def _any_file(step: pathlib.Path, rng: random.Random) -> pathlib.Path:
  return rng.choice(_files(step))


def _remove(path: pathlib.Path):
  if path.is_dir() and not path.is_symlink():
    shutil.rmtree(path)
  elif path.parent.is_dir():
    path.unlink(missing_ok=True)


def _random_bytes(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  file = _any_file(step, rng)
  content = file.read_bytes()
  numpy_rng = np.random.default_rng(rng.randrange(1 << 30))
  if content and rng.random() < 0.8:
    file.write_bytes(damaged_bytes(content, numpy_rng))
  else:
    file.write_bytes(numpy_rng.bytes(rng.choice((0, 1, 100, 10_000))))
  return str(file.relative_to(step))


def _pickle(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  file = _any_file(step, rng)
  file.write_bytes(pickle.dumps({'state': _Touch(marker)}, rng.choice((0, 2, 5))))
  return str(file.relative_to(step))


def _other_format(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """An .npy of objects, a zip with one, as PyTorch writes, Python, YAML."""
  objects = io.BytesIO()
  np.save(objects, np.array([_Touch(marker)], object), allow_pickle=True)
  archive = io.BytesIO()
  with zipfile.ZipFile(archive, 'w') as members:
    members.writestr('archive/data.pkl', pickle.dumps(_Touch(marker)))
    members.writestr('w.npy', objects.getvalue())
    members.writestr('../../marker', b'')
  content = rng.choice(
    (
      objects.getvalue(),
      archive.getvalue(),
      f'import os\nos.system("touch {marker}")\n'.encode(),
      f'!!python/object/apply:os.system ["touch {marker}"]\n'.encode(),
      b'\x89HDF\r\n\x1a\n' + bytes(100),
      b'#!/bin/sh\ntouch marker\n',
      b'\xff\xfe{}',
    )
  )
  file = _any_file(step, rng)
  file.write_bytes(content)
  return f'{file.relative_to(step)} as {content[:12]!r}'


def _changed_json(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  file = step / rng.choice(_JSON)
  numpy_rng = np.random.default_rng(rng.randrange(1 << 30))
  content = with_a_change(json.loads(file.read_text()), numpy_rng)
  file.write_text(json.dumps(content))
  return str(file.relative_to(step))


def _strings(value: Any) -> list[tuple[Any, Any]]:
  """(container, key) of every text in nested JSON."""
  items = value.items() if isinstance(value, dict) else enumerate(value)
  found = []
  for key, item in items:
    if isinstance(item, str):
      found.append((value, key))
    elif isinstance(item, dict | list):
      found += _strings(item)
  return found


def _elsewhere(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """A text in the metadata, or a key, names another class, module or path."""
  file = step / rng.choice(_JSON)
  text = file.read_text()
  name = rng.choice(_ELSEWHERE).format(marker=marker)
  content = json.loads(text)
  found = _strings(content)
  if found and rng.random() < 0.7:
    container, key = rng.choice(found)
    what = container[key]
    container[key] = name
    file.write_text(json.dumps(content))
  else:
    keys = sorted({part for part in text.split('"')[1::2] if part})
    what = rng.choice(keys or ['{'])
    file.write_text(text.replace(f'"{what}"', json.dumps(name)))
  return f'{file.relative_to(step)}: {str(what)[:60]!r} is now {name[:60]!r}'


def _link(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """A file or folder that is a link out of the checkpoint, a pipe, or a device's link."""
  places = [p for p in sorted(step.rglob('*')) if p.is_file() or p.is_dir()]
  place = rng.choice([step, *places]) if rng.random() < 0.9 else step
  kind = rng.choice(('copy', 'secret', 'zero', 'null', 'circle', 'up', 'pipe', 'gone'))
  outside = step.parent.parent / 'outside'
  if kind == 'copy':
    shutil.move(place, outside)
    place.symlink_to(outside)
  else:
    _remove(place)
    if kind == 'pipe':
      os.mkfifo(place)
    else:
      goal = {'secret': '/etc/passwd', 'zero': '/dev/zero', 'null': '/dev/null'}
      goal |= {'circle': place.name, 'up': '..', 'gone': '../../nowhere'}
      place.symlink_to(goal[kind])
  return f'{place.relative_to(step.parent)} is a link or pipe: {kind}'


def _name(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """The folder or a part of it has another name, or there are more of them."""
  if rng.random() < 0.4:
    name = rng.choice(
      ('0003', '٣', '3.tmp', '9' * 30, '9' * 200, '-3', '3 ', '1e9', 'x')
    )
    step.rename(step.with_name(name))
    return f'the step is named {name[:40]!r}'
  names = ('..x', 'a\nb', 'é', '%s%n', '$(touch marker)', 'n' * 200, '0', '-rf')
  name = rng.choice(names)
  place = rng.choice([p for p in sorted(step.rglob('*')) if p.is_file() or p.is_dir()])
  if rng.random() < 0.5:
    place.rename(place.with_name(name))
    return f'{place.relative_to(step)} is named {name[:40]!r}'
  (place.with_name(name)).mkdir(exist_ok=True)
  return f'a folder {name[:40]!r} beside {place.relative_to(step)}'


def _array_names(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """The list of arrays has other names, of which some leave the folder."""
  file = step / 'state/_METADATA'
  content = json.loads(file.read_text())
  tree = content['tree_metadata']
  key = rng.choice(sorted(tree))
  other = rng.choice(
    ('..', '../../../x', '/etc/passwd', '', 'params', str(marker), '0')
  )
  for part in tree[key]['key_metadata'][-1:]:
    part['key'] = other
  named = str(tuple(part['key'] for part in tree[key]['key_metadata']))
  tree[named if rng.random() < 0.7 else other] = tree.pop(key)
  file.write_text(json.dumps(content))
  return f'the array {key} is named {other}'


def _array(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """An array of another type or shape, up to terabytes of zeros in no bytes."""
  database = {'driver': 'ocdbt', 'base': f'file://{step / "state"}/'}
  store = tensorstore.KvStore.open(database).result()
  names = [k.decode() for k in store.list().result() if k.endswith(b'/.zarray')]
  name = rng.choice(names)
  header = json.loads(store[name])
  shape = rng.choice(
    ([10**12], [1 << 28], [10**9, 10**9], [0], [], [1 << 40, 2], [-1], [1 << 62] * 3)
  )
  field, value = rng.choice(
    (
      ('shape', shape),
      ('shape', shape),
      ('shape', shape),
      ('dtype', rng.choice(('|O', '|S1000000000', '<f8', '<U9', 'os.system'))),
      ('fill_value', rng.choice(('NaN', 1e308, None, 'os.system'))),
      ('compressor', {'id': rng.choice(('pickle', 'zlib', 'os.system'))}),
      ('filters', [{'id': 'pickle'}]),
    )
  )
  header[field] = value
  if field == 'shape':
    header['chunks'] = [max(1, min(size, 1 << 20)) for size in shape]
  store[name] = json.dumps(header).encode()
  if rng.random() < 0.3:
    store['../../../x/.zarray'] = json.dumps(header).encode()
  return f'{name}: {field} is {value}'


def _large(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """Deep nesting, long numbers, and files of gigabytes that take no room."""
  file = step / rng.choice(_JSON)
  kind = rng.choice(('deep', 'deep', 'digits', 'keys', 'sparse'))
  if kind == 'sparse':
    os.truncate(file, 3 << 30)
  else:
    text = {
      'deep': lambda: '{"a":' * 100_000 + '1' + '}' * 100_000,
      'digits': lambda: '{"validation": ' + '9' * 10_000 + '}',
      'keys': lambda: json.dumps({str(n): n for n in range(300_000)}),
    }
    file.write_text(text[kind]())
  return f'{file.relative_to(step)}: {kind}'


def _config(step: pathlib.Path, marker: pathlib.Path, rng: random.Random) -> str:
  """A number or text of the run's config is another, as large as it can be."""
  file = step / 'run/metadata'
  content = json.loads(file.read_text())
  section = content
  way = []
  while isinstance(section, dict) and section:
    key = rng.choice(sorted(section))
    way.append(key)
    if not isinstance(section[key], dict) or not section[key]:
      break
    section = section[key]
  section[way[-1]] = rng.choice(
    (10**9, 10**18, -1, 0, 1e308, 'os.system', '..', [10**6] * 1000, [], None, {}, True)
  )
  model = content['config'].get('model') if 'config' not in way else None
  if model and rng.random() < 0.7:
    model[rng.choice(sorted(model))] = 10**6
  file.write_text(json.dumps(content))
  return '.'.join(way)


KINDS: dict[str, Callable[[pathlib.Path, pathlib.Path, random.Random], str]] = {
  'bytes': _random_bytes,
  'pickle': _pickle,
  'format': _other_format,
  'json': _changed_json,
  'elsewhere': _elsewhere,
  'link': _link,
  'name': _name,
  'array names': _array_names,
  'array': _array,
  'large': _large,
  'config': _config,
}
