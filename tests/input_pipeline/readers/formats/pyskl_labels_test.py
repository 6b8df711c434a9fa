"""Labels of skeleton pickles in other forms than class indices."""

import numpy as np
import pytest

from input_pipeline.readers.formats.pyskl_labels import plain_labels


def converted(labels, classes=None):
  annotations = {f'v{i}': {'label': label} for i, label in enumerate(labels)}
  plain = plain_labels(annotations, classes, 'p.pkl')
  return [clip['label'] for clip in plain.annotations.values()], plain


@pytest.mark.parametrize(
  ('labels', 'classes', 'expected', 'names'),
  [
    (['sit', b'jump', 'sit'], None, [1, 0, 1], ('jump', 'sit')),
    (['sit', 'jump'], ['sit', 'run', 'jump'], [0, 2], ('sit', 'run', 'jump')),
    (['3', '0'], None, [3, 0], None),
    ([2.0, np.float32(0)], None, [2, 0], None),
    ([-1, np.int64(-1)], None, [[], []], None),
    ([[0, 1, 0, 0], [0, 0, 1, 0]], None, [1, 2], ('0', '1', '2', '3')),
    (list(np.eye(2)), ['a', 'b'], [0, 1], ('a', 'b')),
    ([[0, 1, 1], [0, 0, 1]], None, [[1, 2], [2]], ('0', '1', '2')),
  ],
)
def test_forms(labels, classes, expected, names):
  found, plain = converted(labels, classes)
  assert (found, plain.classes) == (expected, names)
  assert [note.kind for note in plain.notes] == ['labels_converted']


@pytest.mark.parametrize(
  'labels',
  [
    [2, 0],
    [[0, 1], [1, 0]],  # Two indices each.
    [[0, 2, 1], [0, 1, 3]],
    ['sit', 1],
    [1.0, 0],
    [-1, 0],
    [0.5, 1.0],
    [],
  ],
)
def test_indices_and_mixed_forms_stay_as_they_are(labels):
  found, plain = converted(labels)
  assert (found, plain.classes, plain.notes) == (labels, None, ())


def test_names_that_are_no_class_stay():
  found, plain = converted(['sit', 'fly'], ['sit', 'run'])
  assert (found, plain.notes) == (['sit', 'fly'], ())
