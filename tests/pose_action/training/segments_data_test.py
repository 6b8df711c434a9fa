"""A run's data from a pose file and a segment file, as a config names them."""

import numpy as np
import tiny_run

from pose_action.training.resume import describe_run
from pose_action.training.run import open_data
from pose_action.training.run_data import make_run_data


def test_a_config_with_segments_trains_on_windows(tmp_path):
  poses = tmp_path / 'poses'
  poses.mkdir()
  rng = np.random.default_rng(0)
  lines, segments = ['path,fps'], ['video,start,stop,label']
  for number in range(6):
    np.save(poses / f'v{number}.npy', rng.uniform(5, 40, (40, 17, 2)))
    lines.append(f'v{number}.npy,10')
    segments += [f'v{number}.mp4,0,1.5,wave', f'v{number}.mp4,2,3,sit']
  (poses / 'videos.csv').write_text('\n'.join(lines))
  (tmp_path / 'segments.csv').write_text('\n'.join(segments))

  config = tiny_run.get_config().copy_and_resolve_references().unlock()
  config.data.update(
    {
      'dataset': 'mine',
      'data_dir': str(tmp_path / 'data'),
      'format': 'numpy',
      'poses': str(poses),
      'skeleton': 'coco_17',
      'frame_size': '64x48',
      'train_split': 'all',
      'test_split': '',
      'validation_folds': 3,
    }
  )
  config.data.segments.update(
    {
      'file': str(tmp_path / 'segments.csv'),
      'window': '1s',
      'stride': '5',
      'background': 'rest',
    }
  )
  data = make_run_data(config, open_data(config, lambda line: None))
  assert data.class_names == ('sit', 'wave', 'rest')
  assert data.background_class == 'rest'
  assert describe_run(config, data)['background_class'] == 'rest'
  # Per video: wave in frames 0 and 5, sit in 20, rest in 15 (5 frames) and 30.
  names = data.train.video_ids + data.validation.video_ids
  assert {name for name in names if name.startswith('v0#')} == {
    f'v0#0@{start}' for start in (0, 5, 15, 20, 30)
  }
  assert (
    sorted(data.train.num_frames)[:4] == [5] * 4 and max(data.train.num_frames) == 10
  )
  # Whole videos are held out: two of six.
  held_out = {name.partition('#')[0] for name in data.validation.video_ids}
  assert len(held_out) == 2
  assert not held_out & {name.partition('#')[0] for name in data.train.video_ids}
