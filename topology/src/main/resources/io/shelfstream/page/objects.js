// The objects of a frame as a list; choosing one shows what it was compared with.
import {picture} from './api.js';
import {fill, h} from './dom.js';
import {caption, statusOf} from './statuses.js';

/** Objects of an event in the form that frames are drawn with. */
export const objectsOf = (event) =>
  event.objects.map((object) => ({
    ...object,
    bbox: [object.bbox.x1, object.bbox.y1, object.bbox.x2, object.bbox.y2],
  }));

/** Under a pointer that only passes, nothing is loaded. */
const REST_MS = 150;

export class ObjectList {
  /**
   * @param choose called with the object that has the focus or the pointer, or null
   * @param actions elements for an object, such as a button
   */
  constructor(choose, actions = () => []) {
    this.choose = choose;
    this.resting = 0;
    this.actions = actions;
    this.list = h('ul', {class: 'objects', 'aria-label': 'Objects'});
    this.details = h('div', {class: 'candidates', 'aria-live': 'polite'});
    this.element = h('div', {class: 'found'}, this.list, this.details);
  }

  show(objects) {
    this.buttons = new Map();
    this.open = null;
    fill(this.list, objects.map((object) => {
      const button = h('button', {
        type: 'button', class: 'object ' + object.status.toLowerCase(), 'aria-expanded': 'false',
        onfocus: () => this.select(object),
        onmouseenter: () => this.point(object), onmouseleave: () => this.point(null),
        onclick: () => this.select(object),
      }, caption(object), h('span', {class: 'spoken'}, ', ' + statusOf(object).word));
      this.buttons.set(object, button);
      return h('li', {}, button);
    }));
    fill(this.details, objects.length === 0 ? h('p', {class: 'quiet'}, 'Nothing was found on this frame.')
      : h('p', {class: 'quiet'}, 'Point at an object to see which photos it was compared with.'));
  }

  /** Shows an object when the pointer rests on it; null: it rests on none. */
  point(object) {
    this.choose(object ?? this.open);
    clearTimeout(this.resting);
    if (object !== null && object !== this.open) {
      this.resting = setTimeout(() => this.buttons.has(object) && this.select(object), REST_MS);
    }
  }

  select(object) {
    clearTimeout(this.resting);
    if (this.open === object) {
      return;
    }
    this.open = object;
    this.choose(object);
    this.buttons.forEach((button, one) => button.setAttribute('aria-expanded', String(one === object)));
    const threshold = object.margin !== undefined && object.margin !== null ? `, ahead of the next product by ${object.margin.toFixed(2)}` : '';
    fill(this.details,
      h('h3', {}, caption(object)),
      h('p', {class: 'quiet'}, `${statusOf(object).word}${threshold}`),
      this.actions(object),
      (object.candidates ?? []).length === 0
        ? h('p', {class: 'quiet'}, 'No photo of the gallery was near.')
        : h('ol', {}, object.candidates.map(candidate)));
  }
}

function candidate(one) {
  const image = h('img', {alt: '', class: 'photo'});
  load(image, `/api/gallery/picture?size=160&id=${encodeURIComponent(one.galleryImageId)}`);
  return h('li', {}, image, h('span', {}, h('a', {href: '#/product/' + encodeURIComponent(one.productId)}, one.label), h('br'),
    h('small', {}, `score ${one.score.toFixed(2)} · ${one.galleryImageId}`)));
}

/** Shows a picture of the service in an img; where there is none it says so. */
export async function load(image, path, signal) {
  try {
    const blob = await picture(path, {signal});
    const url = URL.createObjectURL(blob);
    image.addEventListener('load', () => URL.revokeObjectURL(url), {once: true});
    image.src = url;
    return blob;
  } catch (failure) {
    if (!signal?.aborted) {
      image.replaceWith(h('span', {class: 'photo none', title: failure.message, role: 'img', 'aria-label': failure.message}, 'no picture'));
    }
    return null;
  }
}
