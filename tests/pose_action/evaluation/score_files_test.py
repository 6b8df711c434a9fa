"""Score files are matched by name, and each mistake is named."""

import io
import pathlib
import tracemalloc
import zipfile

import numpy as np
import pytest

from pose_action.evaluation import score_files

CLASSES = ('run', 'sit', 'wave')
LOGITS = np.array([[2.0, 0.0, -1.0], [0.0, 3.0, 0.5], [-1.0, 0.0, 1.0]])


def probabilities(logits, function):
  if function == 'sigmoid':
    return 1 / (1 + np.exp(-logits))
  return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


@pytest.fixture
def write(tmp_path):
  """Writes a file of scores for three videos; None leaves an array out."""

  def write(name, ids=('v1', 'v2', 'v3'), scores=None, classes=CLASSES, **others):
    if scores is None:
      scores = probabilities(LOGITS, 'softmax')
    arrays = {'video_ids': ids, 'scores': scores, 'class_names': classes, **others}
    known = {key: np.array(array) for key, array in arrays.items() if array is not None}
    np.savez(tmp_path / name, allow_pickle=True, **known)
    return str(tmp_path / name)

  return write


@pytest.mark.parametrize('function', ['softmax', 'sigmoid'])
def test_logits_are_read_as_their_probabilities(write, function):
  file = write('a.npz', scores=LOGITS)
  scores = score_files.read_scores(f'{file}:{function}')
  expected = probabilities(LOGITS, function)
  np.testing.assert_allclose(scores.probabilities, expected, rtol=1e-12)
  assert scores.name == file


def test_videos_and_classes_are_matched_by_name(write):
  p = probabilities(LOGITS, 'softmax')
  a = write('a.npz', scores=p, labels=[0, 1, 2])
  turned = [2, 0, 1]
  # Its class 0 is `wave`, its first video is v3.
  b = write(
    'b.npz',
    ids=('v3', 'v2', 'v1'),
    scores=p[::-1][:, turned],
    classes=np.array(CLASSES)[turned],
    labels=[0, 2, 1],
  )
  streams, fit = score_files.read_streams([a, b])
  assert fit is None
  np.testing.assert_array_equal(streams.probabilities, [p, p])
  assert streams.labels is not None
  assert streams.labels.tolist() == [0, 1, 2]
  assert streams.video_ids.tolist() == ['v1', 'v2', 'v3']
  assert streams.notes == ()
  # Multi-hot labels follow their columns; unknown fields come from the other files.
  hot = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]])
  b = write(
    'b.npz', scores=p[:, turned], classes=np.array(CLASSES)[turned], labels=None
  )
  c = write('c.npz', scores=p, classes=None, labels=hot)
  streams, _ = score_files.read_streams([c, b])
  # The first file with names gives the order; c is assumed to have the same.
  assert streams.class_names is not None
  assert streams.class_names.tolist() == ['wave', 'run', 'sit']
  np.testing.assert_array_equal(streams.labels, hot)
  assert streams.notes == (
    f"{c} has no class names: the other files' order is assumed",
  )


def test_videos_that_not_all_have_are_named_and_left_out_if_asked(write):
  a = write('a.npz', labels=[0, 1, 2])
  b = write('b.npz', ids=('v3', 'v1', 'v4'))
  lacking = (
    f'{a} lacks videos that others have: 1 (v4)',
    f'{b} lacks videos that others have: 1 (v2)',
  )
  with pytest.raises(ValueError, match='all files have 2 of 4 videos') as error:
    score_files.read_streams([a, b])
  assert str(error.value).startswith('; '.join(lacking))
  streams, _ = score_files.read_streams([a, b], allow_missing=True)
  assert streams.video_ids.tolist() == ['v1', 'v3']
  assert streams.labels is not None
  assert streams.labels.tolist() == [0, 2]
  assert streams.notes == lacking
  p = probabilities(LOGITS, 'softmax')
  np.testing.assert_array_equal(streams.probabilities, [p[[0, 2]], p[[1, 0]]])
  other = write('other.npz', ids=('w1', 'w2', 'w3'))
  with pytest.raises(ValueError, match='all files have 0 of 6 videos'):
    score_files.read_streams([a, other], allow_missing=True)


def test_weights_are_not_fitted_on_what_is_fused(write):
  a, b = write('a.npz'), write('b.npz')
  fit_a = write('fit_a.npz', ids=('w1', 'w2', 'w3'), labels=[0, 1, 2])
  _, fit = score_files.read_streams([a, b], [fit_a, fit_a])
  assert fit is not None
  assert fit.video_ids.tolist() == ['w1', 'w2', 'w3']
  leaky = write('leaky.npz', ids=('w1', 'v2', 'w3'))
  # Even if the video would be left out.
  with pytest.raises(ValueError, match=r'leaky\.npz \(to fit .* 1 \(v2\); fit on held'):
    score_files.read_streams([a, b], [fit_a, leaky], allow_missing=True)


@pytest.mark.parametrize(
  ('mistake', 'message'),
  [
    ({'scores': LOGITS}, r'are in -1\.\.3, .* 0\.\.1; .*b\.npz:softmax'),
    ({'scores': np.ones((3, 3))}, r'scores of v1 sum up to 3, .*b\.npz:softmax'),
    ({'scores': np.full((3, 3), np.nan)}, 'NaN or infinity'),
    ({'scores': np.ones(3)}, r'scores are float64 of shape \(3,\), but must be'),
    ({'scores': np.full((3, 2), 0.5), 'classes': None}, r'same classes, .* 3, .* 2}'),
    ({'classes': ('run', 'sit', 'fly')}, r'b\.npz and others .* 2 \(fly, wave\)'),
    ({'classes': ('run', 'sit', 'sit')}, r'class_names hold 1 \(sit\) more than once'),
    ({'classes': (b'run', b'sit', b'wave')}, 'class_names are .S4 .* must be text'),
    ({'ids': ('v1', 'v2', 'v2')}, r'video_ids hold 1 \(v2\) more than once'),
    ({'labels': [0, 1, 3]}, r'labels are int64 .* 0\.\.2 of shape \(3,\)'),
    ({'labels': [0, 1, 1]}, r'differ in the labels of 1 \(v3\)'),
    ({'labels': np.eye(3)}, 'one has a single label per video, the other several'),
    (
      {'ids': np.array(['v1', 'v2', 'v3'], object)},
      r'cannot be read: video_ids hold Python objects',
    ),
    ({'ids': None}, r"must have \['video_ids'\]"),
  ],
)
def test_mistakes_are_named(write, mistake, message):
  a = write('a.npz', labels=[0, 1, 2])
  b = write('b.npz', **mistake)
  with pytest.raises(ValueError, match=message) as error:
    score_files.read_streams([a, b])
  assert b in str(error.value)


def test_fused_scores_are_a_file_to_read_again(tmp_path, write):
  file, fused = tmp_path / 'fused.npz', probabilities(LOGITS, 'softmax')
  streams, _ = score_files.read_streams([write('a.npz', labels=[0, 1, 2])] * 2)
  file.write_bytes(score_files.fused_npz(streams, fused))
  scores = score_files.read_scores(str(file))
  np.testing.assert_allclose(scores.probabilities, fused, rtol=1e-6)
  assert scores.video_ids.tolist() == ['v1', 'v2', 'v3']
  assert scores.labels is not None
  assert scores.labels.tolist() == [0, 1, 2]
  assert scores.class_names is not None
  assert scores.class_names.tolist() == list(CLASSES)
  bare = write('bare.npz', classes=None)
  streams, _ = score_files.read_streams([bare, bare])
  file.write_bytes(score_files.fused_npz(streams, fused))
  with np.load(file, allow_pickle=False) as content:
    assert set(content) == {'video_ids', 'scores'}
    assert content['scores'].dtype == np.float32


def _members(file, **members):
  """Writes a compressed archive; members are arrays, or bytes in their place."""
  with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
    for name, member in members.items():
      if isinstance(member, np.ndarray):
        content = io.BytesIO()
        np.save(content, member)
        member = content.getvalue()
      archive.writestr(f'{name}.npy', member)
  return str(file)


def _header(descr, shape):
  """The beginning of an array's file, without its numbers."""
  content = io.BytesIO()
  header = {'descr': descr, 'fortran_order': False, 'shape': shape}
  np.lib.format.write_array_header_1_0(content, header)
  return content.getvalue()


_NESTED = _header('<f4', (1,)).replace(b"'shape': (1,)", b"'shape': ((((")


@pytest.mark.parametrize(
  ('members', 'message'),
  [
    ({'scores': _header('<f4', (10**9, 200))}, 'its header declares shape'),
    ({'scores': _header('<f4', (2**40, 2**40))}, 'its header declares shape'),
    ({'scores': _NESTED}, 'cannot be read'),
    ({'scores': b'no array'}, 'cannot be read'),
    ({'asked_figures': _header('<U0', (3 * 10**9,))}, 'which has no numbers'),
    ({'video_ids': np.array([0x110000] * 3, '<u4').view('<U1')}, 'do not exist'),
    ({'class_names': np.array([0xD800] * 3, '<u4').view('<U1')}, 'do not exist'),
    ({'scores': np.zeros((3, 2**24), np.uint8)}, 'far more than a file of its size'),
    ({'video_ids': np.array(['x\n' * 10**5] * 3)}, 'more than once'),
    ({'n\n' * 10**4: np.zeros(1), 'scores': np.array(1)}, 'must be numbers'),
  ],
)
def test_a_hostile_file_is_refused_in_one_short_line(tmp_path, members, message):
  sound = {'video_ids': np.array(['v1', 'v2', 'v3']), 'scores': np.full((3, 2), 0.5)}
  file = _members(tmp_path / 'a.npz', **sound | members)
  with pytest.raises(ValueError, match=message) as error:
    score_files.read_scores(file)
  assert '\n' not in str(error.value)
  assert len(str(error.value)) < 2000


def test_a_file_that_unfolds_to_gigabytes_is_not_unfolded(tmp_path):
  file = tmp_path / 'bomb.npz'
  with (
    zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
    archive.open('scores.npy', 'w') as member,
  ):
    member.write(_header('<f4', (300 << 18, 1)))
    for _ in range(300):
      member.write(bytes(1 << 20))
  tracemalloc.start()
  with pytest.raises(ValueError, match='bytes when decompressed, but may have at most'):
    score_files.read_scores(str(file))
  assert tracemalloc.get_traced_memory()[1] < 1 << 24
  tracemalloc.stop()


@pytest.mark.parametrize(('place', 'value'), [(6, 1), (8, 99)])
def test_an_archive_that_is_encrypted_or_of_another_method(write, place, value):
  file = pathlib.Path(write('a.npz'))
  content = bytearray(file.read_bytes())
  for start, at in ((b'PK\x03\x04', place), (b'PK\x01\x02', place + 2)):
    content[content.index(start) + at] = value
  file.write_bytes(content)
  with pytest.raises(ValueError, match='cannot be read'):
    score_files.read_scores(str(file))


def test_a_name_twice_in_an_archive(write):
  file = write('a.npz')
  with zipfile.ZipFile(file, 'a') as archive, pytest.warns(UserWarning, match='Dup'):
    archive.writestr('scores.npy', archive.read('scores.npy'))
  with pytest.raises(ValueError, match="two arrays named 'scores'"):
    score_files.read_scores(file)


def test_what_is_no_file_of_scores_is_refused(tmp_path):
  text, lone = tmp_path / 'text.npz', tmp_path / 'lone.npz'
  text.write_text('no zip')
  with lone.open('wb') as file:
    np.save(file, np.ones(3))
  for file in (text, lone):
    with pytest.raises(ValueError, match=f'{file} cannot be read'):
      score_files.read_scores(str(file))
  with pytest.raises(
    ValueError, match=r'a\.npz:logits is not a file .* FILE\.npz:softmax'
  ):
    score_files.read_scores('a.npz:logits')
  with pytest.raises(FileNotFoundError, match=r'absent\.npz'):
    score_files.read_scores('absent.npz')
