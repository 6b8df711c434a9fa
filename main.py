"""Trains and evaluates what a config describes; see configs/ and README.md.

  python main.py --config=configs/demo.py --workdir=/tmp/demo

The same program as `pose-action train`: pose_action/cli/train.py.
"""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.start('train')
