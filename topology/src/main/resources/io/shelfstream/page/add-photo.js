// Adding a photo: drop it, cut it out, name the product, and see when searches find it.
import {json, post, query} from './api.js';
import {Crop} from './crop.js';
import {field, fill, h} from './dom.js';
import {dropPlace, keepPage} from './drop.js';

/** A picture that another view hands over, with the part that was chosen there. */
let handedOver = null;

export function handOver(blob, box) {
  handedOver = {blob, box};
}

export function addPhoto({main, heading, signal, argument: known}) {
  keepPage(signal);
  heading.textContent = known ? `Add a photo of ${known}` : 'Add a product';
  const crop = new Crop();
  const label = field('Name', {name: 'label', required: true, autocomplete: 'off'}, 'As events report it');
  const id = field('Product id', {name: 'productId', autocomplete: 'off'}, 'Empty: the name');
  const gtin = field('GTIN', {name: 'gtin', inputmode: 'numeric', pattern: '[0-9]{8}|[0-9]{12,14}', autocomplete: 'off'}, '8, 12, 13 or 14 digits; may be empty');
  const detect = h('input', {type: 'checkbox', name: 'detect'});
  const add = h('button', {class: 'main', disabled: true}, 'Add to the gallery');
  const steps = h('ol', {class: 'steps', 'aria-live': 'polite'});
  let photo = null;

  const take = async (blob, box = null) => {
    try {
      await crop.show(blob, box);
      photo = blob;
      add.disabled = false;
      fill(steps);
      label.input.focus();
    } catch {
      fill(steps, h('li', {class: 'bad'}, `${blob.name ?? 'This file'} is no picture that this browser can show. JPEG, PNG, WebP and BMP can be added.`));
    }
  };
  const form = h('form', {class: 'edit', onsubmit: async (event) => {
    event.preventDefault();
    const name = label.input.value.trim();
    add.disabled = true;
    fill(steps, h('li', {}, '… Sent, waiting until searches find it'));
    const begun = performance.now();
    try {
      const done = await post('/api/gallery/photos?' + query({
        productId: id.input.value.trim() || name, label: name, gtin: gtin.input.value.trim(),
        crop: crop.box?.join(',') ?? '', detect: detect.checked && !crop.box ? 'true' : '', wait: 'searchable',
      }), photo);
      const ms = Math.round(performance.now() - begun);
      fill(steps,
        done.searchable
          ? h('li', {class: 'good'}, `✓ SEARCHABLE after ${ms} ms: the next frame with it is recognised.`)
          : h('li', {}, 'It is published, but searches do not find it yet. It will be in the list of products.'),
        (done.status?.warnings ?? []).map((text) => h('li', {class: 'warned'}, '⚠ ' + text)),
        h('li', {}, h('a', {href: '#/product/' + encodeURIComponent(id.input.value.trim() || name)}, 'See the product'),
          ', or drop the next photo.'));
      known || id.input.value || (id.input.value = name); // the next photo is of the same product, most likely
    } catch (error) {
      fill(steps, h('li', {class: 'bad'}, `${error.reason ? error.reason + ': ' : ''}${error.message}`));
    } finally {
      add.disabled = false;
    }
  }}, label.row, id.row, gtin.row,
  h('label', {class: 'check'}, detect, ' Let the service find the product on the photo (where no part is chosen)'), add, steps);
  main.append(
    h('p', {}, h('a', {href: '#/gallery'}, '← All products')),
    h('div', {class: 'large'}, h('div', {}, dropPlace('Drop a photo here, or choose a file', take), crop.element), form));
  if (known) {
    id.input.value = known;
    json('/api/gallery?' + query({product: known, limit: 1}), {signal})
      .then((page) => { label.input.value ||= page.photos[0]?.label ?? known; gtin.input.value ||= page.photos[0]?.gtin ?? ''; })
      .catch(() => {});
  }
  if (handedOver) {
    take(handedOver.blob, handedOver.box);
    handedOver = null;
  }
}
