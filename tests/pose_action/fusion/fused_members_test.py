"""ensemble.json, written, read back, and damaged."""

import json

import numpy as np
import pytest
import scipy.special

from pose_action.fusion.fused_members import (
  FILE,
  FusedMembers,
  is_ensemble,
  read_ensemble,
)

FOLDERS = {'motion': 'members/motion', 'joints': 'members/joints'}
P = np.array([[[0.7, 0.2, 0.1]], [[0.2, 0.5, 0.3]]])


def test_it_reads_back_in_order(tmp_path):
  assert not is_ensemble(tmp_path)
  FusedMembers(FOLDERS, np.array([0.25, 0.5]), 1.5).write(tmp_path)
  assert is_ensemble(tmp_path)
  read = read_ensemble(tmp_path)
  assert list(read.folders.items()) == list(FOLDERS.items())
  assert (read.weights.tolist(), read.temperature) == ([0.25, 0.5], 1.5)


def test_members_are_fused_as_the_formula_says(tmp_path):
  members = FusedMembers(FOLDERS, np.array([0.25, 0.5]), 1.5)
  z = (0.25 * np.log(P[0]) + 0.5 * np.log(P[1])) / 1.5
  expected = np.exp(z) / np.exp(z).sum()
  np.testing.assert_allclose(members.fuse(P.astype(np.float32)), expected, rtol=1e-6)


def test_several_labels_are_fused_per_class(tmp_path):
  weights = np.array([[0.5, 1.0, 0.0], [0.5, 0.0, 2.0]])
  FusedMembers(FOLDERS, weights, 2.0).write(tmp_path)
  logits = scipy.special.logit(P)
  expected = scipy.special.expit((weights[:, None] * logits).sum(axis=0) / 2)
  np.testing.assert_allclose(read_ensemble(tmp_path).fuse(P), expected)


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('{', 'does not say how members are fused'),
    ('[]', 'does not say how members are fused'),
    ('{"members": {"a": {"folder": "a"}}}', "does not say .*KeyError.*'weight'"),
    ('{"members": {}, "temperature": 1}', r'has the weights \[\], but needs one'),
  ],
)
def test_damage_is_named(tmp_path, text, message):
  (tmp_path / FILE).write_text(text)
  with pytest.raises(ValueError, match=message):
    read_ensemble(tmp_path)


def test_infinite_weights_are_refused(tmp_path):
  content = {'members': {'a': {'folder': 'a', 'weight': np.inf}}, 'temperature': 1}
  (tmp_path / FILE).write_text(json.dumps(content))
  with pytest.raises(
    ValueError, match=r'has the weights \[inf\], but needs one finite'
  ):
    read_ensemble(tmp_path)
