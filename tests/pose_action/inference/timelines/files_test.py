"""Timelines as files, read again."""

import csv
import json

import numpy as np
import pytest
from matplotlib import image as images
from timeline_models import Halves, video

from input_pipeline.annotations.segment_files.reading import read_segments
from pose_action.inference.errors import PredictorError
from pose_action.inference.timelines.files import kind_of, save_timelines

STEP = (400.0,) * 4 + (510.0,) * 4


def timeline(frame_rate: float | None = 10.0):
  clip = video(STEP, (900.0,) * 8, frame_rate=frame_rate)
  return Halves().timeline(clip, window=4, stride=2)


def rows_of(path):
  with path.open(newline='') as file:
    return list(csv.DictReader(file))


@pytest.mark.parametrize(
  ('name', 'format'), [('t.csv', 'csv'), ('t.boris.csv', 'boris')]
)
def test_bouts_are_read_again_as_segments(tmp_path, name, format):
  timeline().save(tmp_path / name)
  read = read_segments(tmp_path / name)
  assert read.format == format
  assert [tuple(row[:5]) for row in read.rows] == [
    ('v', 't0', 'left', 0.0, 0.4),
    ('v', 't0', 'right', 0.4, 0.8),
    ('v', 't1', 'right', 0.0, 0.8),
  ]


def test_without_a_frame_rate_a_table_counts_frames(tmp_path):
  timeline(None).save(tmp_path / 't.csv')
  row = next(row for row in rows_of(tmp_path / 't.csv') if row['label'] == 'left')
  assert (row['start'], row['stop']) == ('', '')
  assert (row['start_frame'], row['stop_frame'], row['score']) == ('0', '4', '0.875')
  with pytest.raises(PredictorError, match='frame rate is not known, but BORIS counts'):
    timeline(None).save(tmp_path / 't.boris.csv')
  assert not (tmp_path / 't.boris.csv').exists()


def test_frames(tmp_path):
  timeline().save(tmp_path / 't.frames.csv')
  rows = rows_of(tmp_path / 't.frames.csv')
  assert len(rows) == 16
  stepping = [row for row in rows if row['person'] == rows[0]['person']][2]
  assert (stepping['frame'], stepping['time']) == ('2', '0.2')
  assert float(stepping['left']) + float(stepping['right']) == 1


def test_json_holds_everything(tmp_path):
  own = timeline()
  own.save(tmp_path / 't.json')
  (read,) = json.loads((tmp_path / 't.json').read_text())
  assert read['video'] == 'v'
  assert (read['window'], read['stride'], read['frame_rate']) == (4, 2, 10.0)
  assert len(read['bouts']) == 3
  assert read['bouts'][0]['stop_seconds'] == own.bouts[0].stop / 10
  np.testing.assert_allclose(
    read['people'][0]['probabilities'], own.people[0].probabilities, atol=1e-6
  )


def test_a_picture(tmp_path):
  save_timelines(tmp_path / 't.png', [timeline(), timeline()])
  picture = images.imread(tmp_path / 't.png')
  assert picture.shape[0] > 100 and picture.shape[1] > 500


def test_kinds():
  assert kind_of('x/T.Frames.CSV') == '.frames.csv'
  assert kind_of('x.csv') == '.csv'
  with pytest.raises(
    PredictorError, match=r'x\.xlsx is no form of a timeline; give \*\.'
  ):
    kind_of('x.xlsx')
