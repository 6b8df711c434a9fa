"""Runs `pose-action validate`; see pose_action/cli/validate_poses.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('validate')
