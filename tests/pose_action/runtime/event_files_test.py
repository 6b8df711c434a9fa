"""Events made by hand, as the specification of TFRecords and protocol buffers says."""

import struct

import pytest

from pose_action.runtime import event_files, writers

WALL_TIME = b'\x09' + struct.pack('<d', 1.5)
VERSION = WALL_TIME + b'\x1a\x0dbrain.Event:2'


def _event(step, tag):
  number = b''
  while step >= 0x80:
    number += bytes([step & 0x7F | 0x80])
    step >>= 7
  number += bytes([step])
  value = b'\x0a' + bytes([len(tag)]) + tag.encode()
  summary = b'\x0a' + bytes([len(value)]) + value
  # Protocol buffers omit a field that is 0.
  step_field = b'' if number == b'\0' else b'\x10' + number
  return WALL_TIME + step_field + b'\x2a' + bytes([len(summary)]) + summary


def _record(event):
  return struct.pack('<Q', len(event)) + b'crc1' + event + b'crc2'


STEPS = (0, 1, 127, 128, 300, 70000)


@pytest.fixture
def file(tmp_path):
  path = tmp_path / 'events.out.tfevents.1700000000.host'
  events = [VERSION, *(_event(step, 'train/loss') for step in STEPS)]
  path.write_bytes(b''.join(map(_record, events)))
  return path


def _steps_left(path):
  records = list(event_files._records(path.read_bytes()))
  assert records[0][1] == VERSION
  return [step for step in STEPS for _, e in records if e == _event(step, 'train/loss')]


@pytest.mark.parametrize(
  ('resume_step', 'left'),
  [(0, []), (1, [0, 1]), (128, [0, 1, 127, 128]), (70000, list(STEPS))],
)
def test_later_steps_go(resume_step, left, file):
  writers.drop_events_after(file.parent, resume_step)
  assert _steps_left(file) == left
  assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_that_keeps_its_events_is_not_written(file):
  before = file.stat().st_mtime_ns, file.stat().st_ino
  writers.drop_events_after(file.parent, 70000)
  assert (file.stat().st_mtime_ns, file.stat().st_ino) == before


def test_a_torn_end_goes(file):
  whole = file.read_bytes()
  for length in (3, 12, 30):
    file.write_bytes(whole + _record(_event(70000, 'train/loss'))[:length])
    writers.drop_events_after(file.parent, 70000)
    assert file.read_bytes() == whole


def test_what_is_written_again_goes(tmp_path):
  path = tmp_path / 'events.out.tfevents.1'
  kept = [
    _event(3, 'train/loss'),
    _event(3, 'maps/sample_maps'),
    _event(2, 'validation/x'),
  ]
  again = [_event(3, 'validation/loss'), _event(2, 'joint_weights/all')]
  path.write_bytes(b''.join(_record(event) for event in [VERSION, *again, *kept]))
  writers.drop_events_after(tmp_path, 3, evaluates_again=True)
  assert [event for _, event in event_files._records(path.read_bytes())] == [
    VERSION,
    *kept,
  ]


def test_pictures_in_subfolders_stay(file):
  folder = file.parent / 'visualizations'
  folder.mkdir()
  (folder / file.name).write_bytes(file.read_bytes())
  writers.drop_events_after(file.parent, 1)
  assert _steps_left(folder / file.name) == list(STEPS)
