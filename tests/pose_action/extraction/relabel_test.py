"""Labels and joints that a user edits after an extraction, and what follows them."""

import csv
import json
import pathlib

import numpy as np
import pytest
from fake_pose_network import FakePoseNetwork, frames_with_dots

from input_pipeline.errors import PoseDataError, PoseDatasetError
from input_pipeline.poses.clip import PoseClip
from input_pipeline.poses.sources import PoseSource
from input_pipeline.readers.recognition.recognise import recognise
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.skeleton import Skeleton
from input_pipeline.storage.dataset import open_dataset
from input_pipeline.storage.stored_source import stored_source
from pose_action.cli.launch import program
from pose_action.extraction.extract import ExtractionOptions, extract_dataset
from pose_action.extraction.pose_files import file_name, write_pose_files
from pose_action.extraction.relabel import relabel
from pose_action.extraction.video_list import list_videos

PAIR = Skeleton('pair', ('head', 'tail'), (('head', 'tail'),))


def silent(line):
  pass


@pytest.fixture
def data_dir(write_frames, tmp_path):
  """Extracted `mine`: a of 3 frames, b of 9 as two clips, without labels."""
  write_frames(tmp_path / 'videos' / 'a', frames_with_dots(3))
  write_frames(tmp_path / 'videos' / 'b', frames_with_dots(9))
  summary = extract_dataset(
    list_videos(tmp_path / 'videos'),
    FakePoseNetwork(),
    dataset='mine',
    data_dir=tmp_path / 'data',
    options=ExtractionOptions(clip_frames=6, frame_rate=25.0, stride=1),
    progress=silent,
  )
  assert summary.pose_files == tmp_path / 'data' / 'mine' / 'poses'
  assert 'poses and labels to edit' in str(summary)
  return tmp_path / 'data'


def table(data_dir):
  with (data_dir / 'mine' / 'poses' / 'videos.csv').open(newline='') as file:
    return list(csv.DictReader(file))


def labels_of(data_dir, form):
  dataset = open_dataset(data_dir, 'mine', form)
  return {
    split: {
      video_id: dataset.class_names[label]
      for video_id, label in zip(clips.video_ids, clips.labels, strict=True)
    }
    for split in dataset.splits
    for clips in [dataset.clips(split)]
  }


def test_an_extraction_leaves_files_of_poses(data_dir):
  folder = data_dir / 'mine' / 'poses'
  assert [
    (r['id'], r['path'], r['group'], r['label'], r['fps']) for r in table(data_dir)
  ] == [
    ('a', 'a.json', '', 'unknown', '25'),
    ('b_000', 'b_000.json', 'b', 'unknown', '25'),
    ('b_001', 'b_001.json', 'b', 'unknown', '25'),
  ]
  assert recognise(folder)[0] == 'mmpose'
  read = read_poses('auto', folder)
  stored = stored_source(open_dataset(data_dir, 'mine', 'keypoints'))
  assert read.splits == stored.splits
  for name in ('a', 'b_000', 'b_001'):
    there, here = stored.load(name), read.load(name)
    assert here.skeleton.joints == there.skeleton.joints
    np.testing.assert_allclose(here.keypoints, there.keypoints, atol=0.005)
    np.testing.assert_allclose(here.scores, there.scores, atol=1e-6)
    assert (here.frame_size, here.frame_rate) == ((64, 96), 25)


def test_labels_after_an_extraction(data_dir, tmp_path):
  """A label for a whole video reaches each of its clips, in poses and in maps."""
  maps = stored_source(open_dataset(data_dir, 'mine', 'heatmaps'))
  before = maps.load('b_001').maps('joints')
  labels = tmp_path / 'labels.csv'
  labels.write_text('path,label,split\nvideos/a.mp4,wave,test\nb.avi,walk,train\n')
  said = []
  relabel('mine', data_dir, labels, said.append)
  assert said[0].endswith('videos.csv: 3 of 3 clips changed')
  expected = {'test': {'a': 'wave'}, 'train': {'b_000': 'walk', 'b_001': 'walk'}}
  assert labels_of(data_dir, 'keypoints') == expected
  assert labels_of(data_dir, 'heatmaps') == expected
  maps = stored_source(open_dataset(data_dir, 'mine', 'heatmaps'))
  np.testing.assert_array_equal(maps.load('b_001').maps('joints'), before)
  assert maps.groups == {'a': 'a', 'b_000': 'b', 'b_001': 'b'}


def test_joints_that_were_corrected(data_dir):
  file = data_dir / 'mine' / 'poses' / 'a.json'
  content = json.loads(file.read_text())
  content['instance_info'][1]['instances'][0]['keypoints'][0] = [50, 12.5]
  file.write_text(json.dumps(content))
  relabel('mine', data_dir, None, silent)
  clip = stored_source(open_dataset(data_dir, 'mine', 'keypoints')).load('a')
  np.testing.assert_array_equal(clip.keypoints[1, 0, 0], [50, 12.5])


@pytest.mark.parametrize(
  ('text', 'says'),
  [
    (
      'id,label\nc,wave\n',
      r"labels.csv, line 2: there is no clip 'c' in .*clips are a, b",
    ),
    ('name,label\na,wave\n', 'has the columns name, label, but needs id or path'),
    ('id,colour\na,red\n', 'at least one of label, split, group, fps'),
    ('', 'has the columns'),
    ('id,label\na,wave\nb,sit,down\n', 'line 3 has more values than columns'),
    ('id,fps\na,fast\n', "is not entered, because then .*line 2: fps is 'fast'"),
  ],
)
def test_labels_that_do_not_fit(data_dir, tmp_path, text, says):
  labels = tmp_path / 'labels.csv'
  labels.write_text(text)
  before = table(data_dir)
  with pytest.raises(PoseDataError, match=says):
    relabel('mine', data_dir, labels, silent)
  assert table(data_dir) == before


def test_an_edited_table_needs_no_ids(data_dir, tmp_path):
  file = data_dir / 'mine' / 'poses' / 'videos.csv'
  rows = (f'{name}.json,sit,64,96\n' for name in ('a', 'b_000', 'b_001'))
  file.write_text('path,label,height,width\n' + ''.join(rows))
  labels = tmp_path / 'labels.csv'
  labels.write_text('id,label\nb_001,wave\n')
  relabel('mine', data_dir, labels, silent)
  assert labels_of(data_dir, 'keypoints') == {
    'all': {'a': 'sit', 'b_000': 'sit', 'b_001': 'wave'}
  }


def test_a_data_set_that_was_not_extracted(tmp_path):
  with pytest.raises(
    PoseDatasetError, match=r"'mine' in .* is no data set that pose-act"
  ):
    relabel('mine', tmp_path, None, silent)


def test_frames_without_anybody_and_odd_names(tmp_path):
  """The first and the last frame are empty; two names differ only in odd characters."""
  scores = np.array([[0, 0], [1, 0.5], [0, 0]])[:, None]
  keypoints = np.arange(12.0).reshape(3, 1, 2, 2)

  def load(video_id):
    return PoseClip(video_id, keypoints, scores, (20, 30), PAIR, (0,))

  names = ('run/a b', 'run/a_b')
  source = PoseSource(PAIR, ('run',), {'x': names, 'y': names[:1]}, load)
  assert write_pose_files(source, tmp_path / 'poses') == 2
  assert len({file_name(name) for name in names}) == 2
  for path in (tmp_path / 'poses').iterdir():
    assert pathlib.Path(path.name).suffix in ('.json', '.csv')
  read = read_poses('mmpose', tmp_path / 'poses', skeleton=own_skeleton(tmp_path))
  assert read.splits == {'x': names, 'y': names[:1]}
  clip = read.load('run/a b')
  np.testing.assert_array_equal(clip.scores, scores)
  np.testing.assert_array_equal(clip.keypoints[1], keypoints[1])


def own_skeleton(folder):
  file = folder / 'own.json'
  limbs = [list(limb) for limb in PAIR.limbs]
  file.write_text(
    json.dumps({'name': 'pair', 'joints': list(PAIR.joints), 'limbs': limbs})
  )
  return str(file)


def test_the_command(data_dir, tmp_path, capsys):
  (tmp_path / 'labels.csv').write_text('id,label\na,wave\nb,walk\n')
  flags = ['--dataset=mine', f'--data_dir={data_dir}']
  program.run('label', [*flags, f'--labels={tmp_path / "labels.csv"}'])
  assert 'all: 3 of 3 clips' in capsys.readouterr().out
  assert labels_of(data_dir, 'heatmaps')['all']['b_001'] == 'walk'
  with pytest.raises(SystemExit):
    program.run('label', [*flags, '--labels=nowhere.csv'])
  assert capsys.readouterr().err == (
    'error: nowhere.csv does not exist; give a table *.csv with labels\n'
  )
