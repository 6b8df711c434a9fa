"""Prints the tables of a sweep beside the paper's figures, and writes them as csv.

  python tools/report.py --workdir=/tmp/pa3d_jhmdb_tables

The workdir is one of tools/run_sweep.py; runs without results yet are counted as not
done. Several streams of a row are fused from the scores that their runs left.
"""

import pathlib

from pose_action.cli.program import Flags, refuse_arguments
from pose_action.host import atomic_files

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
  atomic_files.write_bytes(file, tables_csv(record, workdir))
  print(f'\nAs csv: {file}')
