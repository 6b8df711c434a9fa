"""Headline figures read from results, and their table worked by hand."""

import json

import pytest

from report_lib.sweep_table import TableRow, figure_of_run, sweep_table


def write_results(folder, evaluations, headline):
  (folder / 'results.json').write_text(
    json.dumps({'headline': headline, 'evaluations': evaluations})
  )


def entry(split, checkpoint, **figures):
  return {'split': split, 'checkpoint': checkpoint, **figures}


TEST_BEST = {'split': 'test1', 'checkpoint': 'best'}


def test_the_headline_is_that_of_the_file(tmp_path):
  evaluations = [
    entry('validation', 'best', accuracy=0.9),
    entry('test1', 'last', accuracy=0.6),
    entry('test1', 'best', accuracy=0.625, mean_class_accuracy=0.5),
  ]
  write_results(tmp_path, evaluations, TEST_BEST)
  assert figure_of_run(tmp_path) == 62.5


def test_of_several_labels_it_is_the_map(tmp_path):
  write_results(tmp_path, [entry('test1', 'best', mAP=0.25)], TEST_BEST)
  assert figure_of_run(tmp_path) == 25


def test_a_run_without_results_has_none(tmp_path):
  assert figure_of_run(tmp_path) is None
  assert figure_of_run(tmp_path / 'absent') is None


def test_a_headline_that_is_not_there_is_named(tmp_path):
  write_results(tmp_path, [entry('test1', 'last', accuracy=0.6)], TEST_BEST)
  with pytest.raises(ValueError, match=r"results\.json has no evaluation of .*'best'"):
    figure_of_run(tmp_path)


def test_the_table():
  rows = [
    # Mean 62, squared distances 4 + 0 + 4, over n - 1 = 2: a variance of 4.
    TableRow('JMRN', (60.0, 62.0, 64.0), 66.7),
    TableRow('JMRN + PAA', (None, 70.25, None), 69.81),
    TableRow('ours', (None,), None),
  ]
  assert sweep_table(rows).splitlines() == [
    '| row | ours, % | runs | paper, % |',
    '|---|---|---|---|',
    '| JMRN | 62.0 ± 2.0 | 3 of 3 | 66.70 |',
    '| JMRN + PAA | 70.2 | 1 of 3 | 69.81 |',
    '| ours | – | 0 of 1 | – |',
  ]
