import {Picture, age, bytes, codec, dated, interval, json, set, standing, still, trouble, whileVisible, widthFor} from './common.js';

// Lane lets a few through at a time: a browser has six connections per host. Slow
// streams have a lane of their own, so that they don't hold up the others.
class Lane {
  constructor(width) {
    this.free = width;
    this.waiting = [];
  }

  async run(work) {
    if (this.free === 0) {
      await new Promise((go) => this.waiting.push(go));
    } else {
      this.free--;
    }
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) {
        next();
      } else {
        this.free++;
      }
    }
  }
}

// isNew reports whether a picture's state means that the stream is well.
function isNew(state) {
  return state !== 'stale' && state !== 'placeholder';
}

const usual = new Lane(3);
const slow = new Lane(2);
const patience = 8000; // milliseconds in the usual lane

class Tile {
  constructor(element) {
    this.element = element;
    this.name = element.dataset.name;
    this.picture = new Picture(element.querySelector('.picture'), this.name);
    this.due = 0;
    this.visible = false;
    this.busy = false;
    this.slow = false;
  }

  async refresh() {
    this.busy = true;
    try {
      await (this.slow ? slow : usual).run(() => this.fetch());
      this.due = Date.now() + 1000 * seconds();
    } catch (error) {
      if (error.name === 'TimeoutError') {
        this.slow = true; // from now, at once
      } else {
        trouble(error);
        this.due = Date.now() + 1000 * seconds();
      }
    } finally {
      this.busy = false;
    }
  }

  async fetch() {
    const began = Date.now();
    const signal = this.slow ? undefined : AbortSignal.timeout(patience);
    const answer = await still(this.element.dataset.path, `width=${widthFor(this.picture.element)}`, signal);
    this.slow = Date.now() - began > patience;
    const before = this.picture.state;
    this.picture.show(answer);
    this.write();
    if (!before || isNew(before) !== isNew(answer.state)) {
      soon();
    }
  }

  write() {
    const {picture, report} = this;
    picture.tell(report);
    standing(this.element.querySelector('.state'), report, picture);
    this.tick();
    const now = report?.picture;
    set(this.element.querySelector('.size'), now ? `${now.width}×${now.height} ${codec(now.codec_name)}` : '');
    set(this.element.querySelector('.bytes'), report ? `${bytes(report.counts.bytes_today)} today` : '');
  }

  tick() {
    set(this.element.querySelector('.age'), age(this.picture, this.report));
  }
}

const tiles = [...document.querySelectorAll('.tile')].map((element) => new Tile(element));
const seconds = interval(document.getElementById('interval'), () => {
  for (const tile of tiles) {
    tile.due = Math.min(tile.due, Date.now() + 1000 * seconds());
  }
});
document.querySelector('label.control').hidden = tiles.length === 0;

const seen = new IntersectionObserver((entries) => {
  for (const {target, isIntersecting} of entries) {
    tiles.find((tile) => tile.element === target).visible = isIntersecting;
  }
  work();
}, {rootMargin: '100px'});
for (const tile of tiles) {
  seen.observe(tile.element);
}

function work() {
  for (const tile of tiles) {
    if (!tile.visible) {
      continue;
    }
    tile.tick();
    if (!tile.busy && tile.due <= Date.now() && (seconds() > 0 || tile.due === 0)) {
      tile.refresh();
    }
  }
}

let asked; // when to request the reports next
function soon() {
  asked ??= setTimeout(reports, 300);
}

async function reports() {
  clearTimeout(asked);
  try {
    const {streams, decoder} = await json('streams');
    const names = (list) => JSON.stringify(list.map((s) => s.name));
    if (names(streams) !== names(tiles)) {
      location.reload(); // the configuration has changed
      return;
    }
    streams.forEach((report, i) => {
      tiles[i].report = dated(report);
      tiles[i].write();
    });
    summarise(streams);
    trouble(decoder.found ? '' : decoder.error);
  } catch (error) {
    trouble(error);
  } finally {
    asked = undefined;
  }
}

// summarise counts, and announces to screen readers what has failed or come back.
let known;
function summarise(streams) {
  const failed = streams.filter((s) => s.failure).map((s) => s.name);
  const today = streams.reduce((sum, s) => sum + s.counts.bytes_today, 0);
  const parts = [`${streams.length} ${streams.length === 1 ? 'stream' : 'streams'}`];
  if (failed.length > 0) {
    parts.push(`${failed.length} failing`);
  }
  set(document.getElementById('summary'), [...parts, `${bytes(today)} today`].join(' · '));
  const back = (known ?? []).filter((name) => !failed.includes(name));
  const lost = failed.filter((name) => !known?.includes(name));
  const news = [...lost.map((name) => `${name} fails`), ...back.map((name) => `${name} is back`)];
  if (news.length > 0) {
    document.getElementById('changes').textContent = news.length > 5 ? `${failed.length} streams fail` : news.join(', ');
  }
  known = failed;
}

whileVisible(1000, work);
whileVisible(5000 + 20 * tiles.length, reports); // a report is a kilobyte per stream
