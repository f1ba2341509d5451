// Shared by both pages. All addresses are relative, so that the pages work below
// a path prefix.

const intervals = [[2, 'Every 2 s'], [5, 'Every 5 s'], [10, 'Every 10 s'], [30, 'Every 30 s'], [60, 'Every minute'], [300, 'Every 5 minutes'], [0, 'Paused']];
const usual = 10;
const remembered = 'kfgrab-interval';

// interval fills a <select> and returns a function for the chosen seconds, 0 for
// never. The choice is remembered if the browser allows it.
export function interval(select, changed) {
  let stored = null;
  try { stored = localStorage.getItem(remembered); } catch { /* forbidden */ }
  const now = intervals.some(([s]) => String(s) === stored) ? Number(stored) : usual;
  for (const [seconds, text] of intervals) {
    select.add(new Option(text, seconds, seconds === usual, seconds === now));
  }
  select.addEventListener('change', () => {
    try { localStorage.setItem(remembered, select.value); } catch { /* forbidden */ }
    changed();
  });
  return () => Number(select.value);
}

// address resolves a relative address. It drops a name and a password in the
// page's own address, which fetch refuses.
export function address(relative) {
  return new URL(relative, location.origin + location.pathname);
}

// still requests a picture. If there is none, the service draws one that says
// why, with the state "placeholder".
export async function still(url, query, signal) {
  const response = await fetch(address(`${url}/snapshot.jpg?${query}&stale_if_error=86400&placeholder=1`), {cache: 'no-cache', signal});
  if (!response.ok) {
    throw new Refusal(response);
  }
  return {
    blob: await response.blob(),
    state: response.headers.get('X-Kfgrab-State'),
    etag: response.headers.get('ETag'),
    confirmed: Date.now() - 1000 * Number(response.headers.get('Age')),
  };
}

export async function json(url) {
  const response = await fetch(address(url), {cache: 'no-store'});
  if (!response.ok) {
    throw new Refusal(response);
  }
  return response.json();
}

// dated adds when a report's picture was known to be the newest, by this clock.
export function dated(report) {
  if (report.picture) {
    report.confirmed = Date.now() - 1000 * report.picture.age;
  }
  return report;
}

// Refusal is an unexpected answer of the service.
class Refusal extends Error {
  constructor(response) {
    super(`The service answered ${response.status} ${response.statusText}.`);
  }
}

// trouble shows what is wrong with the service itself, given as a text or as an
// error; without either, it shows nothing.
export function trouble(what) {
  const line = document.getElementById('trouble');
  let text = what ?? '';
  if (text instanceof Refusal) {
    text = text.message;
  } else if (text instanceof TypeError) { // of fetch
    text = 'The service does not answer. Trying again …';
  }
  if (line.textContent !== text) {
    line.textContent = text;
  }
  line.hidden = text === '';
}

// widthFor returns a width of picture for an element, one of a few.
export function widthFor(element) {
  const wanted = element.clientWidth * devicePixelRatio;
  return [320, 480, 640, 960, 1280, 1920].find((w) => w >= wanted) ?? 1920;
}

// Picture is an <img> and the notice over it.
export class Picture {
  constructor(element, name) {
    this.element = element;
    this.name = name;
    this.notice = element.querySelector('.notice');
    this.img = document.createElement('img');
    this.img.alt = `${name}: no picture yet`;
    this.img.hidden = true;
    element.prepend(this.img);
  }

  // show shows an answer of still.
  show(answer) {
    this.state = answer.state;
    this.confirmed = answer.state === 'placeholder' ? undefined : answer.confirmed;
    if (answer.state === 'placeholder' || answer.etag !== this.etag) {
      this.etag = answer.etag;
      const before = this.url;
      this.url = URL.createObjectURL(answer.blob);
      this.img.onload = () => URL.revokeObjectURL(before);
      this.img.src = this.url;
    }
    this.img.hidden = false;
    if (answer.state === 'placeholder') {
      this.img.alt = `${this.name}: no picture`;
    } else {
      this.img.alt = `${this.name} at ${clock(answer.confirmed)}`;
    }
  }

  // tell shows, over the picture or in its place, why there is no newer one.
  tell(report, bare = !this.confirmed) {
    const failure = report?.failure;
    this.element.classList.toggle('failing', Boolean(failure));
    this.element.classList.toggle('bare', bare);
    this.notice.hidden = !failure;
    if (failure) {
      set(this.notice.querySelector('strong'), `${reason(failure)} since ${since(failure.since)}`);
      set(this.notice.querySelector('span'), failure.error);
    }
  }
}

const reasons = {
  timeout: 'Not answering',
  network: 'Not available',
  unauthorised: 'Access refused',
  'no-keyframe': 'No keyframe',
  'bad-stream': 'Cannot be read',
  decoder: 'Cannot be decoded',
};

function reason(failure) {
  return reasons[failure.class] ?? 'No picture';
}

// standing shows the state of a stream, in the service's words if it has some.
export function standing(element, report, picture) {
  let state = report?.state ?? 'empty';
  if (report?.failure) {
    state = 'failing';
  } else if (picture.state === 'placeholder') {
    state = 'no picture';
  } else if (state !== 'live' && picture.state) {
    state = picture.state; // as of its arrival, not of now
  }
  element.dataset.state = state;
  set(element, state === 'empty' ? 'waiting' : state);
}

// set changes the document only if the text differs.
export function set(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

// age returns that of the picture shown, or else of the service's last one.
export function age(picture, report) {
  const confirmed = picture.confirmed ?? report?.confirmed;
  if (confirmed === undefined) {
    return '';
  }
  const s = Math.max(0, Math.floor((Date.now() - confirmed) / 1000));
  return s < 2 ? 'just now' : `${span(s)} old`;
}

export function span(s) {
  if (s < 120) {
    return `${Math.round(s)} s`;
  }
  if (s < 2 * 3600) {
    return `${Math.floor(s / 60)} min`;
  }
  return s < 2 * 86400 ? `${Math.floor(s / 3600)} h` : `${Math.floor(s / 86400)} days`;
}

export function bytes(n) {
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (n < 1000) {
      return `${unit === 'B' || n >= 100 ? Math.round(n) : n.toFixed(1)} ${unit}`;
    }
    n /= 1000;
  }
  return `${n.toFixed(1)} TB`;
}

const codecs = {h264: 'H.264', hevc: 'H.265', mjpeg: 'JPEG'};

export function codec(name) {
  return codecs[name] ?? name;
}

export function duration(s) {
  return s < 1 ? `${Math.round(1000 * s)} ms` : `${s.toFixed(1)} s`;
}

export function clock(time) {
  return new Date(time).toLocaleTimeString();
}

// since returns a time of day, with the date unless that is today.
function since(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today ? date.toLocaleTimeString() : date.toLocaleString();
}

// whileVisible calls work now and at every interval, except in a hidden tab.
export function whileVisible(milliseconds, work) {
  let timer;
  const update = () => {
    clearInterval(timer);
    if (!document.hidden) {
      timer = setInterval(work, milliseconds);
      work();
    }
  };
  document.addEventListener('visibilitychange', update);
  update();
}
