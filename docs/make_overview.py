"""Makes docs/images/overview.png: a clip of the demo from its poses to the answer.

python main.py --config=configs/demo.py --workdir=/tmp/pose_action_demo
python docs/make_overview.py /tmp/pose_action_demo
"""

import pathlib
import sys

import numpy as np

import pose_action
from input_pipeline.catalog.stick_actions.source import stick_actions_source
from pose_action.plots.clip_overview import clip_overview_image
from pose_action.plots.drawing import save_png

CLIP = 'sit'  # The first test clip of this action.


def main(workdir: str):
  """Draws the picture with the model of a run of the demo."""
  model = pose_action.load(workdir)
  source = stick_actions_source(seed=0)
  clip = next(
    c
    for c in map(source.load, source.splits['test'])
    if source.class_names[c.labels[0]] == CLIP
  )
  activations = model.activations(clip)
  maps, motion = activations.maps['joints'], activations.motion_maps['joints']
  num_maps = len(maps)
  # The middle of each of the segments that the model's frames are drawn from.
  frames = ((np.arange(num_maps) + 0.5) * clip.num_frames / num_maps).astype(int)
  shown = slice(None, None, 2) if num_maps > 4 else slice(None)
  strongest = np.abs(motion).argmax(axis=2, keepdims=True)
  motion = np.take_along_axis(motion, strongest, axis=2)[:, :, 0]
  skeleton = clip.skeleton

  picture = clip_overview_image(
    clip.keypoints[frames, 0][shown],
    clip.scores[frames, 0][shown] > 0,
    limbs=skeleton.limb_indices,
    limb_sides=skeleton.limb_sides,
    maps=maps.max(axis=-1)[shown],
    motion_maps=np.moveaxis(motion, -1, 0)[:4],
    answer=model(clip).top(4),
    truth=CLIP,
  )
  save_png(pathlib.Path(__file__).parent / 'images' / 'overview.png', picture)


if __name__ == '__main__':
  main(sys.argv[1])
