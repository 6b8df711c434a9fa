"""metrics.jsonl after kills and resumes; TensorBoard events read back."""

import collections
import io
import json
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib import image as images

from pose_action.runtime import writers


@pytest.fixture
def no_tensorboard(monkeypatch):
  monkeypatch.setitem(sys.modules, 'tensorboard.compat.proto', None)  # It raises.


def _lines(workdir):
  return (workdir / 'metrics.jsonl').read_text('utf-8').splitlines()


def _write_steps(workdir, *steps, resume_step=0):
  with writers.RunWriter(workdir, enabled=True, resume_step=resume_step) as writer:
    for step in steps:
      writer.write_scalars(step, {'loss': step / 4})


def test_scalars_are_a_json_line_each(tmp_path, no_tensorboard):
  with writers.RunWriter(tmp_path / 'new', enabled=True, resume_step=0) as writer:
    writer.write_scalars(
      jnp.int32(3), {'loss': jnp.float32(0.5), 'epoch': 2, 'rate': np.float64(0.25)}
    )
    written = _lines(tmp_path / 'new')  # Before closing: a kill loses nothing.
  assert written == ['{"step": 3, "loss": 0.5, "epoch": 2, "rate": 0.25}']


def test_values_that_are_not_finite_stay_valid_json(tmp_path, no_tensorboard):
  def refuse(constant):
    raise AssertionError(f'{constant} is not JSON')

  with writers.RunWriter(tmp_path, enabled=True, resume_step=0) as writer:
    writer.write_scalars(1, {'a': np.nan, 'b': jnp.float32(np.inf), 'c': 1.0})
  line = json.loads(_lines(tmp_path)[0], parse_constant=refuse)
  assert line == {'step': 1, 'a': None, 'b': None, 'c': 1.0}


def test_a_resumed_run_leaves_no_doubles(tmp_path, no_tensorboard):
  _write_steps(tmp_path, 10, 20, 30)
  _write_steps(tmp_path, 30, 40, resume_step=20)  # Killed at 30, resumed from 20.
  assert [json.loads(line)['step'] for line in _lines(tmp_path)] == [10, 20, 30, 40]
  assert [path.name for path in tmp_path.iterdir()] == ['metrics.jsonl']


def test_a_new_start_leaves_nothing_of_the_old_one(tmp_path, no_tensorboard):
  _write_steps(tmp_path, 0, 10)
  _write_steps(tmp_path, 0)
  assert _lines(tmp_path) == ['{"step": 0, "loss": 0.0}']


@pytest.mark.parametrize('torn', ['{"step": 20, "lo', '{"step": 20, "l\ud800"', '20'])
def test_a_torn_last_line_is_dropped(tmp_path, no_tensorboard, torn):
  _write_steps(tmp_path, 10)
  with (tmp_path / 'metrics.jsonl').open('ab') as file:
    file.write(torn.encode('utf-8', 'surrogatepass'))  # Even half a character.
  _write_steps(tmp_path, 20, resume_step=15)
  assert _lines(tmp_path) == ['{"step": 10, "loss": 2.5}', '{"step": 20, "loss": 5.0}']


def test_a_last_line_without_its_newline_is_kept_apart(tmp_path, no_tensorboard):
  (tmp_path / 'metrics.jsonl').write_text('{"step": 10}')
  _write_steps(tmp_path, 20, resume_step=10)
  assert _lines(tmp_path) == ['{"step": 10}', '{"step": 20, "loss": 5.0}']


def test_a_broken_line_in_the_middle_is_refused_and_kept(tmp_path, no_tensorboard):
  content = '{"step": 10}\n{"stop": 20}\n{"step": 30}\n'
  (tmp_path / 'metrics.jsonl').write_text(content)
  with pytest.raises(ValueError, match=r'metrics\.jsonl, line 2: .*repair the line'):
    _write_steps(tmp_path, 40, resume_step=10)
  assert (tmp_path / 'metrics.jsonl').read_text() == content


def test_without_tensorboard_it_says_so_once_and_goes_on(
  tmp_path, no_tensorboard, caplog
):
  with writers.RunWriter(tmp_path, enabled=True, resume_step=0) as writer:
    writer.write_images(1, {'maps': np.zeros((4, 4, 3), np.uint8)})
    writer.write_text(1, {'config': 'text'})
    writer.flush()
    writer.write_scalars(1, {'loss': 1.0})
  (record,) = caplog.records
  message = record.getMessage()
  assert "pip install 'pose-action-jax[tensorboard]'" in message
  assert '\n' not in message
  assert len(_lines(tmp_path)) == 1


def test_other_processes_write_nothing(tmp_path, caplog):
  with writers.RunWriter(tmp_path / 'w', enabled=False, resume_step=0) as writer:
    writer.write_scalars(1, {'loss': 1.0})
    writer.write_images(1, {'maps': np.zeros((4, 4, 3), np.uint8)})
    writer.write_text(1, {'config': 'text'})
    writer.flush()
  assert list(tmp_path.iterdir()) == []
  assert not caplog.records


def test_misuse_is_refused(tmp_path, no_tensorboard):
  writer = writers.RunWriter(tmp_path, enabled=True, resume_step=0)
  with pytest.raises(ValueError, match="cannot be named 'step'"):
    writer.write_scalars(1, {'step': 1})
  with pytest.raises(
    ValueError, match=r"'maps' is float32 \(4, 4, 3\), but must be ui"
  ):
    writer.write_images(1, {'maps': np.zeros((4, 4, 3), np.float32)})
  writer.close()
  writer.close()  # Harmless.
  with pytest.raises(ValueError, match='closed file'):
    writer.write_scalars(2, {'loss': 1.0})
  assert _lines(tmp_path) == []


def test_tensorboard_reads_what_was_written(tmp_path):
  """One test only: TensorBoard's reader imports TensorFlow, which takes seconds."""
  accumulators = pytest.importorskip(
    'tensorboard.backend.event_processing.event_accumulator'
  )
  from tensorboard.util import tensor_util

  image = np.random.default_rng(0).integers(0, 256, (6, 5, 3), dtype=np.uint8)
  writer = writers.RunWriter(tmp_path, enabled=True, resume_step=0)
  writer.write_scalars(7, {'loss': np.float32(0.5), 'rate': np.nan})
  writer.write_images(7, {'maps': image})
  writer.write_text(7, {'config': 'batch size 32'})
  writer.close()
  writer.close()

  events = accumulators.EventAccumulator(str(tmp_path)).Reload()
  tensors = {tag: events.Tensors(tag)[0] for tag in events.Tags()['tensors']}
  assert set(tensors) == {'loss', 'rate', 'maps', 'config'}
  assert {event.step for event in tensors.values()} == {7}
  read = {tag: tensor_util.make_ndarray(e.tensor_proto) for tag, e in tensors.items()}
  assert read['loss'] == 0.5
  assert np.isnan(read['rate'])
  width, height, png = read['maps']
  assert (int(width), int(height)) == (5, 6)
  shown = np.round(images.imread(io.BytesIO(png), format='png')[..., :3] * 255)
  np.testing.assert_array_equal(shown, image)
  assert read['config'].item() == b'batch size 32'
  assert len(_lines(tmp_path)) == 1
  _assert_steps_are_shown_once(tmp_path / 'resumed', accumulators)


def _assert_steps_are_shown_once(workdir, accumulators):
  """Killed after step 30, resumed from 20."""
  for steps, resume_step in (((10, 20, 30), 0), ((30, 40), 20)):
    with writers.RunWriter(workdir, enabled=True, resume_step=resume_step) as writer:
      for step in steps:
        writer.write_scalars(step, {'loss': step + resume_step / 100})
        writer.write_images(step, {'maps': np.zeros((4, 4, 3), np.uint8)})
  shown = collections.defaultdict(list)
  for file in sorted(workdir.glob('events.*')):
    events = accumulators.EventAccumulator(str(file)).Reload()
    for tag in events.Tags()['tensors']:
      shown[tag] += [event.step for event in events.Tensors(tag)]
  assert shown == {'loss': [10, 20, 30, 40], 'maps': [10, 20, 30, 40]}


def test_pictures_without_tensorboard_say_so_once(tmp_path, no_tensorboard, caplog):
  with writers.PictureWriter(tmp_path / 'new') as writer:
    for step in (1, 2):
      writer.write_images(step, {'maps': np.zeros((4, 4, 3), np.uint8)})
    with pytest.raises(ValueError, match="'maps' is float64"):
      writer.write_images(3, {'maps': np.zeros((4, 4, 3))})
  (record,) = caplog.records
  assert 'No TensorBoard events, only the picture files' in record.getMessage()
