"""Runs `pose-action fuse`; see pose_action/cli/fuse_scores.py."""

from pose_action.cli.launch import program

if __name__ == '__main__':
  program.run('fuse')
