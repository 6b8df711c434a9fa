"""Runs `pose-action export`; see pose_action/cli/export_dataset.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('export')
