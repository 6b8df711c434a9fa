"""Prints the tables of a sweep beside the paper's figures, and writes them as csv.

  python tools/report.py --workdir=/tmp/pa3d_jhmdb_tables

The workdir is one of tools/run_sweep.py; runs without results yet are counted as not
done. Several streams of a row are fused from the scores that their runs left.
"""

import os
import pathlib

from pose_action.cli.program import Flags, refuse_arguments

FLAGS = Flags()
_WORKDIR = FLAGS.string('workdir', None, 'Of a sweep.', required=True)
_CSV = FLAGS.string(
  'csv', None, 'Takes a line for each row; <workdir>/tables.csv if not given.'
)


def main(args):
  refuse_arguments(args)

  # Only now, so that --help and wrong flags are answered at once.
  from pose_action.sweeps.record import read_record
  from pose_action.sweeps.table import report
  from pose_action.sweeps.table_csv import tables_csv

  workdir = pathlib.Path(_WORKDIR.value).expanduser()
  file = pathlib.Path(_CSV.value).expanduser() if _CSV.value else workdir / 'tables.csv'
  record = read_record(workdir)
  print(report(record, workdir))
  _replace(file, tables_csv(record, workdir))
  print(f'\nAs csv: {file}')


def _replace(file: pathlib.Path, content: bytes) -> None:
  """Writes beside, then renames: a reader or a kill never meets half a file."""
  file.parent.mkdir(parents=True, exist_ok=True)
  unfinished = file.with_name(f'{file.name}.tmp')
  unfinished.write_bytes(content)
  os.replace(unfinished, file)
