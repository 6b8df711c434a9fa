import pytest

from input_pipeline.poses.reasons import (
  FewLines,
  grouped_reasons,
  kind_of_reason,
  named_clips,
)


@pytest.mark.parametrize(
  ('one', 'other'),
  [
    (('a', '/poses/walk/a has no size'), ('b', '/poses/sit/b has no size')),
    (('a', 'frame 3 has 25 joints'), ('b', 'frame 12 has 26 joints')),
    (('a', 'scores hold -1.5e-3'), ('b', 'scores hold 7.0')),
    (('a', "clip 'a': no file"), ('b', "clip 'b': no file")),
    (('a#0', 'a#0 shows nobody in a.json'), ('b#1', 'b#1 shows nobody in b.json')),
    (('x/a', 'clip x/a is torn'), ('b', 'clip b is torn')),
    (('v1', 'v1_0001_keypoints.json is torn'), ('w', 'w_9_keypoints.json is torn')),
  ],
)
def test_names_and_numbers_make_no_difference(one, other):
  assert kind_of_reason(*one) == kind_of_reason(*other)


@pytest.mark.parametrize(
  ('one', 'other'),
  [
    (('a', 'is torn'), ('b', 'is empty')),
    # The clip's name is also part of another word.
    (('sit', 'the position is wrong'), ('b', 'the pobion is wrong')),
    (('a', "joint 'nose' is nowhere"), ('b', "joint 'neck' is nowhere")),
  ],
)
def test_other_words_make_another_kind(one, other):
  assert kind_of_reason(*one) != kind_of_reason(*other)


def test_a_group_has_the_reason_of_its_first_clip():
  reasons = [('a', 'frame 3 is torn'), ('b', 'is empty'), ('c', 'frame 4 is torn')]
  assert grouped_reasons(reasons) == [
    ('frame 3 is torn', ('a', 'c')),
    ('is empty', ('b',)),
  ]


def test_a_few_names_are_shown():
  assert named_clips(('a',)) == '1 clip: a'
  assert (
    named_clips(tuple('abcdefghij')) == '10 clips: a, b, c, d, e, f, g, h and 2 more'
  )


def test_three_lines_are_printed_per_reason():
  few = FewLines()
  lines = [few.line(f'v{n}', f'frame {n} is torn', f'line {n}') for n in range(6)]
  assert lines[:2] == ['line 0', 'line 1']
  assert lines[2] == 'line 2 (further clips with this reason are only counted)'
  assert lines[3:] == [None, None, None]
  assert few.line('w', 'is empty', 'line 6') == 'line 6'
