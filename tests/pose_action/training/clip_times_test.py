import json

from pose_action.training.clip_times import ClipTimes


def test_quantiles_of_known_and_unknown_rates():
  times = ClipTimes.of_clips([30, 60, 90, 60], [30, 30, None, 60])
  assert times.usual_frames == 60
  assert times.usual_rate == 30
  # 1 s, 2 s and 1 s; the third clip's length is unknown.
  assert times.seconds is not None and times.seconds[2] == 1
  assert times.unknown_rates == 1


def test_no_known_rate():
  times = ClipTimes.of_clips([10, 20], None)
  assert (times.frame_rate, times.seconds, times.usual_rate) == (None, None, None)
  assert times.unknown_rates == 2


def test_as_a_checkpoint_holds_it():
  times = ClipTimes.of_clips([10, 20, 40], [25, 25, 30])
  assert ClipTimes.from_dict(json.loads(json.dumps(times.to_dict()))) == times
  assert ClipTimes.from_dict(None) is None
