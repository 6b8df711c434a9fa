"""Calls a program in the test's process: a process of its own takes seconds to import."""

import contextlib
import io
import os
import pathlib
import subprocess
import sys

import jax
import pytest
from places import ROOT

from pose_action.cli.launch import program


def call(verb: str, *args, cwd: pathlib.Path = ROOT) -> subprocess.CompletedProcess:
  """Runs `pose-action VERB ARGS` from a folder; returns its status and output.

  What is not an error for users ends the test with its traceback. For each program, at
  least one test of its own file starts a process.
  """
  printed, said = io.StringIO(), io.StringIO()
  words = [*map(str, args)]
  status = 0
  before = os.getcwd()
  with (
    pytest.MonkeyPatch.context() as patch,
    jax.numpy_dtype_promotion('standard'),  # As everywhere but in tests.
    contextlib.redirect_stdout(printed),
    contextlib.redirect_stderr(said),
  ):
    patch.setattr(sys, 'argv', ['pose-action'])
    os.chdir(cwd)
    try:
      program.run(verb, words)
    except SystemExit as stopped:
      status = stopped.code
    finally:
      os.chdir(before)
  return subprocess.CompletedProcess(words, status, printed.getvalue(), said.getvalue())
