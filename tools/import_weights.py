"""Runs `pose-action import`; see pose_action/cli/import_weights.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('import')
