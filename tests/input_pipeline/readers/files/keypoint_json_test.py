"""JSON as tools and people write it, and JSON that is refused in one line."""

import gzip
import json
import math

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.poses.tracking import UNKNOWN
from input_pipeline.readers.files.keypoint_json import (
  described_size,
  numbers,
  read_json,
  tracked_identity,
)
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses


@pytest.fixture
def read(tmp_path):
  def read_text(text: str | bytes, name='v.json'):
    content = text.encode() if isinstance(text, str) else text
    (tmp_path / name).write_bytes(content)
    return read_json(tmp_path / name)

  return read_text


VALUE = [{'frame': 0, 'name': 'José'}, {'frame': 1, 'name': ''}]
LINES = '\n'.join(json.dumps(line) for line in VALUE)


@pytest.mark.parametrize('encoding', ['utf-8', 'utf-8-sig', 'utf-16'])
@pytest.mark.parametrize('end', ['\n', '\r\n', '\r'])
@pytest.mark.parametrize('pack', [bytes, gzip.compress])
def test_one_value_or_one_per_line_in_every_dress(read, encoding, end, pack):
  whole = json.dumps(VALUE, indent=1, ensure_ascii=False).replace('\n', end)
  lines = f'{end}{LINES}{end}{end}'.replace('\n', end)
  assert read(pack(whole.encode(encoding))) == VALUE
  assert read(pack(lines.encode(encoding))) == VALUE
  for name in ('v.jsonl', 'v.ndjson.gz'):
    assert read(pack(lines.encode(encoding)), name) == VALUE


def test_a_file_of_lines_may_have_one_or_none(read):
  assert read('{"frame": 3}', 'v.jsonl') == [{'frame': 3}]
  assert read('', 'v.ndjson') == []


def test_numbers_that_json_lacks(read):
  values = read('[NaN, -Infinity, 1e999, 2]')
  assert math.isnan(values[0]) and values[1:] == [-math.inf, math.inf, 2]


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('', 'not a readable JSON file'),
    ('{"a": 1} trailing', 'not a readable JSON file: Extra data'),
    ('{"a": 1}\n{"a": 2\n', 'line 2 is not a JSON value, .* one value per line'),
    ('{"a": 1}\n[1, 2', 'line 2 is not a JSON value'),
    ('[' * 100_000, 'nested too deeply'),
    ('{"a": 1}\n' + '[' * 100_000, 'line 2 .* nested too deeply'),
    ('[' + '9' * 5000 + ']', 'Exceeds the limit'),
    ('{"12.jpg": [1], "12.jpg": [2]}', "the key '12.jpg' two values"),
    ('{"a": 1}\n{"b": 1, "b": 2}', "line 2 .* the key 'b' two values"),
  ],
)
def test_what_is_refused_in_one_line(read, text, message):
  with pytest.raises(PoseDataError, match=message) as raised:
    read(text)
  assert '\n' not in str(raised.value)


def test_a_key_may_repeat_its_value(read):
  assert read('{"a": [NaN], "b": 1, "b": 1, "a": [NaN]}')['b'] == 1


def test_an_integer_beyond_all_floats_is_no_number():
  with pytest.raises(
    PoseDataError, match='keypoints is not a list of numbers: int too'
  ):
    numbers([1, 10**400], 'keypoints')


@pytest.mark.parametrize(
  'value',
  [True, math.nan, 'nan', math.inf, 10**30, -1, '-1', [], None, ' ', 'Unknown', {}],
)
def test_what_is_no_identity(value):
  assert tracked_identity(value) == UNKNOWN


def test_a_text_is_an_identity_of_its_own():
  texts = ['player_7', 'player_8', '7a', '\ud800', 'é']
  found = [tracked_identity(text) for text in texts]
  assert len(set(found)) == len(texts)
  assert all(2**53 <= identity < 2**63 for identity in found)
  assert found == [tracked_identity([f' {text}']) for text in texts]


@pytest.mark.parametrize('height', [True, 0, -3, 7.5, math.nan, 10**30, '7', None])
def test_a_size_is_two_whole_numbers(height):
  with pytest.raises(PoseDataError, match='must be whole numbers of pixels'):
    described_size({'height': height, 'width': 640}, 'v.json')


def person(x: float) -> list[float]:
  return [value for joint in range(17) for value in (x + joint, 20 + joint, 0.5)]


def test_readers_take_lines_and_gz(tmp_path):
  lines = [{'image_id': f'{t}.jpg', 'keypoints': person(9 + t)} for t in range(3)]
  text = '\n'.join(map(json.dumps, lines))
  (tmp_path / 'walk.jsonl.gz').write_bytes(gzip.compress(text.encode()))
  whole = json.dumps(lines).encode('utf-16')
  (tmp_path / 'wave.json.gz').write_bytes(gzip.compress(whole))

  options = ReadOptions(frame_size=(64, 64))
  source = read_poses('alphapose', tmp_path, skeleton='coco_17', options=options)
  assert source.splits == {'all': ('walk', 'wave')}
  for name in source.splits['all']:
    clip = source.load(name)
    assert clip.keypoints[:, 0, 1].tolist() == [[10, 21], [11, 21], [12, 21]]


def test_frames_of_a_folder_may_be_compressed(tmp_path):
  for t in range(2):
    frame = json.dumps({'people': [{'pose_keypoints_2d': person(5 + t)}]})
    file = tmp_path / 'v' / f'{t:012}_keypoints.json.gz'
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(gzip.compress(frame.encode()))

  options = ReadOptions(frame_size=(64, 64))
  clip = read_poses('openpose', tmp_path, skeleton='coco_17', options=options).load('v')
  np.testing.assert_array_equal(clip.keypoints[:, 0, 0], [[5, 20], [6, 20]])
