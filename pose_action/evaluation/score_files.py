"""Reads files of scores, one per model, and matches them by video and class.

Axes: `s` stream (one model's scores), `b` clip, `k` class. Scores become float64
probabilities.
"""

from __future__ import annotations

import dataclasses
import io
import re
import sys
from collections.abc import Callable, Collection, Sequence

import numpy as np
import scipy  # Loads its parts when they are used.
from jaxtyping import Float, Int, UInt8

from input_pipeline.errors import shortened
from input_pipeline.readers.files.npy_arrays import read_arrays
from pose_action.host.user_paths import user_path

_REQUIRED = ('video_ids', 'scores')
_FIELDS = (*_REQUIRED, 'labels', 'class_names', 'asked_figures')
# Our choices. Scores become float64, which may be eight times larger than in the file.
_ANY_FILE = 1 << 25  # Scores that any file may hold: 160,000 clips of 200 classes.
_LONGEST_NAME = 80
_LONGEST_REASON = 500
_SHOWN = 5  # Names in an error message.
_ROUNDING = 1e-4  # How far float32 rounding puts probabilities above 1.
_SUM_ROUNDING = 1e-2  # Rounding of the sum of a clip's probabilities, even in float16.

_FILE = re.compile(r'(?P<path>.+\.npz)(:(?P<function>\w+))?')
_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  'softmax': lambda logits: scipy.special.softmax(logits, axis=1),
  'sigmoid': lambda logits: scipy.special.expit(logits),
}


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
  """One model's scores; the constructor checks them.

  Attributes:
    name: the file's name, for messages.
    video_ids: `b` unique names.
    probabilities: float64 `[b, k]`.
    labels: int32 `[b]` class indices, or uint8 `[b, k]`, multi-hot; None if unknown.
    class_names: `k` unique names; None if unknown.
    asked: the figures that the data set's protocol asks for, see `metrics.figures`.

  Raises:
    ValueError: names the file, the field, its value and the allowed values.
  """

  name: str
  video_ids: np.ndarray
  probabilities: Float[np.ndarray, 'b k']
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'] | None = None
  class_names: np.ndarray | None = None
  asked: tuple[str, ...] = ()

  def __post_init__(self):
    (n, k), scores = self.probabilities.shape, self.probabilities
    if scores.min() < 0 or scores.max() > 1 + _ROUNDING:
      raise self._error(
        f'scores are in {scores.min():g}..{scores.max():g}, but probabilities must be in'
        f' 0..1; for logits give {self.name}:softmax, or :sigmoid for multi-label videos'
      )
    self._check_names('video_ids', self.video_ids, n)
    if self.class_names is not None:
      self._check_names('class_names', self.class_names, k)
    if self.labels is not None:  # The dataclass is frozen for all other code.
      object.__setattr__(self, 'labels', self._checked_labels(self.labels))

  def _checked_labels(self, labels: np.ndarray) -> np.ndarray:
    n, k = self.probabilities.shape
    if labels.shape == (n, k) and np.isin(labels, (0, 1)).all():
      return labels.astype(np.uint8)
    is_index = labels.shape == (n,) and labels.dtype.kind in 'iu'
    if is_index and labels.min() >= 0 and labels.max() < k:
      return labels.astype(np.int32)
    raise self._error(
      f'labels are {labels.dtype} of shape {labels.shape}, but must be whole numbers'
      f' 0..{k - 1} of shape ({n},), or 0 and 1 of shape ({n}, {k}); leave unknown'
      ' labels out'
    )

  def _check_names(self, field: str, names: np.ndarray, count: int):
    if names.shape != (count,) or names.dtype.kind != 'U':
      raise self._error(
        f'{field} are {names.dtype} of shape {names.shape}, but must be text (numpy'
        f' unicode) of shape ({count},)'
      )
    values, times = np.unique(names, return_counts=True)
    if times.max() > 1:
      raise self._error(
        f'{field} hold {_listed(values[times > 1])} more than once; keep each once'
      )

  def _error(self, message: str) -> ValueError:
    return ValueError(f'{self.name}: {message}')


@dataclasses.dataclass(frozen=True, eq=False)
class Streams:
  """Several models' scores for the same videos and classes, in the same order.

  Attributes:
    names: `s` file names.
    video_ids: `b` names.
    probabilities: float64 `[s, b, k]`.
    labels, class_names: same as in `Scores`; None if no file has them.
    notes: lines about how the files were matched.
    asked: the figures that any file's protocol asks for.
  """

  names: tuple[str, ...]
  video_ids: np.ndarray
  probabilities: Float[np.ndarray, 's b k']
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'] | None
  class_names: np.ndarray | None
  notes: tuple[str, ...] = ()
  asked: tuple[str, ...] = ()


def read_streams(
  files: Sequence[str], fit_files: Sequence[str] = (), *, allow_missing: bool = False
) -> tuple[Streams, Streams | None]:
  """Reads the streams to fuse and, if given, the streams to fit weights on.

  Args:
    files: one per stream, see `read_scores`.
    fit_files: the same models' scores for other videos.
    allow_missing: fuse only the videos that all files have; otherwise all files must
      have the same videos.

  Raises:
    OSError: if a file cannot be opened.
    ValueError: if a file is invalid, files do not match, or a video to be fused is also
      in `fit_files`.
  """
  scores = [read_scores(file) for file in files]
  fits = [read_scores(file) for file in fit_files]
  _check_nothing_leaks(scores, fits)
  _check_class_counts([*scores, *fits])
  named = (s.class_names for s in (*scores, *fits) if s.class_names is not None)
  class_names = next(named, None)
  matched = _matched(scores, class_names, allow_missing)
  return matched, _matched(fits, class_names, allow_missing) if fits else None


def read_scores(file: str) -> Scores:
  """Reads a file of scores that an evaluation wrote.

  It holds `video_ids` and `scores`, and may hold `labels`, `class_names` and
  `asked_figures`.

  Args:
    file: `FILE.npz` for probabilities; `FILE.npz:softmax` for logits, or
      `FILE.npz:sigmoid` for the logits of a multi-label model.

  Raises:
    OSError: if the file cannot be opened.
    ValueError: if the file is invalid.
  """
  parts = _FILE.fullmatch(file)
  if parts is None or parts['function'] not in (None, *_FUNCTIONS):
    raise ValueError(
      f'{file} is not a file of scores; give FILE.npz for probabilities, or'
      ' FILE.npz:softmax or FILE.npz:sigmoid for logits'
    )
  path, function = parts['path'], parts['function']
  arrays = _arrays(path)
  scores = arrays['scores']
  if scores.ndim != 2 or 0 in scores.shape or scores.dtype.kind not in 'fiu':
    raise ValueError(
      f'{path}: scores are {scores.dtype} of shape {scores.shape}, but must be numbers'
      ' [videos, classes], at least one of each'
    )
  _check_size(path, scores)
  scores = scores.astype(np.float64)
  if not np.isfinite(scores).all():
    raise ValueError(f'{path}: scores hold NaN or infinity; evaluate the model again')
  if function:
    scores = _FUNCTIONS[function](scores)
  labels, class_names = arrays.get('labels'), arrays.get('class_names')
  asked = tuple(map(str, np.ravel(arrays.get('asked_figures', ()))))
  return Scores(path, arrays['video_ids'], scores, labels, class_names, asked)


def fused_npz(streams: Streams, fused: Float[np.ndarray, 'b k']) -> bytes:
  """Fused scores as the content of a file for `read_scores`, without unknown fields."""
  arrays = {
    'video_ids': streams.video_ids,
    'scores': fused.astype(np.float32),
    'labels': streams.labels,
    'class_names': streams.class_names,
    'asked_figures': np.array(streams.asked, np.str_) if streams.asked else None,
  }
  known = {name: array for name, array in arrays.items() if array is not None}
  content = io.BytesIO()
  np.savez_compressed(content, **known)
  return content.getvalue()


def _arrays(path: str) -> dict[str, np.ndarray]:
  file = user_path(path)
  file.open('rb').close()  # A missing file, or no permission, is an OSError.
  try:
    held = read_arrays(file)
    if isinstance(held, np.ndarray):
      raise ValueError('it is a single array')
    arrays = {name: held[name] for name in _FIELDS if name in held}
    known = {name: array for name, array in arrays.items() if array is not None}
    if objects := [name for name in arrays if name not in known]:
      raise ValueError(f'{", ".join(objects)} hold Python objects')
    for name, array in known.items():
      _check_characters(name, array)
  except ValueError as error:
    raise ValueError(
      f'{path} cannot be read: {shortened(str(error), _LONGEST_REASON)}; write plain'
      ' arrays with numpy.savez (text as numpy unicode, not as objects)'
    ) from error
  if missing := [name for name in _REQUIRED if name not in known]:
    raise ValueError(
      f'{path} holds {shortened(str(sorted(held)), _LONGEST_REASON)}, but must have'
      f' {missing}, and may have labels, class_names'
    )
  return known


def _check_characters(name: str, array: np.ndarray):
  """Raises ValueError for numbers in the place of characters, which end in no text."""
  if array.dtype.kind != 'U' or not array.dtype.itemsize:
    return
  native = np.ascontiguousarray(array, array.dtype.newbyteorder('='))
  codes = native.reshape(-1).view(np.uint32)
  is_half = (codes >= 0xD800) & (codes <= 0xDFFF)  # Of a pair in UTF-16.
  if is_half.any() or codes.max(initial=0) > sys.maxunicode:
    raise ValueError(f'{name} hold characters that do not exist')


def _check_size(path: str, scores: np.ndarray):
  """Raises ValueError for a small file that unfolds to very many scores."""
  if scores.size > max(_ANY_FILE, user_path(path).stat().st_size):
    raise ValueError(
      f'{path} has {scores.size:,} scores, far more than a file of its size holds;'
      ' write the arrays with numpy.savez, without compression, if that is right'
    )


def _check_nothing_leaks(scores: Sequence[Scores], fits: Sequence[Scores]) -> None:
  fused = {name for file in scores for name in file.video_ids}
  for fit in fits:
    if shared := fused & set(fit.video_ids):
      raise ValueError(
        f'{fit.name} (to fit weights on) has videos that are to be fused:'
        f' {_listed(shared)}; fit on held-out training videos'
      )


def _check_class_counts(files: Sequence[Scores]) -> None:
  counts = {file.name: file.probabilities.shape[1] for file in files}
  if len(set(counts.values())) > 1:
    raise ValueError(
      f'files must score the same classes, but their numbers of classes are {counts}'
    )


def _matched(
  files: Sequence[Scores], class_names: np.ndarray | None, allow_missing: bool
) -> Streams:
  """Reorders all files to the first file's videos and to one order of classes."""
  common = set.intersection(*(set(file.video_ids) for file in files))
  every = set.union(*(set(file.video_ids) for file in files))
  notes = []
  for file in files:
    if lacking := every - set(file.video_ids):
      notes.append(f'{file.name} lacks videos that others have: {_listed(lacking)}')
    if file.class_names is None and class_names is not None:
      notes.append(f"{file.name} has no class names: the other files' order is assumed")
  if not common or (len(common) < len(every) and not allow_missing):
    raise ValueError(
      f'{"; ".join(notes)}; all files have {len(common)} of {len(every)} videos: give'
      ' scores of the same videos, or fuse only the common ones (if any) with'
      ' --allow_missing'
    )
  video_ids = np.array([name for name in files[0].video_ids if name in common])
  files = [_reordered(file, video_ids, class_names) for file in files]
  labels = _agreed_labels(files)
  if labels is not None and labels.ndim == 1:
    _check_sums(files)
  names = tuple(file.name for file in files)
  probabilities = np.stack([file.probabilities for file in files])
  asked = tuple(dict.fromkeys(name for file in files for name in file.asked))
  return Streams(
    names, video_ids, probabilities, labels, class_names, tuple(notes), asked
  )


def _reordered(
  file: Scores, video_ids: np.ndarray, class_names: np.ndarray | None
) -> Scores:
  place = {name: row for row, name in enumerate(file.video_ids)}
  rows = np.array([place[name] for name in video_ids])
  columns = _columns(file, class_names)
  labels = file.labels
  if labels is not None:
    labels = labels[rows]
    labels = labels[:, columns] if labels.ndim == 2 else np.argsort(columns)[labels]
  probabilities = file.probabilities[np.ix_(rows, columns)]
  return Scores(file.name, video_ids, probabilities, labels, class_names, file.asked)


def _columns(file: Scores, class_names: np.ndarray | None) -> Int[np.ndarray, 'k']:
  """The column of each class in a file."""
  if file.class_names is None or class_names is None:
    return np.arange(file.probabilities.shape[1])
  if other := set(file.class_names) ^ set(class_names):
    raise ValueError(
      f'{file.name} and others score different classes: only some files have'
      f' {_listed(other)}; the order may differ, the names must not'
    )
  place = {name: column for column, name in enumerate(file.class_names)}
  return np.array([place[name] for name in class_names])


def _agreed_labels(files: Sequence[Scores]) -> np.ndarray | None:
  labelled = [(file.name, file.labels) for file in files if file.labels is not None]
  if not labelled:
    return None
  (first, agreed), *others = labelled
  for name, labels in others:
    if labels.ndim != agreed.ndim:
      raise ValueError(
        f'{first} and {name} differ: one has a single label per video, the other several'
      )
    differ = (labels != agreed).reshape(len(labels), -1).any(axis=1)
    if differ.any():
      raise ValueError(
        f'{first} and {name} differ in the labels of'
        f' {_listed(files[0].video_ids[differ])}; give scores on the same version of the'
        ' data set'
      )
  return agreed


def _check_sums(files: Sequence[Scores]) -> None:
  for file in files:
    sums = file.probabilities.sum(axis=1)
    worst = np.abs(sums - 1).argmax()
    if abs(sums[worst] - 1) > _SUM_ROUNDING:
      raise ValueError(
        f'{file.name}: scores of {file.video_ids[worst]} sum up to {sums[worst]:g}, but'
        ' probabilities of single-label videos must sum up to 1; for logits give'
        f' {file.name}:softmax'
      )


def _listed(names: Collection[str]) -> str:
  shown = [shortened(str(name), _LONGEST_NAME) for name in sorted(names)[:_SHOWN]]
  return f'{len(names)} ({", ".join(shown)}{", …" if len(names) > _SHOWN else ""})'
