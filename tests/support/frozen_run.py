"""Packs workdirs of earlier versions into small archives, and unpacks them for tests.

  python tests/support/frozen_run.py WORKDIR ARCHIVE.zip

See tests/pose_action/training/frozen/README.md.
"""

import fnmatch
import pathlib
import sys
import zipfile

# Without TensorBoard events, pictures and tables.
_RESULTS = ('config.json', 'results.json', 'sweep.json', 'scores_*.npz')
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # The earliest time that a zip file can hold.


def freeze(workdir: pathlib.Path, archive: pathlib.Path):
  """Packs a run's results and newest checkpoint, or the results of a sweep's runs.

  The same files always make the same archive.
  """
  files = sorted(path for path in workdir.rglob('*') if path.is_file())
  steps = [int(f.name) for f in workdir.glob('checkpoints/*') if f.name.isdigit()]
  newest = ('checkpoints', str(max(steps, default=None)))
  with zipfile.ZipFile(archive, 'w') as frozen:
    for file in files:
      name = file.relative_to(workdir)
      if 'checkpoints' in name.parts:
        keeps = name.parts[:2] == newest
      else:
        keeps = any(fnmatch.fnmatch(name.name, pattern) for pattern in _RESULTS)
      if keeps:
        entry = zipfile.ZipInfo(name.as_posix(), _NO_TIME)
        frozen.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def thaw(archive: pathlib.Path, workdir: pathlib.Path):
  """Unpacks a workdir."""
  with zipfile.ZipFile(archive) as frozen:
    frozen.extractall(workdir)


if __name__ == '__main__':
  freeze(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
