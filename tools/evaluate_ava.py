"""Runs `pose-action evaluate-ava`; see pose_action/cli/evaluate_ava.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('evaluate-ava')
