"""The stick figures' motions: each action as key postures, performed over time.

A motion is defined for a right-handed figure without tempo or character; `perform` draws
these from a random generator. The angles are our choice, judged by eye.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Float

from input_pipeline.catalog.stick_actions.figure import (
  HINGES,
  LIFT,
  PARAMETERS,
  mirror,
  posture,
)

# How takes differ from each other (standard deviations).
_CHARACTER_DEGREES = 4.0  # per angle, constant throughout a clip
_KEY_DEGREES = 6.0  # per angle and key posture
_SWAY_DEGREES = 1.5  # slow variation over time
_IDLE_DEGREES = 7.0  # the same for an idle person
_TEMPO = 0.3  # logarithm of each transition's duration

Key = tuple[float, Float[np.ndarray, ' a']]


@dataclasses.dataclass(frozen=True)
class Motion:
  """Key postures, each with the relative time to reach it from the previous one.

  Played as `start`, then `cycle` a random number of times within `repeats` (both ends
  included), then `end`.
  """

  start: tuple[Key, ...]
  cycle: tuple[Key, ...] = ()
  end: tuple[Key, ...] = ()
  repeats: tuple[int, int] = (1, 1)


def perform(
  action: str, num_frames: int, rng: np.random.Generator
) -> Float[np.ndarray, 't a']:
  """Performs an action from `MOTIONS` once: postures over time.

  The action may begin late and end early; the figure is still before and after.
  """
  durations, keys = _draw_keys(MOTIONS[action], rng)
  begin, end = rng.uniform(0, 0.25), rng.uniform(0.75, 1)
  progress = np.clip((np.linspace(0, 1, num_frames) - begin) / (end - begin), 0, 1)
  progress **= np.exp(rng.normal(0, 0.2))
  times = np.cumsum(durations) / durations.sum()
  postures = _ease_between(times, keys, progress)
  return _finish(postures, _SWAY_DEGREES, rng)


def idle(num_frames: int, rng: np.random.Generator) -> Float[np.ndarray, 't a']:
  """Postures of a person who stands and fidgets."""
  return _finish(np.tile(_NEUTRAL, (num_frames, 1)), _IDLE_DEGREES, rng)


def slow_noise(
  num_frames: int, shape: tuple[int, ...], rng: np.random.Generator, waves: int = 4
) -> Float[np.ndarray, ' t *shape']:
  """Noise with mean 0 and deviation 1: three sines with at most `waves` periods each."""
  frequency = rng.uniform(0.5, waves, (3, 1, *shape))
  phase = rng.uniform(0, 1, (3, 1, *shape))
  time = np.linspace(0, 1, num_frames).reshape(-1, *[1] * len(shape))
  return np.sqrt(2 / 3) * np.sin(2 * np.pi * (frequency * time + phase)).sum(axis=0)


def _draw_keys(
  motion: Motion, rng: np.random.Generator
) -> tuple[Float[np.ndarray, ' k'], Float[np.ndarray, 'k a']]:
  """Durations and key postures for one take."""
  repeats = rng.integers(*motion.repeats, endpoint=True)
  durations, postures = zip(
    *motion.start, *motion.cycle * int(repeats), *motion.end, strict=True
  )
  durations = np.array(durations) * np.exp(rng.normal(0, _TEMPO, len(durations)))
  durations[0] = 0  # The motion begins at the first key.
  amplitude = rng.uniform(0.75, 1.15)
  postures = _NEUTRAL + amplitude * (np.stack(postures) - _NEUTRAL)
  return durations, postures + _angle_noise(_KEY_DEGREES, len(postures), rng)


def _ease_between(
  times: Float[np.ndarray, ' k'],
  keys: Float[np.ndarray, 'k a'],
  progress: Float[np.ndarray, ' t'],
) -> Float[np.ndarray, 't a']:
  """Interpolates between keys, slowly at both ends of each transition."""
  position = np.interp(progress, times, np.arange(len(times)))
  before = np.minimum(position.astype(int), len(times) - 2)
  share = (position - before)[:, None]
  share = share**2 * (3 - 2 * share)
  return (1 - share) * keys[before] + share * keys[before + 1]


def _finish(
  postures: Float[np.ndarray, 't a'], sway_degrees: float, rng: np.random.Generator
) -> Float[np.ndarray, 't a']:
  """Adds character and sway, limits elbows and knees, and chooses the hand."""
  sway = sway_degrees * slow_noise(len(postures), (len(PARAMETERS),), rng)
  sway[:, LIFT] = 0
  postures = postures + _angle_noise(_CHARACTER_DEGREES, 1, rng) + sway
  postures[:, HINGES] = postures[:, HINGES].clip(0, 150)
  return mirror(postures) if rng.random() < 0.5 else postures


def _angle_noise(
  degrees: float, count: int, rng: np.random.Generator
) -> Float[np.ndarray, 'count a']:
  noise = rng.normal(0, degrees, (count, len(PARAMETERS)))
  noise[:, LIFT] = 0
  return noise


def _key(duration: float, **values: float) -> Key:
  """A key whose posture is neutral except for the given parameters."""
  given = posture(values)
  names = posture(dict.fromkeys(values, 1.0)) > 0
  return duration, np.where(names, given, _NEUTRAL)


def _other_side(*keys: Key) -> tuple[Key, ...]:
  return tuple((duration, mirror(vector)) for duration, vector in keys)


_NEUTRAL = posture(
  {
    'shoulder_abduction': 9,
    'elbow': 14,
    'hip_flexion': 2,
    'hip_abduction': 3,
    'knee': 4,
  }
)
_STRIDE = (
  _key(
    1,
    right_hip_flexion=30,
    right_knee=6,
    left_hip_flexion=-22,
    left_knee=18,
    right_shoulder_flexion=-26,
    left_shoulder_flexion=30,
    left_elbow=30,
    lean=4,
  ),
  _key(
    1,
    right_hip_flexion=3,
    right_knee=8,
    left_hip_flexion=18,
    left_knee=62,
    lean=4,
  ),
)

MOTIONS: dict[str, Motion] = {
  'sit': Motion(
    start=(
      _key(0),
      _key(1, lean=38, hip_flexion=55, knee=72, shoulder_flexion=40, elbow=20),
      _key(1, lean=2, hip_flexion=92, knee=90, shoulder_flexion=32, elbow=50),
    ),
  ),
  'pick_up': Motion(
    start=(
      _key(0),
      _key(
        1.2, lean=70, hip_flexion=62, knee=92, shoulder_flexion=76, elbow=8, nod=-20
      ),
      _key(1.2, lean=-8, shoulder_flexion=38, elbow=85, shoulder_inward=12),
    ),
  ),
  'push': Motion(
    start=(
      _key(
        0,
        lean=-8,
        left_hip_flexion=28,
        left_knee=14,
        right_hip_flexion=2,
        right_knee=22,
        shoulder_flexion=0,
        elbow=125,
      ),
      _key(
        1,
        lean=30,
        left_hip_flexion=42,
        left_knee=46,
        right_hip_flexion=-34,
        right_knee=6,
        shoulder_flexion=118,
        elbow=8,
        nod=-15,
      ),
    ),
  ),
  'wave': Motion(
    start=(_key(0),),
    cycle=(
      _key(1, right_shoulder_abduction=135, right_shoulder_inward=-90, right_elbow=85),
      _key(1, right_shoulder_abduction=118, right_shoulder_inward=-90, right_elbow=10),
    ),
    end=(_key(1.3),),
    repeats=(2, 4),
  ),
  'clap': Motion(
    start=(_key(0),),
    cycle=(
      _key(
        1,
        shoulder_flexion=62,
        shoulder_abduction=45,
        shoulder_inward=-10,
        elbow=45,
      ),
      _key(
        1,
        shoulder_flexion=58,
        shoulder_abduction=6,
        shoulder_inward=50,
        elbow=65,
      ),
    ),
    end=(_key(1.3),),
    repeats=(3, 5),
  ),
  'jump': Motion(
    start=(_key(0),),
    cycle=(
      _key(1, lean=42, hip_flexion=62, knee=98, shoulder_flexion=-35),
      _key(0.9, lift=0.28, shoulder_flexion=165, knee=12, lean=-4),
      _key(0.9, lean=34, hip_flexion=50, knee=82, shoulder_flexion=45),
    ),
    end=(_key(0.9),),
    repeats=(1, 2),
  ),
  'walk': Motion(
    start=(_key(0),),
    cycle=(*_STRIDE, *_other_side(*_STRIDE)),
    end=(_key(1),),
    repeats=(1, 3),
  ),
  'kick': Motion(
    start=(_key(0),),
    cycle=(
      _key(
        1,
        lean=14,
        right_hip_flexion=-38,
        right_knee=85,
        left_knee=12,
        left_hip_flexion=8,
        left_shoulder_flexion=50,
        right_shoulder_flexion=-35,
        shoulder_abduction=28,
      ),
      _key(
        1,
        lean=-18,
        right_hip_flexion=92,
        right_knee=8,
        left_shoulder_flexion=-30,
        right_shoulder_flexion=50,
        shoulder_abduction=35,
      ),
    ),
    end=(_key(1),),
    repeats=(1, 2),
  ),
  'throw': Motion(
    start=(
      _key(0),
      _key(
        1.2,
        lean=-14,
        twist=-40,
        right_shoulder_abduction=95,
        right_shoulder_inward=-75,
        right_elbow=105,
        left_shoulder_flexion=75,
        left_hip_flexion=45,
        left_knee=50,
      ),
      _key(
        0.9,
        lean=18,
        twist=25,
        right_shoulder_flexion=135,
        right_shoulder_abduction=20,
        right_elbow=15,
        left_hip_flexion=32,
        left_knee=22,
        right_hip_flexion=-28,
        right_knee=15,
      ),
      _key(
        0.7,
        lean=40,
        twist=45,
        right_shoulder_flexion=45,
        right_shoulder_inward=30,
        right_elbow=20,
        left_hip_flexion=36,
        left_knee=36,
        right_hip_flexion=-26,
        right_knee=30,
      ),
      _key(1),
    ),
  ),
}
