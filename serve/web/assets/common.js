// What both pages share. Every address is relative, so that the pages work behind a path
// prefix.

const intervals = [[2, 'Every 2 s'], [5, 'Every 5 s'], [10, 'Every 10 s'], [30, 'Every 30 s'], [60, 'Every minute'], [300, 'Every 5 minutes'], [0, 'Paused']];
const usual = 10;
const remembered = 'kfgrab-interval';

// interval fills a <select> and returns how many seconds it says, 0 for never. What is
// chosen is remembered, where the browser allows that.
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

// address resolves what is relative to the page without a name and a password that
// somebody may have written into the page's own address: fetch refuses those.
export function address(relative) {
  return new URL(relative, location.origin + location.pathname);
}

// still asks for a picture. Where there is none the service draws one that says why, of
// the state "placeholder".
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

// dated notes when a report's picture was known to be the newest, by this clock.
export function dated(report) {
  if (report.picture) {
    report.confirmed = Date.now() - 1000 * report.picture.age;
  }
  return report;
}

// Refusal is an answer of the service that is of no use to a page.
class Refusal extends Error {
  constructor(response) {
    super(`The service answers ${response.status} ${response.statusText}.`);
  }
}

// trouble says what is wrong with the service itself, in words or as an error that was
// thrown tells; without either, that nothing is.
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

// widthFor is a width of picture for an element, of few different ones.
export function widthFor(element) {
  const wanted = element.clientWidth * devicePixelRatio;
  return [320, 480, 640, 960, 1280, 1920].find((w) => w >= wanted) ?? 1920;
}

// Picture is an <img> and what is written over it.
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

  // show puts an answer of still in place.
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

  // tell writes over the picture, or in place of one, why there is no newer one.
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

// standing writes the state of a stream, in the service's own words where it has some.
export function standing(element, report, picture) {
  let state = report?.state ?? 'empty';
  if (report?.failure) {
    state = 'failing';
  } else if (picture.state === 'placeholder') {
    state = 'no picture';
  } else if (state !== 'live' && picture.state) {
    state = picture.state; // as of when it came, not of now
  }
  element.dataset.state = state;
  set(element, state === 'empty' ? 'waiting' : state);
}

// set touches the document only where something changes.
export function set(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

// age is that of the picture that is shown, or else of the one that the service has.
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

// since is a time of day, with the date where that is another one.
function since(time) {
  const date = new Date(time);
  const today = date.toDateString() === new Date().toDateString();
  return today ? date.toLocaleTimeString() : date.toLocaleString();
}

// whileVisible calls work now and then every so many milliseconds, but not in a tab that
// nobody sees.
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
