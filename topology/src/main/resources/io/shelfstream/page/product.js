// One product: its photos with their warnings, its names, and removing it.
import {json, post, query, remove} from './api.js';
import {field, fill, h, say} from './dom.js';
import {warningsOf} from './gallery.js';
import {failure, message} from './messages.js';
import {load} from './objects.js';
import {poll} from './poll.js';
import {plural} from './text.js';

const UNDO_MS = 8000;

/** Ids of photos that go when nobody takes it back. */
const leaving = new Map();

export function product({main, heading, signal, argument: id}) {
  const count = h('p', {class: 'summary', role: 'status'}, 'Asking…');
  const label = field('Name', {name: 'label', required: true});
  const gtin = field('GTIN', {name: 'gtin', inputmode: 'numeric', pattern: '[0-9]{8}|[0-9]{12,14}'}, '8, 12, 13 or 14 digits; empty: stays as it is');
  const save = h('button', {class: 'main'}, 'Save');
  const photos = h('ul', {class: 'photos', 'aria-label': 'Photos'});
  let version = null;
  let there = [];
  const form = h('form', {class: 'edit', onsubmit: async (event) => {
    event.preventDefault();
    save.disabled = true;
    try {
      for (const [i, photo] of there.entries()) {
        say(save, `Saving ${i + 1} of ${there.length}…`);
        await post(`/api/gallery/photo?wait=searchable&id=${encodeURIComponent(photo.galleryImageId)}`,
          {label: label.input.value.trim(), ...(gtin.input.value.trim() ? {gtin: gtin.input.value.trim()} : {})}, {method: 'PATCH'});
      }
      message('Saved. The next frames have the new name.');
      version = null;
      await show();
    } catch (error) {
      failure(error);
    } finally {
      save.disabled = false;
      say(save, 'Save');
    }
  }}, label.row, gtin.row, save);
  main.append(
    h('p', {}, h('a', {href: '#/gallery'}, '← All products')), count, form,
    h('h2', {}, 'Photos'), photos,
    h('p', {class: 'bar'},
      h('a', {class: 'button', href: '#/add/' + encodeURIComponent(id)}, '+ Add a photo'),
      h('button', {type: 'button', class: 'danger', onclick: () => {
        leave(there.map((photo) => photo.galleryImageId), `${label.input.value || id} is removed`);
        location.hash = '#/gallery';
      }}, 'Remove the product')));

  async function show() {
    const [page, warned] = await Promise.all([
      json('/api/gallery?' + query({product: id, limit: 1000}), {signal}), warningsOf(signal)]);
    const state = JSON.stringify([page.version, warned, [...leaving.keys()]]);
    if (state === version) {
      return;
    }
    const isFirst = version === null;
    version = state;
    there = page.photos.filter((photo) => !leaving.has(photo.galleryImageId));
    say(count, there.length === 0 ? 'The gallery has no photo of this product.' : `${plural(there.length, 'photo', 'photos')}, found by searches · product id ${id}`);
    if (there.length > 0) {
      say(heading, there[0].label);
      if (isFirst) {
        label.input.value = there[0].label;
        gtin.input.value = there[0].gtin ?? '';
      }
    }
    const warnings = new Map(warned.photos.map((one) => [one.galleryImageId, one.warnings]));
    fill(photos, there.map((photo) => photoItem(photo, warnings.get(photo.galleryImageId) ?? [], signal, () => show())));
  }

  poll(2000, signal, show, (error) => error.status && say(count, error.message));
}

function photoItem(photo, warnings, signal, removed) {
  const image = h('img', {alt: `Photo ${photo.galleryImageId}`, class: 'photo'});
  load(image, photo.picture + '&size=320', signal);
  return h('li', {}, image,
    h('small', {}, photo.galleryImageId),
    warnings.length > 0 ? h('ul', {class: 'warnings'}, warnings.map((text) => h('li', {}, '⚠ ' + text))) : null,
    h('button', {type: 'button', class: 'quiet', 'aria-label': `Remove photo ${photo.galleryImageId}`, onclick: () => {
      leave([photo.galleryImageId], 'The photo is removed');
      removed();
    }}, 'Remove'));
}

/** Removes photos after some seconds, in which it can be taken back without loss. */
function leave(ids, text) {
  const go = async () => {
    clearTimeout(timer);
    removeEventListener('pagehide', go);
    for (const id of ids) {
      if (leaving.has(id)) {
        // Also when the page is closed just now.
        await remove(`/api/gallery/photo?id=${encodeURIComponent(id)}`, {keepalive: true}).catch(failure);
      }
    }
    setTimeout(() => ids.forEach((id) => leaving.delete(id)), 3000); // until lists show it
  };
  ids.forEach((id) => leaving.set(id, true));
  const timer = setTimeout(go, UNDO_MS);
  addEventListener('pagehide', go);
  message(`${text} in ${UNDO_MS / 1000} seconds.`, {action: 'Undo', ms: UNDO_MS, onaction: () => {
    clearTimeout(timer);
    removeEventListener('pagehide', go);
    ids.forEach((id) => leaving.delete(id));
    message('Nothing was removed.');
  }});
}
