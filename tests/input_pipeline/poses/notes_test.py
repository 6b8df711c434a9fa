"""Notes are shown once per kind, with the clips concerned."""

from input_pipeline.poses.notes import Note, as_lines, grouped

LARGE = Note('large_scores', 'scores go up to 12')
LARGER = Note('large_scores', 'scores go up to 99')
UNREAD = Note('columns_not_read', 'column mood is not read')


def test_notes_of_a_kind_are_joined():
  notes = [('', UNREAD), ('a', LARGE), ('b', LARGER), ('a', LARGE)]
  assert grouped(notes) == [(UNREAD, ()), (LARGE, ('a', 'b'))]


def test_lines():
  assert as_lines([]) == []
  assert as_lines([('', UNREAD), ('a', LARGE)]) == [
    'warning: column mood is not read',
    'warning: scores go up to 12 (1 clip: a)',
  ]
  (line,) = as_lines([(f'c{n}', LARGE) for n in range(11)])
  assert line.endswith('(11 clips: c0, c1, c2, c3, c4, c5, c6, c7 and 3 more)')
