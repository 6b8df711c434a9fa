from etils import epath

from input_pipeline.export.summary import ExportSummary, SplitSummary
from input_pipeline.export.write_shard import ShardReport
from input_pipeline.storage.digests import FileDigest


def test_summary_shows_the_first_twenty_reasons():
  full = SplitSummary('test', 2, ['a', 'b'], [0, 0], [5, 5])
  torn = SplitSummary('train', 23, ['c'], [0], [5])
  torn.left_out = [(f'v{i}', f'reason {chr(97 + i)}') for i in range(22)]

  full.shard_digests, torn.shard_digests = (
    [FileDigest(num_bytes, '')] for num_bytes in (1_000_000, 1_500_000)
  )
  summary = ExportSummary(epath.Path('/data/x'), (full, torn), seconds=3)
  lines = str(summary).splitlines()

  assert lines[:4] == [
    'Exported to /data/x: 2.5 MB on disk in 3.0 s',
    '  test: 2 of 2 clips',
    '  train: 1 of 23 clips, 22 left out:',
    '    v0: reason a',
  ]
  assert lines[-2:] == ['    v19: reason t', '    and 2 more for other reasons']


def test_equal_reasons_are_counted_on_one_line():
  split = SplitSummary('train', 12, ['c'], [0], [5])
  split.left_out = [(f'v{i}', f'/poses/v{i}.json has {i} joints') for i in range(10)]
  split.left_out.append(('w', 'is torn'))
  assert str(split).splitlines()[1:] == [
    '    v0: /poses/v0.json has 0 joints (10 clips: v0, v1, v2, v3, v4, v5, v6, v7 and'
    ' 2 more)',
    '    w: is torn',
  ]


def test_shards_are_counted_in_one_after_another():
  split = SplitSummary('train', 4)
  split.add(ShardReport(['a', 'b'], [2, 0], [7, 8], [('c', 'torn')], num_bytes=100))
  split.add(ShardReport(['d'], [1], [9], [], num_bytes=20))
  assert split.video_ids == ['a', 'b', 'd']
  assert (split.labels, split.num_frames) == ([2, 0, 1], [7, 8, 9])
  assert split.left_out == [('c', 'torn')]
  assert (split.shard_lengths, split.num_bytes) == ([2, 1], 120)
