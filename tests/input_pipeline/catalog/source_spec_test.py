import gc
import weakref

from input_pipeline.catalog import open_source, source_spec
from input_pipeline.catalog.source_spec import SourceSpec, open_once


class Source:
  """A stand-in for what a reader returns."""


def test_a_process_opens_a_source_once(monkeypatch):
  monkeypatch.setattr(source_spec, '_opened', [])
  calls = []

  def load_source(dataset, **options):
    calls.append((dataset, options))
    return Source()

  monkeypatch.setattr(open_source, 'load_source', load_source)
  first = open_once(SourceSpec('a', {'poses': 'x.pkl'}))
  assert open_once(SourceSpec('a', {'poses': 'x.pkl'})) is first
  gone = weakref.ref(first)
  del first
  open_once(SourceSpec('a', {'poses': 'y.pkl'}))
  gc.collect()
  assert gone() is None
  assert calls == [('a', {'poses': 'x.pkl'}), ('a', {'poses': 'y.pkl'})]


def test_a_spec_takes_what_load_source_takes():
  source = SourceSpec('stick_actions', {'seed': 3}).open()
  assert set(source.splits) == {'train', 'test'}
