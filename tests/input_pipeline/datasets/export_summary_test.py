import pathlib

from input_pipeline.datasets.export_summary import ExportSummary, Pace, SplitSummary


def test_pace_says_count_rate_and_time_left_once_a_second():
  now = iter([0.0, 0.5, 1.0, 1.5, 2.0])
  pace = Pace(10, clock=lambda: next(now))

  lines = [pace.step() for _ in range(4)]

  assert lines == [
    None,
    '2/10 clips, 2.0 a second, 4 s left',
    None,
    '4/10 clips, 2.0 a second, 3 s left',
  ]


def test_summary_shows_the_first_twenty_left_out():
  full = SplitSummary('test', 2, ['a', 'b'], [0, 0], [5, 5])
  torn = SplitSummary('train', 23, ['c'], [0], [5])
  torn.left_out = [(f'v{i}', f'reason {i}') for i in range(22)]

  lines = str(
    ExportSummary(pathlib.Path('/data/x'), (full, torn), num_bytes=2_500_000, seconds=3)
  ).splitlines()

  assert lines[:4] == [
    'Exported to /data/x: 2.5 MB on disk in 3.0 s',
    '  test: 2 of 2 clips',
    '  train: 1 of 23 clips, 22 left out:',
    '    v0: reason 0',
  ]
  assert lines[-2:] == ['    v19: reason 19', '    and 2 more']
