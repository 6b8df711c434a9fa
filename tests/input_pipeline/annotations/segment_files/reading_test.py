"""Segment files of every format, as the programs write them, and each kind of mistake."""

import re
import textwrap
import time

import pytest

from input_pipeline.annotations.segment_files.reading import read_segments
from input_pipeline.annotations.segments_of_clips import rows_of_names
from input_pipeline.errors import PoseDataError

AGGREGATED = """\
Observation id,Observation date,Media file name,Total length,FPS (frame/s),Subject,\
Behavior,Behavioral category,Modifiers,Behavior type,Start (s),Stop (s),Duration (s)
obs1,2024-01-01 10:00:00,videos/a.mp4,20.0,25.0,mother,walk,,,STATE,1.000,3.500,2.500
obs1,2024-01-01 10:00:00,videos/a.mp4,20.0,25.0,No focal subject,clap,,,POINT,4.0,4.0,NA
obs1,2024-01-01 10:00:00,videos/a.mp4,20.0,25.0,mother,sit,,,STATE,3.500,9.000,5.500
"""
TABULAR = """\
Observation id;obs2;;;;;;;
Media file(s);;;;;;;;
Player #1;C:\\films\\b.avi;;;;;;;

Time;Media file path;Total length;FPS;Subject;Behavior;Behavioral category;Comment;Status
0,5;C:\\films\\b.avi;10;30;mother;walk;;;START
2,0;C:\\films\\b.avi;10;30;child;sit;;;START
2,5;C:\\films\\b.avi;10;30;mother;walk;;;STOP
4,0;C:\\films\\b.avi;10;30;child;sit;;;STOP
"""
VIA = """\
# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)
# ATTRIBUTE = {"1":{"aname":"Action","type":4,"options":{"0":"walk","1":"sit"}},\
"2":{"aname":"Person","type":1,"options":{}}}
# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata
"1_a","[""c.mp4""]",0,"[1.25,4]","[]","{""1"":""1"",""2"":""7""}"
"1_b","[""c.mp4""]",0,"[5.5]","[2,10,10,20,20]","{""1"":""0""}"
"1_c","[""c.mp4""]",0,"[4,6]","[]","{""1"":""0"",""2"":""7""}"
"""
EAF = """\
<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2024-01-01T10:00:00+00:00" FORMAT="3.0" VERSION="3.0"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">
 <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
  <MEDIA_DESCRIPTOR MEDIA_URL="file:///films/d.mp4" MIME_TYPE="video/mp4"/>
 </HEADER>
 <TIME_ORDER>
  <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="500"/>
  <TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="1750"/>
  <TIME_SLOT TIME_SLOT_ID="ts3" {third}/>
 </TIME_ORDER>
 <TIER LINGUISTIC_TYPE_REF="t" PARTICIPANT="anna" TIER_ID="actions">
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1"
   TIME_SLOT_REF2="ts2"><ANNOTATION_VALUE>wave</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>
  </ANNOTATION>
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts2"
   TIME_SLOT_REF2="ts3"><ANNOTATION_VALUE>{value}</ANNOTATION_VALUE>
  </ALIGNABLE_ANNOTATION></ANNOTATION>
 </TIER>{more}
 <LINGUISTIC_TYPE LINGUISTIC_TYPE_ID="t" TIME_ALIGNABLE="true"/>
</ANNOTATION_DOCUMENT>
"""


def eaf(third='TIME_VALUE="2000"', value='sit', more=''):
  return EAF.format(third=third, value=value, more=more)


def read(tmp_path, text, name='segments.csv'):
  path = tmp_path / name
  path.write_text(text, 'utf-8')
  return read_segments(path)


def rows(file):
  return [tuple(row[:5]) for row in file.rows]


def test_plain(tmp_path):
  text = 'label;start;stop;video;person\npour;0,5;3,25;k.mp4;\nstir;3,25;4;k.mp4;2\n'
  file = read(tmp_path, text)
  assert file.format == 'csv'
  assert rows(file) == [
    ('k.mp4', '', 'pour', 0.5, 3.25),
    ('k.mp4', '2', 'stir', 3.25, 4.0),
  ]
  assert file.labels == ('pour', 'stir')


def test_boris_aggregated_events(tmp_path):
  file = read(tmp_path, AGGREGATED)
  assert file.format == 'boris'
  assert rows(file) == [
    ('videos/a.mp4', 'mother', 'walk', 1.0, 3.5),
    ('videos/a.mp4', 'mother', 'sit', 3.5, 9.0),
  ]
  assert file.frame_rates == {'videos/a.mp4': 25.0}
  assert file.other_names['videos/a.mp4'] == ('obs1',)
  (note,) = file.notes
  assert note.message.startswith('1 events of ')
  assert note.message.endswith("take no time are left out: 'clap' at 4 s")


def test_boris_tabular_events_are_paired_by_person_and_behaviour(tmp_path):
  file = read(tmp_path, TABULAR)
  assert rows(file) == [
    ('C:\\films\\b.avi', 'mother', 'walk', 0.5, 2.5),
    ('C:\\films\\b.avi', 'child', 'sit', 2.0, 4.0),
  ]
  assert file.frame_rates == {'C:\\films\\b.avi': 30.0}


def test_via_has_names_of_options_and_a_person(tmp_path):
  file = read(tmp_path, VIA)
  assert file.format == 'via'
  assert rows(file) == [
    ('c.mp4', '7', 'sit', 1.25, 4.0),
    ('c.mp4', '7', 'walk', 4.0, 6.0),
  ]
  assert 'line 5' in file.notes[0].message


def test_elan(tmp_path):
  file = read(tmp_path, eaf(), 'd.eaf')
  assert file.format == 'elan'
  assert rows(file) == [
    ('file:///films/d.mp4', 'anna', 'wave', 0.5, 1.75),
    ('file:///films/d.mp4', 'anna', 'sit', 1.75, 2.0),
  ]


# The same person in another tier, at the same time.
GAZE = """
 <TIER LINGUISTIC_TYPE_REF="t" PARTICIPANT="anna" TIER_ID="gaze, eyes">
  <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts1"
   TIME_SLOT_REF2="ts3"><ANNOTATION_VALUE>up</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>
  </ANNOTATION></TIER>"""


def test_tiers_of_an_elan_file(tmp_path):
  text = eaf(more=GAZE)
  with pytest.raises(PoseDataError, match=r"overlaps '(wave|sit|up)'"):
    read(tmp_path, text, 'd.eaf')
  path = tmp_path / 'd.eaf'
  assert read_segments(path, ['actions']).labels == ('sit', 'wave')
  assert rows(read_segments(path, ('gaze, eyes',))) == [
    ('file:///films/d.mp4', 'anna', 'up', 0.5, 2.0)
  ]
  message = "d.eaf has no tier 'Actions'; its tiers are actions, gaze, eyes"
  with pytest.raises(PoseDataError, match=message) as caught:
    read_segments(path, ['actions', 'Actions'])
  assert '\n' not in str(caught.value)


def test_tiers_of_other_files(tmp_path):
  path = tmp_path / 's.csv'
  path.write_text('video,start,stop,label\na,0,1,sit\n')
  with pytest.raises(PoseDataError, match=r'has no tiers, which only .* \(a, b\) out'):
    read_segments(path, ['a', 'b'])


def test_elan_annotations_without_text_are_left_out(tmp_path):
  file = read(tmp_path, eaf(value=''), 'd.eaf')
  assert [row.label for row in file.rows] == ['wave']
  assert file.notes


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    ('video,start,label\na,0,x\n', 'has the columns video, start, label, but needs'),
    ('video,start,stop,label\n', 'has no segment'),
    ('a' * 10**6, 'has the columns a+ … a+, but needs video'),
    (
      'video,start,stop,label\na,5,2,x\n',
      r"line 2: 'x' ends before it starts \(5 s to",
    ),
    ('video,start,stop,label\na,2,2,x\n', "line 2: 'x' ends when it starts"),
    ('video,start,stop,label\na,-1,2,x\n', 'line 2: start is -1, but must be a time'),
    ('video,start,stop,label\na,nan,2,x\n', 'line 2: start is nan'),
    ('video,start,stop,label\na,soon,2,x\n', "line 2: start is 'soon', but must be"),
    ('video,start,stop,label\na,0,2,\n', 'line 2: the segment has no label'),
    ('video,start,stop,label\n,0,2,x\n', 'line 2: the segment has no video'),
    (
      'video,start,stop,label\na,3,5,y\na,0,3.5,x\n',
      r"line 2: 'y' \(3 s to 5 s\) overlaps 'x' \(0 s to 3.5 s, line 3\) in video 'a'",
    ),
    (
      'video,person,start,stop,label\na,1,3,5,y\na,,0,3.5,x\n',
      "overlaps 'x'",
    ),
    (  # Between both of person 1, another's.
      'video,person,start,stop,label\na,1,0,9,y\na,2,1,2,x\na,1,3,4,z\n',
      "line 4: 'z' .*overlaps 'y' .*, person '1'",
    ),
    (
      'video,person,start,stop,label\na,1,0,9,y\na,2,1,2,x\na,,3,4,z\n',
      "line 4: 'z' .*overlaps 'y' .*, person '1'",
    ),
    (TABULAR.replace('sit;;;STOP', 'sit;;;POINT'), "'sit' starts, but never stops"),
    (TABULAR.replace('walk;;;STOP', 'walk;;;START'), "'walk' starts again before"),
    (TABULAR.replace('walk;;;START', 'walk;;;STOP'), "'walk' stops, but did not start"),
    (
      VIA.replace('[1.25,4]', '[1.25,'),
      'temporal_coordinates is .* but must be a list',
    ),
    (
      VIA.replace('[1.25,4]', f'[1{"0" * 400},4]'),
      r'line 4: temporal_coordinates are \[10+ … 0+, 4\], but must be two times',
    ),
    (VIA.replace('""7""', '""7"",""3"":""x""'), 'values of several attributes'),
    ('<?xml version="1.0"?><a/>', 'is XML; an ELAN file must have a name'),
  ],
)
def test_mistakes_are_one_line(tmp_path, text, message):
  with pytest.raises(PoseDataError, match=message) as caught:
    read(tmp_path, text)
  assert '\n' not in str(caught.value)
  assert 'segments.csv' in str(caught.value)
  assert len(str(caught.value)) < 1000


def test_many_videos_and_people_take_seconds(tmp_path):
  """The time was that of all rows times all videos, or people."""
  lines = [f'v{n},p{n},0,1,x\nv,p{n},0,1,x' for n in range(30_000)]
  start = time.process_time()
  file = read(tmp_path, 'video,person,start,stop,label\n' + '\n'.join(lines))
  offered = [f'films/v{n}.mp4' for n in range(30_000)]
  assert len(rows_of_names(offered, file)) == 30_000
  assert time.process_time() - start < 10


def test_people_may_act_at_the_same_time(tmp_path):
  text = 'video,person,start,stop,label\na,1,3,5,y\na,2,0,3.5,x\n'
  assert len(read(tmp_path, text).rows) == 2


BOMB = '<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><ANNOTATION_DOCUMENT/>'
CIRCLE = """
 <TIER TIER_ID="{tier}" PARENT_REF="actions" LINGUISTIC_TYPE_REF="t"><ANNOTATION>
  <REF_ANNOTATION ANNOTATION_ID="{a}" ANNOTATION_REF="{b}"><ANNOTATION_VALUE>x
  </ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>"""


@pytest.mark.parametrize(
  ('text', 'message'),
  [
    (BOMB, 'has a document type or entities'),
    ('<!DOCTYPE a SYSTEM "file:///etc/passwd"><ANNOTATION_DOCUMENT/>', 'document type'),
    ('<html/>', 'begins with <html>, but an ELAN file with <ANNOTATION_DOCUMENT>'),
    ('no xml', 'is not an XML file as ELAN writes'),
    (eaf()[:300], 'is not an XML file as ELAN writes'),
    ('<ANNOTATION_DOCUMENT>' + '<a>' * 100, 'has more than 32 levels'),
    ('<ANNOTATION_DOCUMENT/>', 'has no noNamespaceSchemaLocation, or names'),
    (re.sub('<MEDIA_DESCRIPTOR.*/>', '', eaf()), 'names no video'),
    (re.sub(' xsi:no.*"', '', eaf()), 'has no noNamespaceSchemaLocation, or names one'),
    (
      eaf().replace('"ts3"', '"ts9"', 1),
      'has no ts3, or names one that is not there; ELAN',
    ),
    (eaf(third=''), "tier 'actions': annotation 'sit' has no time of its own"),
    (eaf(third='TIME_VALUE="1000"'), "'sit' ends before it starts"),
    (eaf(third='TIME_VALUE="later"'), 'cannot be read as an ELAN file'),
    (
      eaf(
        more=CIRCLE.format(tier='r', a='a8', b='a9')
        + CIRCLE.format(tier='s', a='a9', b='a8')
      ),
      "annotation 'a8' refers to itself",
    ),
  ],
)
def test_elan_files_that_are_refused(tmp_path, text, message):
  with pytest.raises(PoseDataError, match=message) as caught:
    read(tmp_path, textwrap.dedent(text), 'd.eaf')
  assert '\n' not in str(caught.value)
  assert 'd.eaf' in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
  with pytest.raises(PoseDataError, match='does not exist; give a segment file'):
    read_segments(tmp_path / 'none.csv')
  with pytest.raises(PoseDataError, match='is not a file'):
    read_segments(tmp_path)
