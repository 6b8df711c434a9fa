"""SLEAP's projects, written by sleap-io."""

import numpy as np
import pytest

from input_pipeline.errors import PoseDataError
from input_pipeline.readers.formats import sleap
from input_pipeline.readers.options import ReadOptions
from input_pipeline.readers.registry import read_poses
from input_pipeline.skeletons.registry import SKELETONS, Skeleton

sleap_io = pytest.importorskip('sleap_io', reason='sleap-io is not installed')

EYES = Skeleton('eyes', ('left_eye', 'right_eye'), ())
NODES = sleap_io.Skeleton(list(EYES.joints), name='head')


def points(x: float, count=2) -> np.ndarray:
  return np.stack([x + 10 * np.arange(count), np.full(count, x)], axis=1)


def predicted(x: float, track=None, score=0.5, nodes=NODES):
  positions = points(x, len(nodes))
  return sleap_io.PredictedInstance.from_numpy(
    positions,
    skeleton=nodes,
    point_scores=np.full(len(positions), score),
    score=0.9,
    track=track,
  )


def by_hand(x: float, track=None, of=None):
  return sleap_io.Instance.from_numpy(
    points(x), skeleton=NODES, track=track, from_predicted=of
  )


def video(name='walk.mp4', shape=(10, 48, 64, 1)):
  made = sleap_io.Video(name, open_backend=False)
  if shape:
    made.backend_metadata['shape'] = shape
  return made


@pytest.fixture
def save(tmp_path):
  def save_frames(*frames, name='v.slp'):
    """Saves (video, number, instances) of each frame."""
    labels = sleap_io.Labels(
      [
        sleap_io.LabeledFrame(video=v, frame_idx=number, instances=instances)
        for v, number, instances in frames
      ]
    )
    sleap_io.save_slp(labels, str(tmp_path / name))
    return tmp_path / name

  return save_frames


def xs(poses) -> dict[int, list[float]]:
  return {number: people[:, 0, 0].tolist() for number, people in poses.people.items()}


def test_people_scores_and_tracks(save):
  ann, ben = sleap_io.Track('ann'), sleap_io.Track('ben')
  walk = video()
  path = save(
    (walk, 3, [predicted(10, ann), predicted(30, ben)]),
    (walk, 5, [predicted(31, ben), predicted(50)]),
  )
  poses = sleap.read_video(path, EYES, '')
  assert xs(poses) == {3: [10, 30], 5: [31, 50]}
  assert poses.people[3][0].tolist() == [[10, 10, 0.5], [20, 10, 0.5]]
  assert [names.tolist() for names in poses.names()] == [[0, 1], [], [1, -1]]
  assert poses.frame_size == (48, 64)
  assert sleap.videos_in(path) == ('',)


def test_labels_by_hand_replace_predictions_of_the_same_person(save):
  ann = sleap_io.Track('ann')
  old, other = predicted(12), predicted(40)
  walk = video()
  path = save(
    (walk, 0, [old, other, by_hand(10, of=old)]),
    (walk, 1, [predicted(13, ann), by_hand(11, ann), predicted(41)]),
  )
  poses = sleap.read_video(path, EYES, '')
  assert xs(poses) == {0: [10, 40], 1: [11, 41]}
  assert poses.people[0][..., 2].tolist() == [[1, 1], [0.5, 0.5]]


def test_a_missing_joint(save):
  instance = predicted(10)
  instance['right_eye'] = np.array([np.nan, np.nan])
  poses = sleap.read_video(save((video(), 0, [instance])), EYES, '')
  assert poses.frames((48, 64))[0][0].tolist() == [[10, 10, 0.5], [0, 0, 0]]


def test_videos_of_one_project_are_clips(save):
  frames = [
    (video('C:\\data\\walk.mp4'), 0, [predicted(10)]),
    (video('/data/run.mp4', (9, 32, 32, 3)), 4, [predicted(20)]),
    (video('/more/run.mp4', None), 2, [predicted(30)]),
  ]
  path = save(*frames)
  names = ('walk', 'run_1', 'run_2')
  assert sleap.videos_in(path) == names
  for name, number, size in zip(
    names, (0, 4, 2), ((48, 64), (32, 32), None), strict=True
  ):
    poses = sleap.read_video(path, EYES, name)
    assert (list(poses.people), poses.frame_size) == ([number], size)
  with pytest.raises(
    PoseDataError, match=r"no video 'jump'; the first of its 3 videos"
  ):
    sleap.read_video(path, EYES, 'jump')


def test_faults_are_named(save, tmp_path):
  walk = video()
  path = save((walk, 3, [predicted(10)]), (walk, 3, [predicted(20)]))
  with pytest.raises(PoseDataError, match=r'v\.slp: frame 3 is listed twice'):
    sleap.read_video(path, EYES, '')
  (tmp_path / 'w.slp').write_bytes(b'text')
  with pytest.raises(PoseDataError, match=r'w\.slp is not a readable HDF5 file'):
    sleap.read_video(tmp_path / 'w.slp', EYES, '')
  h5py = pytest.importorskip('h5py')
  with h5py.File(tmp_path / 'x.slp', 'w') as file:
    file['a'] = 1
  with pytest.raises(PoseDataError, match=r'x\.slp is not a readable SLEAP file'):
    sleap.read_video(tmp_path / 'x.slp', EYES, '')
  other = Skeleton('other', ('tail', 'nose'), ())
  with pytest.raises(PoseDataError, match=r"skeleton 'head': joint 0 is 'left_eye'"):
    sleap.read_video(save((walk, 3, [predicted(10)])), other, '')


def test_the_names_choose_the_skeleton(save, tmp_path):
  nodes = sleap_io.Skeleton(list(SKELETONS['coco_17'].joints))
  walk, run = video('walk.mp4', (9, 400, 400, 1)), video('run.mp4', (9, 400, 400, 1))
  save(
    *((v, t, [predicted(10 + t, nodes=nodes)]) for v in (walk, run) for t in range(9)),
    name='a.slp',
  )
  source = read_poses('sleap', tmp_path, options=ReadOptions(max_people=2))
  assert source.skeleton.name == 'coco_17'
  assert source.splits == {'all': ('walk', 'run')}
  assert source.load('run').keypoints[8, 0, 0].tolist() == [18, 18]


def test_an_analysis_file_that_sleap_io_writes(tmp_path):
  ann, ben = sleap_io.Track('ann'), sleap_io.Track('ben')
  walk = video()
  labels = sleap_io.Labels(
    [
      sleap_io.LabeledFrame(walk, 0, [predicted(10, ann), predicted(30, ben)]),
      sleap_io.LabeledFrame(walk, 1, [predicted(31, ben, 0.75)]),
    ]
  )
  for preset in ('matlab', 'standard'):
    file = tmp_path / f'{preset}.h5'
    sleap_io.save_analysis_h5(labels, str(file), preset=preset)
    poses = sleap.read_video(file, EYES, '')
    assert xs(poses) == {0: [10, 30], 1: [31], **{t: [] for t in range(2, 10)}}
    assert poses.people[1][0].tolist() == [[31, 31, 0.75], [41, 31, 0.75]]
    assert [names.tolist() for names in poses.names()[:2]] == [[0, 1], [1]]
    assert poses.frame_size == (48, 64)
