"""Runs `pose-action sweep`; see pose_action/cli/run_sweep.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('sweep')
