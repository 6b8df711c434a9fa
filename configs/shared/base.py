"""All fields of a config with their defaults and reasons; experiments change some.

"Ours" marks our own choices where the papers give nothing. PA3D leaves open map size,
frame sampling, augmentation, momentum, schedule, nonlinearities and how views are
averaged. This file is not an experiment: give `--config` one of the files in configs/.

`--print_config` prints every field with the comment beside or above it. If an experiment
changes a field, it first prints the comment beside or above the change: the source.
"""

from __future__ import annotations

import ml_collections


def base_config() -> ml_collections.ConfigDict:
  """The defaults, unlocked, for an experiment's `get_config` to change and lock."""
  return ml_collections.ConfigDict(
    {
      # All randomness (initial parameters, order, frames, augmentation, dropout)
      # follows from this number.
      'seed': 0,
      'data': {
        **_poses(),
        **_splits(),
        **_model_input(),
        **_frames_and_people(),
        **_maps(),
        **_loading(),
      },
      'augment': _augment(),
      'optimizer': _optimizer(),
      'train': _train(),
      'eval': _eval(),
      # An ensemble: for each member, by name, the fields that differ from this config;
      # a `model` with a name replaces the model. Empty for a single model. Ours; see
      # configs/shared/ensemble.py.
      'members': {},
    }
  )


def _poses() -> dict:
  """Which data set, and the poses that it is made from."""
  return {
    'dataset': '',  # a name in input_pipeline/catalog/protocols.py
    # Stored form: 'keypoints', 'heatmaps' (the papers' form), or 'potion', which sums
    # the frames up at export.
    'representation': 'keypoints',
    'data_dir': '~/pose_action_data',  # folder of exported data sets
    # Format of the poses, a name in input_pipeline/readers; '' is the data set's own.
    'format': '',
    # File or folder of the poses, read if the data set has not been exported yet; with
    # `annotations`, several separated by commas.
    'poses': '',
    # Folder of the data set's official annotations, if poses lack classes or splits.
    'annotations': '',
    # Skeleton of the poses if their format names none; '' is the data set's own.
    'skeleton': '',
    # Size of the poses' frames in pixels, '1280x720' (WIDTHxHEIGHT) or
    # 'height:720,width:1280', if the files do not contain it.
    'frame_size': '',
    'max_people': 0,  # most people kept per frame; 0 is the default, 5
    'per_person': False,  # one clip per person of a video: VIDEO#0, VIDEO#1, ...
    # Positions are fractions of the frame, 0 to 1, in a format that holds pixels.
    'normalized': False,
    # Joints are in the skeleton's order, even if the files name them otherwise.
    'trust_order': False,
    # Cuts whole videos into training windows, for models of timelines
    # (docs/timelines.md).
    'segments': {
      # When each action begins and ends: a file of ELAN (.eaf), or a CSV of BORIS, VIA 3
      # or with the columns video, person, start, stop, label. '' cuts nothing.
      'file': '',
      # The tiers that are read of an ELAN file, separated by commas; '' for all.
      'tiers': '',
      'window': '2s',  # ours: length of a window; '30' is frames, '2s' seconds
      'stride': '1s',  # ours: from one window to the next in a long segment
      'background': '',  # class of the time without a segment; '' leaves it out
    },
    # Frames per second where neither the files nor videos.csv state them; 0 is unknown.
    'fps': 0.0,
  }


def _splits() -> dict:
  """Which clips are trained on, select the checkpoint, and are tested."""
  return {
    'train_split': '',  # the data set's name for it
    'test_split': '',  # evaluated only after training; '' for none
    # This fold of the training clips is held out to select the checkpoint. The papers
    # select on the test split or do not say. Rule: input_pipeline/catalog/holdout.py.
    'validation_fold': 0,
    'validation_folds': 5,  # ours: number of folds
    # Ours: version of that rule, 2, or 1 for the folds of earlier releases. 0 is the rule
    # of the run in the workdir, and the newest for a new run.
    'fold_rule': 0,
    # Clips of one group are never divided between training and validation. 'auto': the
    # data set's groups (column group in videos.csv), or names that show the source
    # video; 'none'; 'column'; a rule for names or a regular expression
    # (input_pipeline/catalog/groups.py).
    'group_by': 'auto',
    # 'test' selects the checkpoint and lowers the learning rate by the test split, as
    # published results do; such results are then marked as optimistic.
    'validate_on': 'held_out',
  }


def _model_input() -> dict:
  """Which modalities the model reads, and how time is encoded in them."""
  return {
    # Pose modalities (PA3D Sec. 3.1): 'joints', 'parts', 'features', and their temporal
    # differences 'joints_diff', 'parts_diff', 'features_diff' (Sec. 4.1). The model
    # concatenates the representations of several (⊕ in Table 5).
    'modalities': ('joints',),
    # Number of 'features' maps in the data set; 128 is PA3D's (Sec. 4), from
    # conv4_4_CPM.
    'num_features': 128,
    # 'frames': maps of T frames. 'potion': the whole video in maps whose channels
    # encode time (JMRN Sec. 3; also the PoTion baseline). 'trajectories': positions and
    # scores of the joints at T moments, from keypoints.
    'encoding': 'frames',
    # How PoTion maps are made, for the encoding 'potion'.
    'potion': {
      'channels': 3,  # C, colours for time; JMRN Sec. 3
      # 'exact': PoTion's linear weights; 'integer_break': rounded, as in JMRN's
      # official code.
      'weights': 'exact',
      # Normalisation of the sum over frames: 'area' divides by the sum of weights
      # (official code's default; not in the paper), 'max' by each map's maximum, 'none'
      # leaves the sum.
      'normalization': 'area',
      'variant': 'U',  # PoTion's 'U', 'I' or 'N', or 'UIN' for all three
    },
    # How trajectories are made, for the encoding 'trajectories'.
    'trajectories': {
      # 'clip': minus the clip's mean position, over its scale before augmentation
      # (ours). 'frame': from the canvas's centre, in short sides of the frame (like
      # DD-Net's input).
      'normalization': 'clip',
      # Between the frames read and the T moments: 'linear' (ours), or 'cubic', DD-Net's
      # spline, which cannot follow augmentation of time.
      'resampling': 'linear',
      # The median of each coordinate over 3 frames, before resampling (DD-Net's PyTorch
      # port; its Keras code filters nothing).
      'median_filter': False,
    },
    'background': True,  # the model reads the background map, if there is one
  }


def _frames_and_people() -> dict:
  """Which frames and people of a clip are read."""
  return {
    'num_frames': 4,  # T, frames per clip; for sampling 'whole' the maximum
    # With sampling 'whole': this many frames of a clip at most reach the device, evenly
    # spread, and the T frames are taken from them there, so that augmentation can crop
    # and bend time. 0: the host takes the T frames (ours).
    'read_frames': 0,
    # Ours: 'segments', one frame per equal segment, so that a clip spans the action; or
    # 'consecutive'; or 'whole', every frame (evenly spaced ones of longer videos).
    'sampling': 'segments',
    'max_persons': 2,  # ours: a second person matters, a crowd is noise
  }


def _maps() -> dict:
  """How maps are rendered, and cut from stored ones; lengths in map cells."""
  return {
    # Cells on a frame's short side; 64 as in JMRN's official code; PA3D gives none.
    'map_short_side': 64,
    # Canvas (height, width) in cells; this is 320×240 video with 64 on its short side.
    'map_size': (64, 86),
    # Standard deviation of a joint's Gaussian in cells; ours: at 64 cells about as wide
    # as in OpenPose's maps.
    'map_sigma': 2.0,
    # Half width of part affinity fields, cells from the limb's axis; ours: OpenPose's 1
    # cell in 46.
    'part_width': 1.5,
    'crop': 'frame',  # as in the papers; 'person' fits the people to the canvas (ours)
    # Stored maps only: training crops the canvas at random from a larger map (JMRN's
    # official code, for HMDB and Charades).
    'random_crop': False,
    # Stored maps only: a smaller map is stretched to the canvas (JMRN's official code,
    # for HMDB and Charades).
    'stretch': False,
  }


def _loading() -> dict:
  """How batches are drawn and read."""
  return {
    # 'inverse_frequency' samples classes uniformly instead of clips; epoch length is
    # unchanged. Single-label data sets only (ours).
    'balance': '',
    'read_threads': 2,  # threads that read ahead
  }


def _augment() -> dict:
  """Augmentation, for every model and representation (docs/training.md)."""
  return {
    # The clip as a whole; in this order, about the map's centre: flip, aspect, shear,
    # rotation, scale, shift.
    'flip_probability': 0.5,  # ours; PA3D names no augmentation
    'aspect': (1.0, 1.0),  # ours; range of the random factor of x alone
    'shear': 0.0,  # ours; largest shift of x per cell of y, in either direction
    'rotation': 0.0,  # ours; largest turn in either direction, in degrees
    'scale': (0.9, 1.1),  # ours; range of the random factor
    'shift': 0.05,  # ours; maximum in each direction, as a share of the map's side
    # Ours: standard deviation of each joint's displacement, drawn for each joint and
    # frame, as a share of the map's side.
    'joint_noise': 0.0,
    # Ours: joints that are missing in a whole clip. A share of 0 is off.
    'joint_masking': {
      'probability': 1.0,  # share of the clips with missing joints
      'share': 0.0,  # probability of each joint to be missing in them; one always stays
    },
    # Ours; keypoints only: arms, legs and head turn and stretch about the shoulder, hip
    # and neck, wherever these are in each frame.
    'limbs': {
      'turn': 0.0,  # largest turn in either direction, in degrees
      'stretch': (1.0, 1.0),  # range of the random factor of a limb's length
    },
    # Ours: which moments of a clip are read; needs `data.read_frames`.
    'time': {
      # (smallest, largest) share of the clip that is read; (1, 1) is off.
      'crop': (1.0, 1.0),
      'crop_probability': 1.0,  # share of the clips that are cropped
      # Largest γ: a clip is read at moments u^γ, with γ log-uniform in 1/tempo..tempo;
      # 1 is off.
      'tempo': 1.0,
      # (smallest, largest) share of the frames that are missing, in one stretch; (0, 0)
      # is off.
      'mask_share': (0.0, 0.0),
      'mask_probability': 1.0,  # share of the clips with such a stretch
    },
    'views': 1,  # views per clip in a batch, augmented separately; JMRN's loss needs 2
    # Mixup (Zhang et al., ICLR 2018): every clip of a batch is mixed with another, input
    # and label, by one share per batch from Beta(mixup, mixup); 0 is off. Not with the
    # contrastive loss (ours).
    'mixup': 0.0,
    # Pose-aware augmentation, JMRN Sec. 3.2, in map cells and degrees; 0 is off.
    'pose_aware': {
      'global_shift': 0.0,  # β, largest shift of the whole pose, in cells
      'group_shift': 0.0,  # γ, largest shift of head, arms and legs, each by itself
      # Largest rotation of each group about the joint that it hangs from, in degrees.
      'rotation': 0.0,
      # Ours: with these, a group's motion is any affine map, of which JMRN's shift and
      # rotation are the rigid part. Range of each group's factor about the same joint:
      'scale': (1.0, 1.0),
      'shear': 0.0,  # ours; largest shift of x per cell of y, in either direction
      'unit': 'group',  # or 'joint': each joint by itself, which is not pose-aware
      # Shifts are whole cells from 1 to one less than the largest, as in the official
      # code; False: any shift up to the largest.
      'whole_cells': True,
    },
  }


def _optimizer() -> dict:
  """Optimizer and learning rate."""
  return {
    # Or 'adam'; or 'adamw', whose weight decay is decoupled from the gradient.
    'name': 'sgd',
    'learning_rate': 0.01,  # PA3D Sec. 4, before warm-up, schedule and plateaus
    'momentum': 0.9,  # ours: the paper says "the standard SGD"
    'nesterov': False,  # Nesterov momentum
    'weight_decay': 5e-4,  # ours: usual for networks of this size
    'clip_norm': 0.0,  # largest global norm of the gradient; 0 does not clip
    # Or 'cosine', or 'steps'; PA3D gives only the initial rate.
    'schedule': 'constant',
    'warmup_epochs': 0.0,  # epochs over which the rate rises linearly at the start
    'decay_epochs': (),  # for 'steps': the epochs at which the rate falls
    'decay_factor': 0.1,  # for 'steps': multiplies the rate
    # Lower the rate when this figure on the held-out clips stops improving (JMRN):
    # 'accuracy' or 'loss', at each evaluation; or 'train_loss', the training clips' mean
    # loss in each epoch (DD-Net's port). '' is off.
    'plateau': '',
    'plateau_factor': 0.1,  # multiplies the rate on a plateau
    'plateau_patience': 5,  # a drop at patience + 1 bad evaluations, same as in PyTorch
    # Evaluations (epochs for 'train_loss') after a drop that do not count as bad ones.
    'plateau_cooldown': 0,
    'plateau_floor': 0.0,  # plateaus do not lower the rate below this, before schedules
  }


def _train() -> dict:
  """Batches, losses, checkpoints."""
  return {
    # Clips in a batch, on all devices together. 0: all training clips, or the most that
    # divide evenly over the devices.
    'batch_size': 32,
    # Gradient accumulation: the batch is divided into this many parts, one after another
    # in one update, which needs less memory. BatchNorm and the contrastive loss then see
    # one part at a time; all else is the same (ours).
    'micro_batches': 1,
    # The backward pass computes the activations between a network's layers again, which
    # needs less memory and more time on accelerators, and nothing on CPUs; the values are
    # the same. It does not change JMRN's encoder on windows (docs/training.md).
    'rematerialize': False,
    'epochs': 100,  # passes over the training clips
    'loss': 'cross_entropy',  # or 'binary_cross_entropy', for multi-label clips
    'label_smoothing': 0.0,  # share of each label spread over all classes
    # 'inverse_frequency' weighs classes by 1 / frequency in the training clips, with a
    # mean of 1; for multi-label clips, the classes that a clip has (ours).
    'class_weights': '',
    # For clips with one label: τ · log(share of the training clips) is added to each
    # class's logit in the loss, so that predictions favour no class for being frequent
    # (Menon et al., ICLR 2021); 0 leaves it out, 1 is the balanced softmax.
    'logit_adjustment': 0.0,
    # The joint-contrastive loss, JMRN Eq. 1 and 2.
    'contrastive': {
      'weight': 0.0,  # λ; 0 leaves the loss out
      'temperature': 0.1,  # τ
      'ramp_start_epoch': 0,  # epoch from which λ grows from 0 (official code)
      'ramp_epochs': 0,  # epochs over which λ grows to its full value (official code)
      'reduction': 'mean',  # over anchors and joints, as in the official code; or 'sum'
      # 'shared_label': clips that share a label; 'weighted': weighted by the share of
      # labels in common.
      'positives': 'shared_label',
    },
    # Late dropout: the model's dropout is off in the epochs before this one; 0 is from
    # the start (ours).
    'dropout_from_epoch': 0,
    # Moving average of the parameters, kept beside them: after step s it is
    # d · average + (1 - d) · parameters with d = min(average_decay, (1 + s) / (10 + s)).
    # 0 keeps none; 0.99 is usual for small data sets (ours).
    'average_decay': 0.0,
    # Workdir of another run, whose best checkpoint initialises `init_modules` wherever
    # arrays have equal shapes (PA3D Sec. 4.1: the action CNN from Charades for HMDB).
    'init_from': '',
    'init_modules': ('action_cnn',),  # modules to initialise from `init_from`
    'state_sharding': 'replicated',  # or 'fsdp': large arrays are sharded over devices
    # On CPU, use XLA's experimental kernels for convolutions and sums: training steps
    # take 0.5 to 0.65 of the time, and results differ only in float32 rounding
    # (pose_action/runtime/compiler_options.py). No effect on other devices.
    'fast_cpu_convolutions': True,
    # With these kernels: optimise training steps less, so that they compile in two thirds
    # of the time, for runs of a minute or two. Differs in float32 rounding.
    'quick_compilation': False,
    'log_every_steps': 20,  # steps between two lines of progress
    'eval_every_epochs': 5,  # evaluates on the held-out clips, then saves a checkpoint
    # Further checkpoints between evaluations, so that a killed run loses little; 0 for
    # none.
    'checkpoint_every_steps': 0,
  }


def _eval() -> dict:
  """Evaluation."""
  return {
    'views': 10,  # clips of T frames per video; PA3D Sec. 4.1
    'average': 'probabilities',  # ours: the paper averages "predictions"; or 'logits'
    # Averages also over the mirror image of each view, left and right joints swapped,
    # in evaluations and predictions (ours). Not for classes that differ by their side.
    'mirror': False,
    # What validation, the best checkpoint, the headline result and predictions use: the
    # 'last' parameters, or their 'average' (train.average_decay). Ours: fixed before
    # training, because choosing the better one afterwards would be optimistic.
    'weights': 'last',
    'batch_size': 16,  # videos at a time, each with all its views
    # Predictions of a run with held-out clips use the temperature fitted on them (Guo et
    # al. 2017). Evaluations and their scores do not. Ours: ensembles always do.
    'calibrate': False,
  }
