"""Figures of one run from its results, and of several runs from their scores."""

import json

import numpy as np
import pytest

from pose_action.sweeps.results import sample_figures

TEST_BEST = {'split': 'test1', 'checkpoint': 'best'}


def entry(split, checkpoint, **figures):
  return {'split': split, 'checkpoint': checkpoint, **figures}


def write_results(folder, evaluations, headline):
  folder.mkdir(exist_ok=True)
  (folder / 'results.json').write_text(
    json.dumps({'headline': headline, 'evaluations': evaluations})
  )


def test_the_file_says_which_evaluation_is_the_headline(tmp_path):
  evaluations = [
    entry('validation', 'best', accuracy=0.9),
    entry('test1', 'last', accuracy=0.6),
    entry('test1', 'best', accuracy=0.625, mean_class_accuracy=0.5, top5=0.75),
  ]
  write_results(tmp_path, evaluations, TEST_BEST)
  assert sample_figures([tmp_path]) == {'accuracy': 62.5, 'mean_class_accuracy': 50}


def test_multi_label_results_give_map(tmp_path):
  write_results(tmp_path, [entry('test1', 'best', mAP=0.25)], TEST_BEST)
  assert sample_figures([tmp_path]) == {'mAP': 25}


def test_a_headline_without_its_evaluation_is_named(tmp_path):
  write_results(tmp_path, [entry('test1', 'last', accuracy=0.6)], TEST_BEST)
  with pytest.raises(ValueError, match=r"results\.json has no evaluation for .*'best'"):
    sample_figures([tmp_path])


def write_run(folder, scores, video_ids=('v0', 'v1', 'v2', 'v3'), *, split='test1'):
  """Writes a run with labels 0, 0, 0, 1; its best checkpoint is its headline."""
  labels = {'v0': 0, 'v1': 0, 'v2': 0, 'v3': 1}
  file = f'scores_{split}_best.npz'
  headline = {'split': split, 'checkpoint': 'best'}
  write_results(folder, [entry(split, 'best', accuracy=0.0, scores=file)], headline)
  np.savez(
    folder / file,
    video_ids=np.array(video_ids),
    scores=np.array([[p, 1 - p] for p in scores]),
    labels=np.array([labels[name] for name in video_ids]),
    class_names=np.array(['jump', 'run']),
  )
  return folder


def test_streams_are_fused_by_video(tmp_path):
  # Each run is right for two videos; the mean of p(jump) is 0.6, 0.7, 0.45, 0.4.
  first = write_run(tmp_path / 'a', [0.9, 0.6, 0.4, 0.6])
  second = write_run(tmp_path / 'b', [0.2, 0.5, 0.8, 0.3], ('v3', 'v2', 'v1', 'v0'))
  # Two of three jumps are right, and so is the only run.
  assert sample_figures([first, second]) == {
    'accuracy': 75.0,
    'mean_class_accuracy': pytest.approx(100 * (2 / 3 + 1) / 2),
  }


def test_streams_of_charades_are_fused_to_its_own_map(tmp_path):
  # v1 has no label and ranks first. So the clips of class 0, v0 and v2, rank second and
  # third, but in Charades first and second. Class 1 has no clips.
  scores = {'a': [0.5, 0.9, 0.3], 'b': [0.7, 0.9, 0.1]}
  for name, class_scores in scores.items():
    file = 'scores_val_best.npz'
    headline = {'split': 'val', 'checkpoint': 'best'}
    figures = {'charades_mAP': 0.0, 'mAP': 0.0, 'scores': file}
    write_results(tmp_path / name, [entry('val', 'best', **figures)], headline)
    np.savez(
      tmp_path / name / file,
      video_ids=np.array(['v0', 'v1', 'v2']),
      scores=np.stack([class_scores, np.full(3, 0.5)], axis=1),
      labels=np.array([[1, 0], [0, 0], [1, 0]], np.uint8),
      class_names=np.array(['c000 Sit', 'c001 Stand']),
    )
  assert sample_figures([tmp_path / 'a', tmp_path / 'b']) == {
    'charades_mAP': 100,
    'mAP': pytest.approx(100 * (1 / 2 + 2 / 3) / 2),
  }


def test_there_are_no_figures_until_every_stream_is_done(tmp_path):
  done = write_run(tmp_path / 'a', [0.9, 0.6, 0.4, 0.6])
  assert sample_figures([done, tmp_path / 'absent']) is None
  assert sample_figures([tmp_path / 'absent']) is None


def test_streams_of_other_splits_or_videos_are_refused(tmp_path):
  first = write_run(tmp_path / 'a', [0.9, 0.6, 0.4, 0.6])
  other = write_run(tmp_path / 'b', [0.9, 0.6, 0.4, 0.6], split='validation')
  with pytest.raises(
    ValueError, match=r'must be from the same split, but .*validation'
  ):
    sample_figures([first, other])
  fewer = write_run(tmp_path / 'c', [0.9, 0.6], ('v0', 'v3'))
  with pytest.raises(ValueError, match=r'scores_test1_best\.npz lacks videos'):
    sample_figures([first, fewer])
