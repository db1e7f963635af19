// All cameras: the newest picture of each, with the boxes of the same frame.
import {json, picture} from './api.js';
import {fill, h, say} from './dom.js';
import {Frame} from './frame.js';
import {poll} from './poll.js';
import {age, milliseconds, number, percent, plural} from './text.js';

/** One camera of the wall. */
class Tile {
  constructor(camera, visible) {
    this.frame = new Frame('Camera ' + camera, 16 / 10);
    this.problem = h('p', {class: 'problem'});
    this.facts = {};
    const fact = (name, meaning) => {
      this.facts[name] = h('dd');
      return h('div', {}, h('dt', {}, meaning), this.facts[name]);
    };
    this.element = h('li', {class: 'tile'},
      h('h2', {}, h('a', {href: '#/camera/' + encodeURIComponent(camera)}, camera)),
      h('div', {class: 'picture'}, this.frame.canvas, this.problem),
      h('dl', {class: 'facts'}, fact('age', 'Age'), fact('rate', 'Frames/s'), fact('latency', 'Latency'), fact('unknown', 'Unknown')));
    this.shown = null; // event whose picture is there
    this.wanted = null;
    this.loading = false;
    visible.observe(this.element);
    this.element.tile = this;
    this.isVisible = false;
  }

  update(camera) {
    say(this.facts.rate, number(camera.framesPerSecond, 1));
    say(this.facts.latency, milliseconds(camera.latencyMs));
    say(this.facts.unknown, percent(camera.unknownShare));
    this.facts.unknown.classList.toggle('high', camera.unknownShare > 0.2);
    say(this.problem, camera.problem ?? (camera.picture ? '' : 'The picture is on its way…'));
    if (camera.picture?.objects) {
      this.wanted = camera.picture;
    }
    say(this.facts.age, age(camera.picture?.ageMs ?? camera.ageMs)); // of what is seen
    this.load();
  }

  async load() {
    const wanted = this.wanted;
    if (this.loading || !this.isVisible || !wanted || this.shown === wanted.eventId) {
      return;
    }
    this.loading = true;
    try {
      const image = await createImageBitmap(await picture(wanted.path));
      this.shown = wanted.eventId;
      this.frame.show(image, wanted, wanted.objects);
      this.element.dataset.event = wanted.eventId;
    } catch {
      this.shown = wanted.eventId; // the next one comes
    } finally {
      this.loading = false;
    }
  }

  close() {
    this.frame.close();
    this.element.remove();
  }
}

export function cameras({main, signal}) {
  const summary = h('p', {class: 'summary'}, 'Asking…');
  const wall = h('ul', {class: 'wall', 'aria-label': 'Cameras'});
  const tiles = new Map();
  const visible = new IntersectionObserver((changes) => {
    for (const change of changes) {
      change.target.tile.isVisible = change.isIntersecting;
      change.target.tile.load();
    }
  }, {rootMargin: '200px'});
  main.append(summary, legend(), wall);
  let since = 0;

  poll(1000, signal, async () => {
    const now = await json(`/api/cameras?since=${since}`, {signal});
    since = now.change < since ? 0 : now.change; // smaller: the service was started anew
    const here = new Set(now.cameras.map((camera) => camera.camera));
    for (const [camera, tile] of tiles) {
      if (!here.has(camera)) {
        tile.close();
        tiles.delete(camera);
      }
    }
    now.cameras.forEach((camera, place) => {
      if (!tiles.has(camera.camera)) {
        const tile = new Tile(camera.camera, visible);
        tiles.set(camera.camera, tile);
        wall.insertBefore(tile.element, wall.children[place] ?? null);
      }
      tiles.get(camera.camera).update(camera);
    });
    const rate = now.cameras.reduce((sum, camera) => sum + camera.framesPerSecond, 0);
    if (tiles.size > 0) {
      say(summary, `${plural(tiles.size, 'camera', 'cameras')}, ${number(rate, 1)} frames/s`);
    } else if (now.reading) {
      say(summary, 'Reading earlier events…');
    } else {
      fill(summary, 'No camera has shown a frame yet. Publish frames with ', h('code', {}, 'shelfstream publish --camera NAME FOLDER'),
        ', or ', h('a', {href: '#/picture'}, 'try a picture'), '.');
    }
  }, (failure) => failure.status && say(summary, failure.message));
  signal.addEventListener('abort', () => {
    visible.disconnect();
    tiles.forEach((tile) => tile.close());
  });
}

export function legend() {
  const one = (status, sign, word) => h('li', {class: 'key ' + status}, h('span', {'aria-hidden': 'true'}, sign), ' ' + word);
  return h('ul', {class: 'legend', 'aria-label': 'Colours and signs of the boxes'},
    one('match', '✓', 'known'), one('ambiguous', '≈', 'ambiguous: two products too close'), one('unknown', '?', 'unknown'));
}
