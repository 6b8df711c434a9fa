"""Pose networks on the command line: what belongs together, and flags after sources."""

import pytest

from pose_action.cli.launch.network_flags import define_network_flags
from pose_action.cli.launch.program import Flags, UsageError, fail_for_clips


@pytest.fixture
def parsed():
  def parse(*words, required=False):
    flags = Flags()
    network = define_network_flags(flags, required=required)
    return network, flags.parse(words)

  return parse


def test_flags_may_follow_sources(parsed):
  network, rest = parsed('a.mp4', '--frame_stride=3', 'b', 'c')
  assert list(rest) == ['a.mp4', 'b', 'c']
  assert network.options(frame_rate=30.0).stride == 3
  assert not network.given


def test_extract_keeps_the_name_of_its_stride(parsed):
  words = ('--extractor=openpose', '--weights=w.npz', '--stride=2', '--scales=0.5,1')
  network, _ = parsed(*words, required=True)
  assert network.given
  assert network.options().stride == 2
  assert network.extractor_options() == {'scales': (0.5, 1.0), 'batch_size': 8}


@pytest.mark.parametrize(
  ('words', 'says'),
  [
    (('--weights=w.pb',), '--weights needs --extractor too'),
    (('--extractor=openpose',), '--extractor needs --weights too'),
    (('--input_size=64x48',), '--input_size needs --extractor and --weights'),
  ],
)
def test_halves(parsed, words, says):
  with pytest.raises(UsageError, match=says):
    assert parsed(*words)[0].given


@pytest.mark.parametrize(
  ('clips', 'sources', 'says'),
  [
    (1, 0, '1 clip could not'),
    (2, 1, '1 source and 2 clips could not'),
    (0, 3, '3 sources could not'),
  ],
)
def test_the_count_of_what_failed(capsys, clips, sources, says):
  fail_for_clips(0, 0)
  with pytest.raises(SystemExit):
    fail_for_clips(clips, sources)
  assert capsys.readouterr().err == f'error: {says} be used; see above\n'
