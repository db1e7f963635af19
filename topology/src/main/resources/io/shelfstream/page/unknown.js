// Objects that were not recognised: choose those of one product, name it, and the next frame knows it.
import {json, picture, post, query} from './api.js';
import {field, fill, h, say} from './dom.js';
import {failure, message} from './messages.js';
import {load} from './objects.js';
import {poll} from './poll.js';
import {age, plural} from './text.js';

/** Boxes of one camera that overlap by so much are the same object on another frame. */
const SAME = 0.5;

function isSame(a, b) {
  if (a.camera !== b.camera) {
    return false;
  }
  const [ax1, ay1, ax2, ay2] = a.bbox;
  const [bx1, by1, bx2, by2] = b.bbox;
  const both = Math.max(0, Math.min(ax2, bx2) - Math.max(ax1, bx1)) * Math.max(0, Math.min(ay2, by2) - Math.max(ay1, by1));
  return both / ((ax2 - ax1) * (ay2 - ay1) + (bx2 - bx1) * (by2 - by1) - both) > SAME;
}

export function unknown({main, signal}) {
  const status = h('p', {class: 'summary', role: 'status'}, 'Asking…');
  const grid = h('ul', {class: 'crops', 'aria-label': 'Unknown objects'});
  const label = field('Name of the product', {name: 'label', required: true, autocomplete: 'off'});
  const gtin = field('GTIN', {name: 'gtin', inputmode: 'numeric', pattern: '[0-9]{8}|[0-9]{12,14}', autocomplete: 'off'}, 'may be empty');
  const enrol = h('button', {class: 'main', disabled: true}, 'Add to the gallery');
  const progress = h('p', {'aria-live': 'polite', class: 'quiet'});
  let items = [];
  const chosen = () => items.filter((item) => item.box.checked);
  const count = () => {
    const many = chosen().length;
    enrol.disabled = many === 0;
    say(enrol, many === 0 ? 'Choose pictures of one product' : `Add ${plural(many, 'picture', 'pictures')} to the gallery`);
  };

  const form = h('form', {class: 'edit enrol', onsubmit: async (event) => {
    event.preventDefault();
    const name = label.input.value.trim();
    const all = chosen();
    enrol.disabled = true;
    let added = 0;
    for (const item of all) {
      say(progress, `Adding ${added + 1} of ${all.length}…`);
      try {
        // The bytes, not the reference: frames are deleted by their cameras, photos of the gallery stay.
        const photo = await picture(`/api/cameras/picture?event=${item.now.eventId}&width=2048&crop=${item.now.bbox.join(',')}`, {signal});
        const done = await post('/api/gallery/photos?' + query({productId: name, label: name, gtin: gtin.input.value.trim(), wait: 'searchable'}), photo);
        added++;
        item.box.checked = false;
        item.element.classList.add('done');
        (done.status?.warnings ?? []).forEach((text) => message('⚠ ' + text, {ms: 15_000}));
      } catch (error) {
        failure(error);
      }
    }
    say(progress, added === 0 ? 'Nothing was added.' : `✓ ${plural(added, 'picture', 'pictures')} of ${name} added: the next frame knows it.`);
    count();
  }}, label.row, gtin.row, enrol, progress);
  main.append(h('p', {class: 'quiet'}, 'Each object once, from the newest frames. Choose pictures of one product and give it a name.'), status, form, grid);
  count();

  function item(object) {
    const image = h('img', {alt: '', class: 'photo'});
    const box = h('input', {type: 'checkbox', onchange: count});
    const since = h('small');
    const element = h('li', {'data-camera': object.camera}, h('label', {}, box, image,
      h('span', {class: 'spoken'}, 'Unknown object of '), h('b', {}, object.camera), since,
      object.nearest ? h('small', {}, `nearest: ${object.nearest} ${object.score?.toFixed(2) ?? ''}`) : null));
    load(image, object.path, signal).then((blob) => {
      box.disabled = blob === null && !signal.aborted; // what cannot be seen cannot become a photo
    });
    return {now: object, box, since, element};
  }

  poll(2000, signal, async () => {
    const {objects, reading} = await json('/api/cameras/unknown?limit=60', {signal});
    const before = [...items];
    const next = objects.map((object) => {
      const at = before.findIndex((one) => isSame(one.now, object));
      const known = at < 0 ? item(object) : before.splice(at, 1)[0];
      known.now = object;
      known.element.dataset.bbox = object.bbox.join(',');
      say(known.since, age(object.ageMs) + ' ago');
      return known;
    });
    // Those that somebody has chosen stay, although no frame shows them any more.
    const order = new Map(items.map((one, i) => [one, i]));
    items = [...next, ...before.filter((one) => one.box.checked)];
    items.sort((a, b) => (order.get(a) ?? -1) - (order.get(b) ?? -1)); // nothing jumps under the pointer
    const elements = items.map((one) => one.element);
    if (elements.length !== grid.children.length || elements.some((element, i) => grid.children[i] !== element)) {
      const focused = document.activeElement;
      fill(grid, elements);
      grid.contains(focused) && focused.focus();
    }
    count();
    if (items.length > 0) {
      say(status, plural(items.length, 'unknown object', 'unknown objects'));
    } else {
      say(status, reading ? 'Reading earlier events…' : 'Everything that cameras have shown lately is known.');
    }
  }, (error) => error.status && say(status, error.message));
}
