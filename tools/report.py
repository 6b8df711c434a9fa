"""Prints the tables of a sweep beside the paper's figures, and writes them as csv.

  python tools/report.py --workdir=/tmp/pa3d_jhmdb_tables

The workdir is one of tools/run_sweep.py; runs without results yet are counted as not
done. Several streams of a row are fused from the scores that their runs left.
"""

import os
import pathlib
import sys

from absl import app, flags

_WORKDIR = flags.DEFINE_string('workdir', None, 'Of a sweep.', required=True)
_CSV = flags.DEFINE_string(
  'csv', None, 'Takes a line for each row; <workdir>/tables.csv if not given.'
)


def main(argv):
  if len(argv) > 1:
    raise app.UsageError(f'there are no arguments without a flag, but got {argv[1:]}')

  # Only now, so that --help and wrong flags are answered at once.
  from report_lib.sweep_csv import tables_csv
  from report_lib.sweep_record import read_record
  from report_lib.sweep_table import report

  workdir = pathlib.Path(_WORKDIR.value).expanduser()
  file = pathlib.Path(_CSV.value).expanduser() if _CSV.value else workdir / 'tables.csv'
  try:
    record = read_record(workdir)
    print(report(record, workdir))
    _replace(file, tables_csv(record, workdir))
  except (ValueError, OSError) as error:
    sys.exit(f'error: {error}')
  print(f'\nAs csv: {file}')


def _replace(file: pathlib.Path, content: bytes) -> None:
  """Writes beside, then renames: a reader or a kill never meets half a file."""
  file.parent.mkdir(parents=True, exist_ok=True)
  unfinished = file.with_name(f'{file.name}.tmp')
  unfinished.write_bytes(content)
  os.replace(unfinished, file)


if __name__ == '__main__':
  app.run(main)
