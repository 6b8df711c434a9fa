"""Flags that several programs share: trained workdirs, and the poses they are given."""

from __future__ import annotations

import argparse
from typing import Any

import pose_action


def parser_of(program: str, description: str | None) -> argparse.ArgumentParser:
  """A parser for `python -m benchmarks.PROGRAM`, whose module text is its help."""
  return argparse.ArgumentParser(
    prog=f'python -m benchmarks.{program}',
    description=description,
    formatter_class=argparse.RawDescriptionHelpFormatter,
    allow_abbrev=False,
  )


def add_workdirs(parser: argparse.ArgumentParser):
  """`--workdirs`, several."""
  parser.add_argument('--workdirs', required=True, help='trained, separated by commas')


def add_poses(parser: argparse.ArgumentParser):
  """The flags that `read_poses` reads."""
  parser.add_argument('--poses', required=True, help='file or folder of the poses')
  parser.add_argument('--format', default='auto', help='of the poses')
  parser.add_argument('--skeleton', help='needed if the format does not fix it')


def read_poses(asked: argparse.Namespace) -> Any:
  """The source that the flags of `add_poses` name."""
  return pose_action.read_poses(
    asked.poses, format=asked.format, skeleton=asked.skeleton
  )
