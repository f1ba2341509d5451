import {Picture, address, age, bytes, clock, codec, dated, duration, interval, json, set, span, standing, still, trouble, whileVisible, widthFor} from './common.js';

const {name, path, player} = document.body.dataset;
const stage = document.getElementById('stage');
const picture = new Picture(stage, name);
const refreshButton = document.getElementById('refresh');
const seconds = interval(document.getElementById('interval'), () => {});
let report;
let mode = 'still';

document.querySelector('.controls').hidden = false;

// shape gives the stage the shape of what it shows, which may be rotated or have
// another pixel aspect ratio than the stream.
function shape(width, height) {
  if (width > 0 && height > 0) {
    stage.style.aspectRatio = `${width} / ${height}`;
  }
}

function shapeAs(img) {
  img.addEventListener('load', () => shape(img.naturalWidth, img.naturalHeight));
}

shapeAs(picture.img);

// --- still

let due = 0;
let busy = false;

async function refresh(fresh) {
  if (busy) {
    return;
  }
  busy = true;
  refreshButton.setAttribute('aria-busy', fresh);
  try {
    const answer = await still('.', `width=${widthFor(stage)}${fresh ? '&fresh=1' : ''}`);
    if (mode === 'still') {
      picture.show(answer);
      write();
    }
    if (fresh) {
      announce(answer.state === 'fresh' || answer.state === 'cached' ? `Picture of ${clock(answer.confirmed)}` : 'No newer picture');
    }
    soon();
  } catch (error) {
    trouble(error);
  } finally {
    due = Date.now() + 1000 * seconds();
    busy = false;
    refreshButton.removeAttribute('aria-busy');
  }
}

refreshButton.addEventListener('click', () => refresh(true));

function work() {
  const shown = mode === 'still' ? picture : {}; // else the newest, as the report says
  set(document.querySelector('header .age'), mode === 'video' ? '' : age(shown, report));
  if (mode === 'still' && due <= Date.now() && (seconds() > 0 || due === 0)) {
    refresh(false);
  }
}

// --- live keyframes and video

let live; // the <img> of them
let video;
let again; // when to try a lost connection again

function startLive() {
  live = document.createElement('img');
  live.alt = `Live keyframes of ${name}`;
  shapeAs(live);
  live.src = `mjpeg?width=${widthFor(stage)}&placeholder=1`;
  live.addEventListener('error', () => {
    stopMedia();
    again = setTimeout(apply, 3000);
  });
  stage.prepend(live);
}

function startVideo() {
  video = document.createElement('video');
  video.controls = video.autoplay = video.muted = video.playsInline = true;
  video.setAttribute('aria-label', `Video of ${name}`);
  video.src = player;
  video.addEventListener('loadedmetadata', () => shape(video.videoWidth, video.videoHeight));
  video.addEventListener('error', () => {
    set(apart, `Your browser cannot play this at the moment: ${video.error.message || 'unknown error'}. Trying again …`);
    again = setTimeout(apply, 5000);
  });
  video.addEventListener('playing', () => set(apart, apartText));
  stage.prepend(video);
}

// stopMedia also ends the downloads: removing the elements alone does not.
function stopMedia() {
  clearTimeout(again);
  for (const element of [live, video]) {
    element?.removeAttribute('src');
    element?.remove();
  }
  video?.load();
  live = video = undefined;
}

const apart = document.getElementById('apart');
const apartText = apart?.textContent;

// apply shows what is chosen, and nothing in a hidden tab.
function apply() {
  stopMedia();
  picture.img.hidden = mode !== 'still' || !picture.state;
  document.querySelector('.still-only').hidden = mode !== 'still';
  if (apart) {
    apart.hidden = mode !== 'video';
  }
  if (document.hidden) {
    return;
  }
  if (mode === 'live') {
    startLive();
  } else if (mode === 'video') {
    startVideo();
  } else {
    due = 0;
    work();
  }
  write();
}

for (const radio of document.querySelectorAll('input[name=show]')) {
  radio.addEventListener('change', () => {
    mode = radio.value;
    if (apart) {
      set(apart, apartText);
    }
    apply();
  });
  radio.checked = radio.value === mode; // even if the browser has restored another choice
}
document.addEventListener('visibilitychange', () => mode !== 'still' && apply());

const plays = player && document.createElement('video').canPlayType('application/vnd.apple.mpegurl');
if (plays) {
  document.getElementById('player').hidden = false;
}

// --- state and details

let asked;
function soon() {
  asked ??= setTimeout(ask, 300);
}

let failing;
async function ask() {
  try {
    report = dated(await json(path));
    if (failing !== undefined && failing !== Boolean(report.failure)) {
      announce(report.failure ? `${name} fails` : `${name} is back`);
    }
    failing = Boolean(report.failure);
    write();
    trouble('');
  } catch (error) {
    trouble(error);
  } finally {
    asked = undefined;
  }
}

// announce is for screen readers.
function announce(text) {
  document.getElementById('changes').textContent = text;
}

function write() {
  picture.tell(mode === 'video' ? undefined : report, mode === 'live' || !picture.confirmed);
  const state = document.querySelector('header .state');
  if (mode === 'video') {
    set(state, ''); // the browser knows, the service does not
  } else {
    standing(state, report, mode === 'still' ? picture : {});
  }
  if (report) {
    list(document.getElementById('facts'), facts(report));
  }
}

function facts({url, mode, state, ttl, viewers, picture: now, failure, counts, next_refresh: next}) {
  const rows = [];
  if (failure) {
    rows.push(['Failure', failure.error], ['Failing since', `${new Date(failure.since).toLocaleString()}, ${failure.count} in a row`]);
  }
  if (now) {
    rows.push(['Video', `${codec(now.codec_name)} ${now.profile ?? ''}, ${now.width}×${now.height}, ${now.pix_fmt}`]);
    rows.push(['Captured', new Date(now.captured).toLocaleString()]);
    if (now.media_time) {
      rows.push(['By the stream’s clock', new Date(now.media_time).toLocaleString()]);
    }
    rows.push(['The picture took', state === 'live' ? bytes(now.bytes_down) : `${bytes(now.bytes_down)}, ${duration(now.elapsed)}`]);
  }
  rows.push(['Today', bytes(counts.bytes_today)]);
  rows.push(['Since the start', `${bytes(counts.bytes_down)}, ${plural(counts.captures, 'picture')}, ${plural(counts.failures, 'failure')}`]);
  rows.push(['Mode', `${mode.replace('_', ' ')}, pictures are reused for ${span(ttl)}`]);
  if (viewers > 0) {
    rows.push(['Watching', String(viewers)]);
  }
  if (next && mode === 'scheduled') {
    rows.push(['Next grab', new Date(next).toLocaleString()]);
  }
  rows.push(['Source', url]);
  return rows;
}

function plural(n, word) {
  return `${n} ${word}${n === 1 ? '' : 's'}`;
}

// list fills a <dl>, and changes only what differs.
function list(dl, rows) {
  while (dl.children.length > rows.length) {
    dl.lastElementChild.remove();
  }
  rows.forEach(([term, description], i) => {
    let row = dl.children[i];
    if (!row) {
      row = document.createElement('div');
      row.append(document.createElement('dt'), document.createElement('dd'));
      dl.append(row);
    }
    set(row.firstElementChild, term);
    set(row.lastElementChild, description);
  });
}

// --- events, while the tab is visible

let events;
function listen() {
  if (document.hidden) {
    events?.close();
    events = undefined;
    return;
  }
  if (events) {
    return;
  }
  events = new EventSource(address('events'));
  for (const kind of ['failure', 'recovery', 'picture']) {
    events.addEventListener(kind, (event) => {
      soon();
      const number = JSON.parse(event.data).picture?.number;
      if (kind === 'picture' && number !== report?.picture?.number && mode === 'still' && seconds() > 0) {
        refresh(false); // another client's picture: it is in the cache
      }
    });
  }
  events.onerror = soon; // the report shows whether the service answers at all
}
document.addEventListener('visibilitychange', listen);

listen();
soon();
apply();
whileVisible(1000, work);
