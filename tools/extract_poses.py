"""Runs `pose-action extract`; see pose_action/cli/extract_poses.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('extract')
