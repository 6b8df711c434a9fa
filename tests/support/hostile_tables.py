"""Broken files of segments and of labels, of the kinds that the readers know."""

from __future__ import annotations

import pathlib
import string

import numpy as np
from mutated_files import damaged, damaged_bytes

_VIA = """\
# Exported using VGG Image Annotator
# ATTRIBUTE = {"1":{"aname":"Action","type":4,"options":{"0":"walk","1":"sit"}}}
# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata
"1_a","[""a.mp4""]",0,"[$time,0.06]","[]","{""1"":""$value""}"
"""
_EAF = """\
<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T10:00:00+00:00" FORMAT="3.0" VERSION="3.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
 <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
  <MEDIA_DESCRIPTOR MEDIA_URL="file:///films/a.mp4" MIME_TYPE="video/mp4"/></HEADER>
 <TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="$time"/>
  <TIME_SLOT TIME_SLOT_ID="t2" TIME_VALUE="60"/></TIME_ORDER>
 <TIER LINGUISTIC_TYPE_REF="t" TIER_ID="actions"><ANNOTATION>
  <ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2">
  <ANNOTATION_VALUE>$value</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>
 <LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="t" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>
"""
_PLAIN = 'video,person,start,stop,label\na.mp4,,$time,0.06,$value\n'
_AGGREGATED = """\
Observation id,Media file name,FPS (frame/s),Subject,Behavior,Behavior type,Start (s),Stop (s)
a,a.mp4,$rate,No focal subject,$value,STATE,$time,0.06
"""
_TABULAR = """\
Time;Media file path;FPS;Subject;Behavior;Status
$time;a.mp4;$rate;;$value;START
0,06;a.mp4;$rate;;$value;STOP
"""
SEGMENTS = {
  'plain.csv': _PLAIN,
  'aggregated.csv': _AGGREGATED,
  'tabular.csv': _TABULAR,
  'via.csv': _VIA,
  'elan.eaf': _EAF,
}
LABELS = {'labels.csv': 'id,label,split,group,fps\na,$value,$time,g,$rate\n'}
_TIMES = (
  '1e308',
  '1' + '0' * 400,
  '9' * 5000,
  'nan',
  '-inf',
  '-1',
  '1e-320',
  '',
  '0.0599',
  '1e18',
  'é',
)
_RATES = ('inf', 'nan', '1e308', '1e-308', '-1', '', '0', '9' * 5000, 'x')
_VALUES = (
  'n' * 10**6,
  '"',
  '[' * 10**5,
  '{' * 10**5,
  '\x00',
  'a\u2028b',
  '../../x',
  '=cmd|x',
  ',,,,',
  '',
  '&lol;',
  '<a>' * 10**5,
)
_LAUGHS = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "' + '&a;' * 1000 + '">]>'
_OUTSIDE = '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def filled(text: str, **parts: str) -> str:
  """The text with its parts; those that are not given are sound."""
  sound = {'time': '0', 'rate': '50', 'value': 'walk'}
  return string.Template(text).substitute(sound | parts)


def write_hostile(
  folder: pathlib.Path, texts: dict[str, str], seeds: int
) -> list[pathlib.Path]:
  """Writes each table with each hostile value, and `seeds` damaged copies of each."""
  made = []

  def place(name: str, content: bytes):
    path = folder / f'{len(made)}' / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    made.append(path)

  for name, text in texts.items():
    for part, values in (('time', _TIMES), ('rate', _RATES), ('value', _VALUES)):
      for value in values if f'${part}' in text else ():
        place(name, filled(text, **{part: value}).encode())
    sound = filled(text).encode()
    for seed in range(seeds):
      rng = np.random.default_rng(seed)
      place(name, damaged(name, sound, rng) if seed % 2 else damaged_bytes(sound, rng))
    head, _, rest = filled(text).partition('\n')
    place(name, (head + '\n' + rest.split('\n')[0] * 20_000).encode())
    place(name, (filled(text) + rest * 20_000).encode())
  if 'elan.eaf' in texts:
    eaf = filled(_EAF)
    for kind in (_LAUGHS, _OUTSIDE):
      place('elan.eaf', eaf.replace('?>\n', f'?>\n{kind}\n', 1).encode())
  return made
