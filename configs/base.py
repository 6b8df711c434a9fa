"""Every field of a config, its default and its reason; experiments change what differs.

A field marked "ours" is one that the papers leave open (PA3D says nothing of map size,
frame sampling, augmentation, momentum, schedule, non-linearities or how views are
averaged). Not an experiment itself: give `--config` one of the other files here.
"""

from __future__ import annotations

import ml_collections


def base_config() -> ml_collections.ConfigDict:
  """The defaults, unlocked, for an experiment's `get_config` to change and lock."""
  return ml_collections.ConfigDict(
    {
      # Everything random (initial parameters, order, frames, augmentation, dropout)
      # follows from it.
      'seed': 0,
      'data': _data(),
      'augment': _augment(),
      'optimizer': _optimizer(),
      'train': _train(),
      'eval': _eval(),
    }
  )


def _data() -> dict:
  return {
    'dataset': '',  # a name of input_pipeline/datasets/protocols.py
    'representation': 'keypoints',  # or 'heatmaps', the papers' own form
    'data_dir': '~/pose_action_data',  # where exported data sets live
    # Where poses are read from when the data set is not there yet: a format of
    # input_pipeline/readers (empty: the data set's own) and its file or folder.
    'format': '',
    'poses': '',
    'skeleton': '',  # of a format that names no layout; empty: the data set's own
    'train_split': '',
    'test_split': '',  # touched once, at the end; empty: there is none
    # A fold of the training clips is held out to select the checkpoint; the papers
    # select on the test split or do not say. Rule: input_pipeline/datasets/holdout.py.
    'validation_fold': 0,
    'validation_folds': 5,
    'num_frames': 4,  # T
    'sampling': 'segments',  # ours: a clip spans the action; or 'consecutive'
    'max_persons': 2,  # ours: a second person matters, a crowd is noise
    # Maps, in cells. 64 is the short side of JMRN's official code; PA3D gives none.
    'map_short_side': 64,
    'map_size': (64, 86),  # the canvas (h, w): 320×240 video with 64 on its short side
    'map_sigma': 2.0,  # ours: at 64 cells about what OpenPose's maps show
    'crop': 'frame',  # as the papers; 'person' fits the people to the canvas (ours)
    'read_threads': 2,
  }


def _augment() -> dict:
  return {
    # Ours; PA3D names no augmentation. The same for all frames of a clip.
    'flip_probability': 0.5,
    'scale': (0.9, 1.1),
    'shift': 0.05,  # of the map's side, each way
  }


def _optimizer() -> dict:
  return {
    'name': 'sgd',
    'learning_rate': 0.01,  # PA3D Sec. 4
    'momentum': 0.9,  # ours: "the standard SGD"
    'nesterov': False,
    'weight_decay': 5e-4,  # ours: usual for networks of this size
    'clip_norm': 0.0,  # largest global norm of the gradient; 0: not clipped
    'schedule': 'constant',  # PA3D gives only the initial rate; or 'cosine', 'steps'
    'warmup_epochs': 0.0,
    'decay_epochs': (),  # of 'steps'
    'decay_factor': 0.1,  # of 'steps'
    # Drop on plateau (JMRN), watched on the held-out clips: '' is off, or 'accuracy',
    # 'loss'. Patience is in evaluations.
    'plateau': '',
    'plateau_factor': 0.1,
    'plateau_patience': 5,
  }


def _train() -> dict:
  return {
    'batch_size': 32,  # of all devices together
    'epochs': 100,
    'label_smoothing': 0.0,
    'state_sharding': 'replicated',  # or 'fsdp': large arrays divided over devices
    'log_every_steps': 20,
    'eval_every_epochs': 5,  # on the held-out clips; a checkpoint follows
    # Checkpoints between evaluations, so that a killed run loses little; 0: none.
    'checkpoint_every_steps': 0,
  }


def _eval() -> dict:
  return {
    'views': 10,  # PA3D Sec. 4.1: clips of T frames a video
    'average': 'probabilities',  # ours: "predictions" are fused; or 'logits'
    'batch_size': 16,  # videos at a time, each with all its views
  }
