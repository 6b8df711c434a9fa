"""Runs `pose-action visualize`; see pose_action/cli/visualize.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('visualize')
