"""Writes a small AVA v2.1 in the official file formats, with poses for it.

It has two training videos and one test video. Seconds 902 to 904 are annotated, of which
904 is excluded. All frames show three people: the left and the right one are labelled in
each second, the one between them only in second 902.
"""

import pathlib
import pickle

import numpy as np

# From the official list of 60 of the 80 actions. Walk (id 14) is left out on purpose.
CLASSES = {1: 'bend/bow (at the waist)', 12: 'stand', 80: 'watch (a person)'}
WALK = 14
TRAIN, VAL = ('-5KQ66BBWC4', 'tr_in-b'), 'val_c'
LEFT = ('0.050', '0.100', '0.350', '0.900')
RIGHT = ('0.600', '0.200', '0.900', '0.950')
MIDDLE = ('0.400', '0.300', '0.550', '0.800')
FRAME_SIZE = (120, 160)
FRAMES_PER_SECOND, NUM_FRAMES = 10.0, 60  # From second 900 on.

# Scores of detected boxes: almost the left person, the right person twice, a box without
# a person, and the middle person with low confidence.
NEARLY_LEFT = ('0.060', '0.100', '0.350', '0.900')
NEARLY_RIGHT = ('0.600', '0.250', '0.900', '0.950')
NOBODY = ('0.000', '0.000', '0.100', '0.200')
DETECTED = {
  NEARLY_LEFT: 0.99,
  RIGHT: 0.95,
  NEARLY_RIGHT: 0.85,
  NOBODY: 0.9,
  MIDDLE: 0.5,
}


def write(folder: pathlib.Path, poses_apart: bool = False) -> pathlib.Path:
  """Writes all files; poses in one pickle, or with `poses_apart` in one per video."""
  folder.mkdir(parents=True, exist_ok=True)
  items = ''.join(
    f'item {{\n  name: "{name}"\n  id: {action}\n}}\n'
    for action, name in CLASSES.items()
  )
  (folder / 'ava_action_list_v2.1_for_activitynet_2018.pbtxt').write_text(items)
  for split, videos in (('train', TRAIN), ('val', (VAL,))):
    rows = [row for video in videos for row in _labels(video)]
    (folder / f'ava_{split}_v2.1.csv').write_text('\n'.join(rows) + '\n')
    excluded = f'{videos[0]},0904\n'
    (folder / f'ava_{split}_excluded_timestamps_v2.1.csv').write_text(excluded)
  rows = [
    f'{VAL},{second:04},{",".join(box)},,{score}'
    for second in (902, 903, 904)
    for box, score in DETECTED.items()
  ]
  (folder / 'ava_val_predicted_boxes.csv').write_text('\n'.join(rows) + '\n')
  videos = [_poses(video, seed) for seed, video in enumerate((*TRAIN, VAL))]
  if poses_apart:
    (folder / 'poses').mkdir()
    for video in videos:
      file = folder / 'poses' / f'{video["frame_dir"]}.pkl'
      file.write_bytes(pickle.dumps({'annotations': [video]}))
  else:
    (folder / 'poses.pkl').write_bytes(pickle.dumps({'annotations': videos}))
  return folder


def _labels(video: str) -> list[str]:
  """Label rows: left stands and watches, right bends; swapped in odd seconds."""
  rows = []
  for second in (902, 903, 904):
    left, right = ((12, 80), (1,)) if second % 2 == 0 else ((1,), (12, 80))
    middle = (WALK,) if second == 902 else ()
    for person, (box, actions) in enumerate(
      ((LEFT, left), (RIGHT, right), (MIDDLE, middle))
    ):
      rows += [f'{video},{second:04},{",".join(box)},{a},{person}' for a in actions]
  return rows


def _poses(video: str, seed: int) -> dict:
  """Three people with 17 joints, each in their box; their order changes per frame."""
  rng = np.random.default_rng(seed)
  boxes = np.array([LEFT, RIGHT, MIDDLE], float)
  low, high = boxes[:, None, None, :2], boxes[:, None, None, 2:]
  shares = rng.uniform(0.1, 0.9, (3, 1, 17, 2))
  shares[:, :, 0], shares[:, :, 1] = 0.05, 0.95  # Makes the poses fill their boxes.
  shares = shares + rng.normal(0, 0.01, (3, NUM_FRAMES, 17, 2))
  height, width = FRAME_SIZE
  keypoints = (low + shares * (high - low)) * [width, height]
  for frame in range(0, NUM_FRAMES, 2):
    keypoints[:, frame] = keypoints[[2, 0, 1], frame]
  return {
    'frame_dir': video,
    'img_shape': FRAME_SIZE,
    'total_frames': NUM_FRAMES,
    'keypoint': keypoints.astype(np.float32),
    'keypoint_score': np.full((3, NUM_FRAMES, 17), 0.8, np.float32),
    'fps': FRAMES_PER_SECOND,
  }
