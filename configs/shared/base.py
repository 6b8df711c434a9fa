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
    'dataset': '',  # a name of input_pipeline/catalog/protocols.py
    # What is stored: 'keypoints', 'heatmaps' (the papers' own form), or 'potion', whose
    # frames are summed up once.
    'representation': 'keypoints',
    'data_dir': '~/pose_action_data',  # where exported data sets live
    # Where poses are read from when the data set is not there yet: a format of
    # input_pipeline/readers (empty: the data set's own) and its file or folder.
    'format': '',
    'poses': '',
    # The folder of the data set's official annotation, for poses that know neither
    # classes nor splits; `poses` may then be several, with a comma between.
    'annotations': '',
    'skeleton': '',  # of a format that names no layout; empty: the data set's own
    'train_split': '',
    'test_split': '',  # touched once, at the end; empty: there is none
    # A fold of the training clips is held out to select the checkpoint; the papers
    # select on the test split or do not say. Rule: input_pipeline/catalog/holdout.py.
    'validation_fold': 0,
    'validation_folds': 5,
    # 'test' selects the checkpoint and lowers the rate by the test split instead, as
    # published results do; its figures are then marked as optimistic.
    'validate_on': 'held_out',
    # Modalities of pose (PA3D Sec. 3.1), of 'joints', 'parts', 'features', and their
    # differences in time, 'joints_diff' and so on (Sec. 4.1). Of several the model
    # concatenates the representations (⊕ of Table 5).
    'modalities': ('joints',),
    # Of 'features' in the data set; 128 is PA3D's (Sec. 4), of conv4_4_CPM.
    'num_features': 128,
    # What the model reads: 'frames', maps of T frames, or 'potion', the whole video
    # summed up into maps whose channels say when (JMRN Sec. 3; also PoTion's baseline).
    'encoding': 'frames',
    'potion': {
      'channels': 3,  # C; JMRN Sec. 3
      # PoTion's linear weights; or 'integer_break', as JMRN's official code rounds them.
      'weights': 'exact',
      # Of the sum over frames: 'area' divides by the weights (official code's default,
      # the paper does not say), 'max' by each map's maximum, 'none' leaves it.
      'normalization': 'area',
      'variant': 'U',  # of PoTion: 'U', 'I', 'N', or 'UIN', all three
    },
    'num_frames': 4,  # T; of sampling 'whole' the most that are read
    # Ours: 'segments', a clip spans the action; or 'consecutive'; or 'whole', every
    # frame (of a longer video `num_frames` evenly spread ones).
    'sampling': 'segments',
    'max_persons': 2,  # ours: a second person matters, a crowd is noise
    # Maps, in cells. 64 is the short side of JMRN's official code; PA3D gives none.
    'map_short_side': 64,
    'map_size': (64, 86),  # the canvas (h, w): 320×240 video with 64 on its short side
    'map_sigma': 2.0,  # ours: at 64 cells about what OpenPose's maps show
    # Part affinity fields, cells from a limb's axis: ours, OpenPose's 1 of 46 cells.
    'part_width': 1.5,
    'crop': 'frame',  # as the papers; 'person' fits the people to the canvas (ours)
    'background': True,  # whether the model sees the background map, where there is one
    # Stored maps only, as JMRN's official code treats HMDB and Charades: training takes
    # the canvas from a random place of a larger map; a smaller one is stretched to it.
    'random_crop': False,
    'stretch': False,
    # 'inverse_frequency' draws each class equally often, the clips of each in turn, and
    # not each clip; an epoch stays as long. Of one label a clip alone. Ours.
    'balance': '',
    'read_threads': 2,
  }


def _augment() -> dict:
  return {
    # Ours; PA3D names no augmentation. The same for all frames of a clip.
    'flip_probability': 0.5,
    'scale': (0.9, 1.1),
    'shift': 0.05,  # of the map's side, each way
    'views': 1,  # of each clip in a batch, augmented apart; JMRN's loss takes 2
    # JMRN Sec. 3.2, in map cells and degrees; 0 is off.
    'pose_aware': {
      'global_shift': 0.0,  # β, of the whole pose
      'group_shift': 0.0,  # γ, of head, arms and legs, each on its own
      'rotation': 0.0,  # of each group about the joint it hangs from
      'unit': 'group',  # or 'joint', each joint on its own: not pose-aware
      # Whole cells from 1 to one less than the largest, as the official code draws
      # them; False: any shift up to the largest.
      'whole_cells': True,
    },
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
    'loss': 'cross_entropy',  # or 'binary_cross_entropy', for clips of several labels
    'label_smoothing': 0.0,
    # 'inverse_frequency' weighs rare classes more, as often as training clips have them,
    # with a mean of 1; of clips of several labels the classes that a clip has. Ours.
    'class_weights': '',
    # The joint-contrastive loss, JMRN Eq. 1 and 2.
    'contrastive': {
      'weight': 0.0,  # λ; 0 leaves it out
      'temperature': 0.1,  # τ
      # λ grows from 0 over so many epochs from this one on (official code).
      'ramp_start_epoch': 0,
      'ramp_epochs': 0,
      'reduction': 'mean',  # over anchors and joints, as the official code; or 'sum'
      # Clips that share a label; or 'weighted', by the share of labels in common.
      'positives': 'shared_label',
    },
    # Another run's workdir, of whose best checkpoint these modules begin, where their
    # arrays have the same shapes (PA3D Sec. 4.1: the action CNN, of Charades for HMDB).
    'init_from': '',
    'init_modules': ('action_cnn',),
    'state_sharding': 'replicated',  # or 'fsdp': large arrays divided over devices
    # On CPU: XLA's experimental matrix kernels for convolutions. JMRN's step takes 0.6 of
    # the time (docs/performance.md); PA3D's gains little. No effect elsewhere.
    'fast_cpu_convolutions': False,
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
