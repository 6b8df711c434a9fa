"""Means and deviations over seeds, by hand."""

import pytest

from pose_action.evaluation.seed_summary import summarize, summary_table


def _result(accuracy, best=0.5, headline='last'):
  entries = [
    {'split': 'test', 'checkpoint': 'last', 'step': 9, 'accuracy': accuracy},
    {'split': 'test', 'checkpoint': 'best', 'step': 6, 'accuracy': best},
  ]
  counts = {'num_clips': 20, 'views': 1}
  return {
    'dataset': 'tiny',
    'headline': {'split': 'test', 'checkpoint': headline},
    'evaluations': [entry | counts for entry in entries],
  }


def test_mean_and_sample_deviation():
  """0.4, 0.5, 0.9: mean 0.6, deviations -0.2, -0.1, 0.3; √(0.14 / 2) = √0.07."""
  summary = summarize({0: _result(0.4), 2: _result(0.5), 7: _result(0.9)})
  assert summary['seeds'] == [0, 2, 7]
  assert summary['headline'] == {'split': 'test', 'checkpoint': 'last'}
  last, best = summary['evaluations']
  assert (last['split'], last['checkpoint'], last['num_clips']) == ('test', 'last', 20)
  assert last['seeds'] == [0, 2, 7]
  assert 'step' not in last  # It may differ between seeds.
  figure = last['figures']['accuracy']
  assert figure['values'] == [0.4, 0.5, 0.9]
  assert figure['mean'] == pytest.approx(0.6)
  assert figure['std'] == pytest.approx(0.07**0.5)
  assert best['figures']['accuracy']['std'] == 0


def test_one_seed_has_no_deviation():
  summary = summarize({3: _result(0.4)})
  assert summary['evaluations'][0]['figures']['accuracy'] == {
    'mean': 0.4,
    'std': None,
    'values': [0.4],
  }
  assert '40.0 %' in summary_table(summary)


def test_a_checkpoint_that_one_seed_lacks():
  """A damaged best checkpoint is not evaluated."""
  lacking = _result(0.8, headline='best')
  del lacking['evaluations'][1]
  summary = summarize({0: _result(0.4), 1: lacking})
  assert [e['seeds'] for e in summary['evaluations']] == [[0, 1], [0]]
  assert 'headline' not in summary  # The runs disagree on it.


def test_the_table_is_in_percent():
  results = {0: _result(0.5), 1: _result(0.75, best=0.75)}
  for result in results.values():
    result['evaluations'][1]['selected_on_this_split'] = True
  assert summary_table(summarize(results)).splitlines() == [
    'tiny: mean ± sample standard deviation over seeds 0, 1',
    'split  checkpoint  seeds  clips       accuracy',
    'test   last            2     20  62.5 ± 17.7 %',
    'test   best *          2     20  62.5 ± 17.7 %',
    '* optimistic: selected on the same split',
    'Headline: test, last checkpoint',
  ]
