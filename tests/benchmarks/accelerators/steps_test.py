"""Steps on an accelerator: a tiny table really measured on the CPU, and its arithmetic."""

import jax
import pytest
import tiny_run

from benchmarks.accelerators import steps
from benchmarks.accelerators.steps import Row, seconds_per_call


@pytest.fixture
def table(tmp_path, monkeypatch, capsys):
  """A function (flags) that returns the rows of a tiny PA3D's table."""
  tiny_run.export(tmp_path)
  tiny = tiny_run.get_config().copy_and_resolve_references().unlock()
  tiny.data.data_dir = str(tmp_path)

  def open_config(asked):
    config = tiny.copy_and_resolve_references().unlock()
    return config, tiny_run.open_run_data(config)

  monkeypatch.setattr(steps, 'open_config', open_config)

  def run(*flags):
    words = ('--seconds=0.01', '--matrix_side=32', '--clips', '2')
    # Flax's BatchNorm computes float32 statistics from bfloat16 by standard promotion.
    with jax.numpy_dtype_promotion('standard'):
      steps.main([f'--data_dir={tmp_path}', '--networks', 'PA3D', *words, *flags])
    peak, _, _, *rows = capsys.readouterr().out.splitlines()
    assert 'TFLOP/s' in peak
    return [[cell.strip() for cell in row.strip('|').split('|')] for row in rows]

  return run


def test_a_tiny_step_of_ours(table, monkeypatch, tmp_path):
  monkeypatch.setattr(steps.importlib.util, 'find_spec', lambda name: None)
  (row,) = table(f'--profile={tmp_path / "traces"}')
  network, clips, side, per_second, rate, tera, share = row
  assert (network, clips, side) == ('PA3D', '2', 'ours')
  assert float(rate) == pytest.approx(2 * float(per_second), rel=0.02)
  assert float(tera) > 0 and share.endswith('%')
  assert [path.name for path in (tmp_path / 'traces').iterdir()] == ['PA3D_2']


def test_rows_for_which_no_time_is_left_are_named(table, monkeypatch):
  monkeypatch.setattr(steps.importlib.util, 'find_spec', lambda name: None)
  assert table('--minutes=0') == [['PA3D', '2', 'ours', 'no time left', '', '', '']]


def test_a_row_that_cannot_be_measured_says_why(table, monkeypatch):
  monkeypatch.setattr(steps.importlib.util, 'find_spec', lambda name: None)

  def no_memory(*args):
    raise RuntimeError('RESOURCE_EXHAUSTED: out of memory\nmore')

  monkeypatch.setattr(steps, 'our_step', no_memory)
  ((*_, reason, _, _, _),) = table()
  assert reason == 'RuntimeError: RESOURCE_EXHAUSTED: out of memory'


def test_pytorch_on_the_same_device(table, monkeypatch):
  pytest.importorskip('torch', reason='PyTorch is not installed')
  monkeypatch.delitem(steps.SIDES, 'PyTorch, compiled')  # Needs a C++ compiler.
  ours, eager = table()
  assert (ours[2], eager[2]) == ('ours', 'PyTorch, eager')
  assert float(eager[3]) > 0 and eager[5:] == ['–', '–']


def test_a_row_by_hand():
  """2 TFLOP in half a second are 4 TFLOP/s, 40 % of a peak of 10."""
  row = Row('JMRN, dense', 64, 'ours', seconds=0.5, flops=2e12)
  assert row.cells(10e12) == '| JMRN, dense | 64 | ours | 2 | 128 | 4 | 40 % |'


def test_calls_are_counted_and_finished(monkeypatch):
  """Each call takes a second: two to warm up, three to plan, and five that count."""
  now = [0.0]
  monkeypatch.setattr(steps.time, 'perf_counter', lambda: now[0])
  launched, finished = [], []

  def launch(number):
    launched.append(number)
    now[0] += 1

  assert seconds_per_call(launch, lambda: finished.append(1), 5.0) == 1.0
  assert launched == [0, 1, 0, 1, 2, 0, 1, 2, 3, 4] and len(finished) == 3
