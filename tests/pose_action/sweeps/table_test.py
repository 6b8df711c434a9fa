"""A sweep's tables in Markdown and csv, worked out by hand."""

import csv
import io
import json

from pose_action.sweeps.table import TableRow, markdown, report
from pose_action.sweeps.table_csv import tables_csv


def figures(accuracy, mean_class):
  return {'accuracy': accuracy, 'mean_class_accuracy': mean_class}


def row(title, samples, **paper):
  names = tuple(f'{title}_fold{i}' for i in range(len(samples)))
  return TableRow(title, names, tuple(samples), paper)


def test_the_table():
  rows = [
    # Means 62 and 50; squared deviations 4 + 0 + 4 over n - 1 = 2: a variance of 4.
    row('A', [figures(60, 50), figures(62, 52), figures(64, 48)], jhmdb=66.7),
    row('B', [None, figures(70.25, 60), None], jhmdb=69.81, hmdb51=5.0),
    row('C', [{'mAP': 12.5}]),
    row('D', [None]),
    row('E', [{}, None], jhmdb=1.0),
  ]
  assert markdown(rows, ['jhmdb', 'hmdb51']).splitlines() == [
    '| row | ours, % | mean class, % | done | paper, JHMDB, % | paper, HMDB, % |',
    '|---|---|---|---|---|---|',
    '| A | 62.0 ± 2.0 | 50.0 ± 2.0 | 3 of 3 | 66.70 | – |',
    '| B | 70.2 | 60.0 | 1 of 3 | 69.81 | 5 |',
    '| C | 12.5 | – | 1 of 1 | – | – |',
    '| D | – | – | 0 of 1 | – | – |',
    '| E | no figure | – | 1 of 2 | 1.00 | – |',
  ]


ROWS = {
  'A': {'jhmdb': 60.0, 'hmdb51': 30.5},
  'B': {'jhmdb': 50.0, 'hmdb51': 40.5},
  'C': {'jhmdb': 40.0, 'hmdb51': 20.5},
}


def record(dataset):
  rows = [
    {
      'title': title,
      'paper': paper,
      'samples': [[f'{title}_fold0'], [f'{title}_fold1']],
    }
    for title, paper in ROWS.items()
  ]
  tables = [{'name': 'table3', 'title': 'The table', 'rows': rows}]
  return {'dataset': dataset, 'setting': f'{dataset}, quick', 'tables': tables}


def write_results(workdir, accuracy):
  workdir.mkdir(parents=True)
  of = {'split': 'test', 'checkpoint': 'last'}
  entry = {**of, 'accuracy': accuracy, 'mean_class_accuracy': accuracy / 2}
  results = {'headline': of, 'evaluations': [entry]}
  (workdir / 'results.json').write_text(json.dumps(results))


def write_runs(folder):
  for name, accuracy in {'A_fold0': 0.5, 'A_fold1': 0.75, 'B_fold0': 0.875}.items():
    write_results(folder / name, accuracy)


def test_the_report_says_how_far_the_paper_s_order_holds(tmp_path):
  write_runs(tmp_path)
  assert report(record('hmdb51'), tmp_path).splitlines() == [
    'Ours: hmdb51, quick; mean ± standard deviation (n - 1) over splits, folds and seeds.',
    '',
    '### The table',
    '',
    '| row | ours, % | mean class, % | done | paper, HMDB, % |',
    '|---|---|---|---|---|',
    '| A | 62.5 ± 17.7 | 31.2 ± 8.8 | 2 of 2 | 30.5 |',
    '| B | 87.5 | 43.8 | 1 of 2 | 40.5 |',
    '| C | – | – | 0 of 2 | 20.5 |',
    '',
    "The paper's order of rows (HMDB): B > A; ours: B > A; Kendall τ = 1.00; pairs in"
    ' the same order: 1 of 1.',
  ]


def test_a_data_set_that_the_paper_lacks_is_compared_with_all_of_the_paper_s(tmp_path):
  write_runs(tmp_path)
  shown = report(record('penn'), tmp_path)
  assert '| done | paper, JHMDB, % | paper, HMDB, % |' in shown
  assert '| A | 62.5 ± 17.7 | 31.2 ± 8.8 | 2 of 2 | 60 | 30.5 |' in shown
  assert 'order of rows (JHMDB): A > B; ours: B > A; Kendall τ = -1.00' in shown
  assert 'order of rows (HMDB): B > A; ours: B > A; Kendall τ = 1.00' in shown


def test_the_csv_has_one_line_per_row_and_every_figure(tmp_path):
  write_runs(tmp_path)
  text = tables_csv(record('jhmdb'), tmp_path).decode()
  first, _, last = csv.DictReader(io.StringIO(text))
  assert first == {
    'table': 'table3',
    'row': 'A',
    'setting': 'jhmdb, quick',
    'metric': 'accuracy',
    'mean': '62.5000',
    'std': '17.6777',
    'mean_class': '31.2500',
    'done': '2',
    'of': '2',
    'paper_jhmdb': '60.0',
    'paper_hmdb51': '30.5',
    'runs': 'A_fold0 A_fold1',
    'figures': '50.0000 75.0000',
    'mean_class_figures': '25.0000 37.5000',
  }
  assert (last['mean'], last['std'], last['done']) == ('', '', '0')
  assert last['figures'] == '– –'
