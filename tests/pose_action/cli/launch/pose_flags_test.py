import ml_collections
import numpy as np

from input_pipeline.poses.sources import source_notes
from input_pipeline.readers.registry import READERS
from input_pipeline.skeletons.registry import get_skeleton
from pose_action.cli.launch.pose_flags import FORMATS, define_pose_flags
from pose_action.cli.launch.program import Flags
from pose_action.sources.opener import Reading, open_any


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


def test_files_that_do_not_name_their_joints_have_the_models(tmp_path, capsys):
  np.save(tmp_path / 'v.npy', np.full((8, 25, 3), 0.5, np.float32))
  flags = Flags()
  poses = define_pose_flags(flags)
  flags.parse([f'--poses={tmp_path}', '--frame_size=64x48'])
  fields = {'dataset': 'mine', 'format': '', 'skeleton': ''}
  config = ml_collections.ConfigDict({'data': fields})
  (name,) = poses.names([])
  reading = Reading(options=poses.options())

  source = open_any(name, reading, config=config, model=get_skeleton('body_25')).source

  assert source.skeleton == get_skeleton('body_25')
  said = capsys.readouterr().out
  assert said.count('frames are read as 64 wide, 48 high') == 1
  notes = [note.message for note in source_notes(source)]
  assert any('which is the one of the model' in note for note in notes), notes
