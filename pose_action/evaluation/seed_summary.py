"""Mean and spread of each figure over runs that differ only in their seed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from pose_action.evaluation.results import HEADINGS
from pose_action.host.text_table import aligned


def summarize(results: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
  """The content of `seeds.json`.

  Args:
    results: the content of each run's `results.json`, by seed.

  Returns:
    One entry per split and checkpoint, with each figure's mean, sample standard deviation
    (n - 1; None for one seed) and values in the order of their seeds.
  """
  first = next(iter(results.values()))
  found: dict[tuple[str, str], dict[int, Mapping[str, Any]]] = {}
  for seed, result in results.items():
    for entry in result['evaluations']:
      found.setdefault((entry['split'], entry['checkpoint']), {})[seed] = entry
  summary = {
    'dataset': first['dataset'],
    'seeds': list(results),
    'spread': 'std: sample standard deviation (n - 1) over seeds',
    'evaluations': [_entry(entries) for entries in found.values()],
  }
  if all(result['headline'] == first['headline'] for result in results.values()):
    summary['headline'] = first['headline']
  return summary


def summary_table(summary: Mapping[str, Any]) -> str:
  """A table of the summary for the terminal, in percent."""
  entries = summary['evaluations']
  headings = {n: text for n, text in HEADINGS.items() if n in entries[0]['figures']}
  rows = [['split', 'checkpoint', 'seeds', 'clips', *headings.values()]]
  for entry in entries:
    star = ' *' if entry.get('selected_on_this_split') else ''
    counts = [str(len(entry['seeds'])), str(entry['num_clips'])]
    figures = [_shown(entry['figures'][name]) for name in headings]
    rows.append([entry['split'], entry['checkpoint'] + star, *counts, *figures])
  seeds = ', '.join(map(str, summary['seeds']))
  lines = [
    f'{summary["dataset"]}: mean ± sample standard deviation over seeds {seeds}',
    *aligned(rows, left=2),
  ]
  if any('selected_on_this_split' in entry for entry in entries):
    lines.append('* optimistic: selected on the same split')
  if chosen := summary.get('headline'):
    lines.append(f'Headline: {chosen["split"]}, {chosen["checkpoint"]} checkpoint')
  return '\n'.join(lines)


def _entry(entries: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
  """One split and checkpoint, over the seeds that evaluated it."""
  first = next(iter(entries.values()))
  kept = ('split', 'checkpoint', 'num_clips', 'views', 'selected_on_this_split')
  names = [name for name in HEADINGS if name in first]
  return {
    **{name: first[name] for name in kept if name in first},
    'seeds': list(entries),
    'figures': {n: _figure([entry[n] for entry in entries.values()]) for n in names},
  }


def _figure(values: Sequence[float]) -> dict[str, Any]:
  return {
    'mean': statistics.fmean(values),
    'std': statistics.stdev(values) if len(values) > 1 else None,
    'values': list(values),
  }


def _shown(figure: Mapping[str, Any]) -> str:
  spread = '' if figure['std'] is None else f' ± {100 * figure["std"]:.1f}'
  return f'{100 * figure["mean"]:.1f}{spread} %'
