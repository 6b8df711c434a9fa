"""Files of scores, one a model, read and matched by video and class.

Axes: `s` stream, one model's scores; `b` clip, `k` class. Once read, scores are float64
probabilities.
"""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Collection, Sequence

import numpy as np
import scipy.special
from jaxtyping import Float, Int, UInt8

_SHOWN = 5  # Names that an error lists.
_ROUNDING = 1e-4  # Of float32 probabilities above 1.
_SUM_ROUNDING = 1e-2  # Of the sum of a clip's probabilities, float16 included.

_FILE = re.compile(r'(?P<path>.+\.npz)(:(?P<function>\w+))?')
_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
  'softmax': lambda logits: scipy.special.softmax(logits, axis=1),
  'sigmoid': scipy.special.expit,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Scores:
  """One model's scores of videos, checked when made.

  Attributes:
    name: of the file, for messages.
    video_ids: `b` of them, none twice.
    probabilities: float64 `[b, k]`.
    labels: int32 `[b]` class indices, or uint8 `[b, k]`, multi-hot; None where unknown.
    class_names: `k` of them, none twice; None where unknown.

  Raises:
    ValueError: naming the file, the field, what it holds and what it must hold.
  """

  name: str
  video_ids: np.ndarray
  probabilities: Float[np.ndarray, 'b k']
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'] | None = None
  class_names: np.ndarray | None = None

  def __post_init__(self):
    (n, k), scores = self.probabilities.shape, self.probabilities
    if scores.min() < 0 or scores.max() > 1 + _ROUNDING:
      raise self._error(
        f'scores lie in {scores.min():g}..{scores.max():g}, but probabilities must be in'
        f' 0..1; where they are logits give {self.name}:softmax, or :sigmoid for several'
        ' labels a video'
      )
    self._check_names('video_ids', self.video_ids, n)
    if self.class_names is not None:
      self._check_names('class_names', self.class_names, k)
    if self.labels is not None:  # Frozen for everyone else.
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
      f' 0..{k - 1} of shape ({n},), or 0 and 1 of shape ({n}, {k}); leave them out'
      ' where they are unknown'
    )

  def _check_names(self, field: str, names: np.ndarray, count: int):
    if names.shape != (count,) or names.dtype.kind != 'U':
      raise self._error(
        f'{field} are {names.dtype} of shape {names.shape}, but must be text (numpy'
        f' unicode) of shape ({count},)'
      )
    values, times = np.unique(names, return_counts=True)
    if times.max() > 1:
      raise self._error(f'{field} hold {_listed(values[times > 1])} more than once')

  def _error(self, message: str) -> ValueError:
    return ValueError(f'{self.name}: {message}')


@dataclasses.dataclass(frozen=True, eq=False)
class Streams:
  """Scores of several models, of the same videos and classes in the same order.

  Attributes:
    names: `s` of them, the files.
    video_ids: `b` of them.
    probabilities: float64 `[s, b, k]`.
    labels, class_names: as of `Scores`; None where no file has them.
    notes: what a reader must know of how they were matched.
  """

  names: tuple[str, ...]
  video_ids: np.ndarray
  probabilities: Float[np.ndarray, 's b k']
  labels: Int[np.ndarray, 'b'] | UInt8[np.ndarray, 'b k'] | None
  class_names: np.ndarray | None
  notes: tuple[str, ...] = ()


def read_streams(
  files: Sequence[str], fit_files: Sequence[str] = (), *, allow_missing: bool = False
) -> tuple[Streams, Streams | None]:
  """The streams to fuse and, where there are files for it, those to fit weights on.

  Args:
    files: see `read_scores`; one a stream.
    fit_files: the same models' scores of other videos.
    allow_missing: fuse the videos that all files have; else all must have the same.

  Raises:
    OSError: where a file cannot be opened.
    ValueError: where one is not as it must be, they do not match, or the weights would
      be fitted on a video that is to be fused.
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
  """A file of scores as an evaluation writes it; `labels`, `class_names` may lack.

  Args:
    file: `FILE.npz` of probabilities; of logits `FILE.npz:softmax`, or
      `FILE.npz:sigmoid` where each class is a yes or no.
  """
  parts = _FILE.fullmatch(file)
  if parts is None or parts['function'] not in (None, *_FUNCTIONS):
    raise ValueError(
      f'{file} is no file of scores; give FILE.npz of probabilities, FILE.npz:softmax or'
      ' FILE.npz:sigmoid of logits'
    )
  path, function = parts['path'], parts['function']
  arrays = _arrays(path)
  scores = arrays['scores']
  if scores.ndim != 2 or 0 in scores.shape or scores.dtype.kind not in 'fiu':
    raise ValueError(
      f'{path}: scores are {scores.dtype} of shape {scores.shape}, but must be numbers'
      ' [videos, classes], at least one of each'
    )
  scores = scores.astype(np.float64)
  if not np.isfinite(scores).all():
    raise ValueError(f'{path}: scores hold NaN or infinity; evaluate the model again')
  if function:
    scores = _FUNCTIONS[function](scores)
  labels, class_names = arrays.get('labels'), arrays.get('class_names')
  return Scores(path, arrays['video_ids'], scores, labels, class_names)


def fused_npz(streams: Streams, fused: Float[np.ndarray, 'b k']) -> bytes:
  """Fused scores as a file that `read_scores` reads, less what no stream's file knows."""
  arrays = {
    'video_ids': streams.video_ids,
    'scores': fused.astype(np.float32),
    'labels': streams.labels,
    'class_names': streams.class_names,
  }
  known = {name: array for name, array in arrays.items() if array is not None}
  content = io.BytesIO()
  np.savez_compressed(content, **known)
  return content.getvalue()


def _arrays(path: str) -> dict[str, np.ndarray]:
  try:
    with np.load(path, allow_pickle=False) as content:
      names = ('video_ids', 'scores', 'labels', 'class_names')
      arrays = {name: content[name] for name in names if name in content}
      held = sorted(content)
  # TypeError: a lone array, which is no file of several.
  except (ValueError, TypeError, EOFError, zipfile.BadZipFile, zlib.error) as error:
    raise ValueError(
      f'{path} cannot be read: {error}; it must be written by numpy.savez, of plain'
      ' arrays (text as numpy unicode, not as objects)'
    ) from error
  if missing := [name for name in ('video_ids', 'scores') if name not in arrays]:
    raise ValueError(
      f'{path} holds {held}, but must have {missing}, and may have labels, class_names'
    )
  return arrays


def _check_nothing_leaks(scores: Sequence[Scores], fits: Sequence[Scores]) -> None:
  fused = {name for file in scores for name in file.video_ids}
  for fit in fits:
    if shared := fused & set(fit.video_ids):
      raise ValueError(
        f'{fit.name}, to fit weights on, has videos that are to be fused:'
        f' {_listed(shared)}; fit on held-out training videos'
      )


def _check_class_counts(files: Sequence[Scores]) -> None:
  counts = {file.name: file.probabilities.shape[1] for file in files}
  if len(set(counts.values())) > 1:
    raise ValueError(f'files must score the same classes, but numbers are {counts}')


def _matched(
  files: Sequence[Scores], class_names: np.ndarray | None, allow_missing: bool
) -> Streams:
  """Brings files to the videos and order of the first, and to one order of classes."""
  common = set.intersection(*(set(file.video_ids) for file in files))
  every = set.union(*(set(file.video_ids) for file in files))
  notes = []
  for file in files:
    if lacking := every - set(file.video_ids):
      notes.append(f'{file.name} lacks videos of the others: {_listed(lacking)}')
    if file.class_names is None and class_names is not None:
      notes.append(f'{file.name} has no class names: read in the order of the others')
  if not common or (len(common) < len(every) and not allow_missing):
    raise ValueError(
      f'{"; ".join(notes)}; all files have {len(common)} of {len(every)} videos: give'
      ' scores of the same videos, or fuse those (if any) by --allow_missing'
    )
  video_ids = np.array([name for name in files[0].video_ids if name in common])
  files = [_reordered(file, video_ids, class_names) for file in files]
  labels = _agreed_labels(files)
  if labels is not None and labels.ndim == 1:
    _check_sums(files)
  names = tuple(file.name for file in files)
  probabilities = np.stack([file.probabilities for file in files])
  return Streams(names, video_ids, probabilities, labels, class_names, tuple(notes))


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
  return Scores(file.name, video_ids, probabilities, labels, class_names)


def _columns(file: Scores, class_names: np.ndarray | None) -> Int[np.ndarray, 'k']:
  """Where a file has each of the classes."""
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
      raise ValueError(f'one of {first}, {name} has one label a video, one has several')
    differ = (labels != agreed).reshape(len(labels), -1).any(axis=1)
    if differ.any():
      raise ValueError(
        f'{first} and {name} differ in the labels of'
        f' {_listed(files[0].video_ids[differ])}; they are not of one version of the data'
      )
  return agreed


def _check_sums(files: Sequence[Scores]) -> None:
  for file in files:
    sums = file.probabilities.sum(axis=1)
    worst = np.abs(sums - 1).argmax()
    if abs(sums[worst] - 1) > _SUM_ROUNDING:
      raise ValueError(
        f'{file.name}: scores of {file.video_ids[worst]} sum up to {sums[worst]:g}, but'
        ' probabilities of the one class of a video sum up to 1; where they are logits'
        f' give {file.name}:softmax'
      )


def _listed(names: Collection[str]) -> str:
  shown = [str(name) for name in sorted(names)[:_SHOWN]]
  return f'{len(names)} ({", ".join(shown)}{", …" if len(names) > _SHOWN else ""})'
