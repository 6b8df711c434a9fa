"""Makes docs/images/seen.gif: clips of the demo with the answers of its model.

python main.py --config=configs/demo.py --workdir=/tmp/pose_action_demo
python docs/make_seen.py /tmp/pose_action_demo
"""

import dataclasses
import pathlib
import sys

import pose_action
from input_pipeline.catalog.stick_actions.source import stick_actions_source

ACTIONS = ('wave', 'sit')  # The first test clip of each.


def main(workdir: str):
  """Writes the picture with the model of a run of the demo."""
  model = pose_action.load(workdir)
  source = stick_actions_source(seed=0)
  clips = {}
  for name in source.splits['test']:
    clip = source.load(name)
    clips.setdefault(source.class_names[clip.labels[0]], clip)
  shown = [dataclasses.replace(clips[action], frame_rate=15) for action in ACTIONS]
  answers = pose_action.Predictions([model(clip) for clip in shown])
  answers.save(pathlib.Path(__file__).parent / 'images' / 'seen.gif')


if __name__ == '__main__':
  main(sys.argv[1])
