"""Runs `pose-action predict`; see pose_action/cli/predict.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('predict')
