"""Prints the tables of a sweep with the paper's figures, and writes them as csv.

  python tools/report.py --workdir=/tmp/pa3d_jhmdb_tables

--workdir is the workdir of tools/run_sweep.py. Runs without results are counted as not
done yet. Rows with several streams are fused from the scores that their runs saved.
"""

from pose_action.cli.launch.program import Flags, refuse_arguments
from pose_action.host import atomic_files
from pose_action.host.user_paths import user_path

FLAGS = Flags()
_WORKDIR = FLAGS.string('workdir', None, 'Folder of a sweep.', required=True)
_CSV = FLAGS.string('csv', None, 'CSV file to write. Default: <workdir>/tables.csv.')


def main(args):
  refuse_arguments(args)

  # Imported here, so that --help and mistyped flags are answered at once.
  from pose_action.sweeps.record import read_record
  from pose_action.sweeps.table import report
  from pose_action.sweeps.table_csv import tables_csv

  workdir = user_path(_WORKDIR.value)
  file = user_path(_CSV.value) if _CSV.value else workdir / 'tables.csv'
  record = read_record(workdir)
  print(report(record, workdir))
  atomic_files.write_bytes(file, tables_csv(record, workdir))
  print(f'\nAs csv: {file}')
