"""Runs `pose-action report`; see pose_action/cli/report.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('report')
