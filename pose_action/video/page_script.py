"""The style and the script of a page with moving skeletons."""

STYLE = """
body { font: 16px/1.4 system-ui, sans-serif; margin: 1.5em; color: #1a1a1a;
  background: #fff; }
main { display: flex; flex-wrap: wrap; gap: 1.5em; align-items: flex-start; }
canvas { border: 1px solid #b3b3b3; max-width: 100%; }
#said { min-width: 18em; max-width: 34em; flex: 1; }
h1 { font-size: 1.2em; margin: 0 0 .6em; overflow-wrap: anywhere; }
#caption { font-size: 1.5em; margin: 0 0 .4em; overflow-wrap: anywhere; }
#controls { display: flex; gap: .8em; align-items: center; margin: .8em 0; }
#slider { flex: 1; } #time { min-width: 5em; text-align: right;
  font-variant-numeric: tabular-nums; }
select { max-width: 100%; font: inherit; } button { font: inherit; min-width: 5em; }
#lanes { border: 0; width: 100%; } #legend { list-style: none; padding: 0; }
#legend span { display: inline-block; width: 1em; height: 1em; margin-right: .5em;
  vertical-align: middle; border: 1px solid #999; }
"""

# Text reaches the page as the text of nodes and of canvases, never as HTML.
SCRIPT = """
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const part = id => document.getElementById(id);
const stage = part('stage'), pen = stage.getContext('2d');
const lanes = part('lanes'), laneHeight = 26, letters = '13px system-ui, sans-serif';
let clip = null, frame = 0, playing = true, last = performance.now(), behind = 0;

function show(index) {
  clip = data.clips[index];
  frame = 0; behind = 0;
  const scale = data.side / Math.max(clip.width, clip.height);
  stage.width = Math.max(2, Math.round(clip.width * scale));
  stage.height = Math.max(2, Math.round(clip.height * scale));
  part('name').textContent = clip.name;
  part('slider').max = clip.frames.length - 1;
  const labels = [...new Set(clip.lanes.flatMap(lane => lane.bars.map(bar => bar[0])))];
  part('legend').replaceChildren(...labels.map(label => {
    const row = document.createElement('li'), swatch = document.createElement('span');
    swatch.style.backgroundColor = data.colours[label % data.colours.length];
    if (gap(label)) swatch.style.backgroundImage =
      `repeating-linear-gradient(90deg, transparent 0 ${gap(label)}px,` +
      ` #fff ${gap(label)}px ${gap(label) + 2}px)`;
    row.append(swatch, data.labels[label]);
    return row;
  }));
  draw();
}

// Colours come again with stripes: pixels between these, 0 for none.
function gap(label) {
  const round = Math.floor(label / data.colours.length);
  return round && 1 + 2 * round;
}

function barAt(lane, at) {
  return lane.bars.find(one => one[1] <= at && at < one[2]);
}

// What is said of a person at a frame of the video: the name, and the action.
function words(person, at) {
  const name = clip.people[person], lane = clip.lanes.find(one => one.name === name);
  const bar = lane && barAt(lane, at);
  return bar ? `${name} ${data.labels[bar[0]]} ${Math.round(100 * bar[3])} %` : name;
}

function draw() {
  const at = frame * clip.step, people = clip.frames[frame];
  pen.fillStyle = '#f7f7f7';
  pen.fillRect(0, 0, stage.width, stage.height);
  pen.lineCap = 'round'; pen.font = letters; pen.textAlign = 'center';
  for (const [person, ...xy] of people) {
    const point = joint => [xy[2 * joint], xy[2 * joint + 1]];
    for (const [a, b, side] of clip.limbs) {
      if (xy[2 * a] === null || xy[2 * b] === null) continue;
      pen.strokeStyle = data.sides[side]; pen.lineWidth = 4;
      pen.beginPath(); pen.moveTo(...point(a)); pen.lineTo(...point(b)); pen.stroke();
    }
    let top = null;
    for (let joint = 0; 2 * joint < xy.length; joint++) {
      if (xy[2 * joint] === null) continue;
      const [x, y] = point(joint);
      if (top === null || y < top[1]) top = [x, y];
      pen.fillStyle = '#fff'; pen.strokeStyle = '#1a1a1a'; pen.lineWidth = 1.5;
      pen.beginPath(); pen.arc(x, y, 3.5, 0, 7); pen.fill(); pen.stroke();
    }
    if (top && clip.named) {
      pen.fillStyle = '#1a1a1a';
      pen.fillText(words(person, at), top[0], Math.max(14, top[1] - 10));
    }
  }
  drawLanes(at);
  const bar = clip.lanes.length === 1 ? barAt(clip.lanes[0], at) : undefined;
  part('caption').textContent = clip.lanes.length !== 1 ? clip.caption :
    bar ? `${data.labels[bar[0]]} ${Math.round(100 * bar[3])} %` : 'no action';
  part('slider').value = frame;
  part('time').textContent = `${(at / clip.rate).toFixed(2)} s`;
}

function drawLanes(at) {
  lanes.hidden = !clip.lanes.length;
  if (lanes.hidden) return;
  lanes.width = lanes.clientWidth || 480;
  lanes.height = laneHeight * clip.lanes.length;
  const ink = lanes.getContext('2d'), left = 60, width = lanes.width - left - 1;
  const x = number => left + width * number / clip.count;
  ink.font = letters; ink.textBaseline = 'middle';
  clip.lanes.forEach((lane, row) => {
    const top = row * laneHeight, middle = top + laneHeight / 2;
    ink.fillStyle = '#1a1a1a'; ink.textAlign = 'left';
    ink.fillText(lane.name, 0, middle, left - 6);
    ink.fillStyle = '#bfbfbf';
    ink.fillRect(x(lane.seen[0]), middle - 1, x(lane.seen[1]) - x(lane.seen[0]), 2);
    for (const [label, start, stop] of lane.bars) {
      const wide = Math.max(1, x(stop) - x(start) - 1);
      ink.fillStyle = data.colours[label % data.colours.length];
      ink.fillRect(x(start), top + 3, wide, laneHeight - 6);
      ink.fillStyle = '#fff';
      for (let at = gap(label); at && at < wide; at += gap(label) + 2) {
        ink.fillRect(x(start) + at, top + 3, 2, laneHeight - 6);
      }
      if (ink.measureText(data.labels[label]).width > wide - 4) continue;
      ink.fillStyle = data.inks[label % data.colours.length]; ink.textAlign = 'center';
      ink.fillText(data.labels[label], x(start) + wide / 2, middle);
    }
  });
  ink.fillStyle = '#1a1a1a';
  ink.fillRect(x(at), 0, 2, lanes.height);
}

function tick() {
  const now = performance.now();
  if (playing) {
    behind += (now - last) / 1000 * clip.rate / clip.step;
    if (behind >= 1) {
      frame = (frame + Math.floor(behind)) % clip.frames.length;
      behind %= 1;
      draw();
    }
  }
  last = now;
}

function setPlaying(on) {
  playing = on;
  part('play').textContent = on ? 'Pause' : 'Play';
}

part('play').addEventListener('click', () => setPlaying(!playing));
part('slider').addEventListener('input', event => {
  setPlaying(false);
  frame = Number(event.target.value);
  draw();
});
part('clips').append(...data.clips.map((one, index) => {
  const option = document.createElement('option');
  option.value = index;
  option.textContent = one.caption ? `${one.name}: ${one.caption}` : one.name;
  return option;
}));
part('clips').hidden = data.clips.length < 2;
part('clips').addEventListener('change', event => show(Number(event.target.value)));
setPlaying(true);
show(0);
setInterval(tick, 16);
"""
