from input_pipeline.readers.registry import READERS
from pose_action.cli.launch.pose_flags import FORMATS, define_pose_flags
from pose_action.cli.launch.program import Flags


def test_help_names_every_format():
  assert sorted(READERS) == list(FORMATS)


def test_the_flags_are_optional(capsys):
  flags = Flags()
  poses = define_pose_flags(flags, for_model=True)
  assert flags.parse(['--poses=p', '--frame_size=10x20', '--per_person']) == []
  options = poses.options(short_side=None)
  assert options is not None
  assert (options.frame_size, options.per_person) == ((20, 10), True)
  assert capsys.readouterr().out.startswith('frames are read as 10 wide, 20 high')
  flags.parse(['--poses=p'])
  assert poses.options() is None
