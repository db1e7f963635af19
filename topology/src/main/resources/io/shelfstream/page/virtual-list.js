// A long list of which only the rows in sight exist.
import {h} from './dom.js';

const PAGE = 100;

export class VirtualList {
  /**
   * @param height of a row in pixels; the style sheet must agree
   * @param fetchPage (offset, limit) → {total, items}
   * @param row (item) → element
   */
  constructor({height, label, fetchPage, row, failed}) {
    Object.assign(this, {height, fetchPage, row, failed});
    this.space = h('ul', {class: 'rows', 'aria-label': label});
    this.element = h('div', {class: 'virtual', tabindex: 0, role: 'group', 'aria-label': label + ', scrolling'}, this.space);
    this.element.addEventListener('scroll', () => this.draw());
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.element);
    this.generation = 0;
    this.clear();
  }

  clear() {
    this.generation++;
    this.pages = new Map();
    this.rows = new Map();
    this.total = 0;
  }

  /** Shows a list from its begin; returns how long it is. */
  async reload(keepsPlace = false) {
    const place = keepsPlace ? this.element.scrollTop : 0;
    this.clear();
    const generation = this.generation;
    const page = Math.floor(place / this.height / PAGE);
    const got = await this.fetchPage(page * PAGE, PAGE);
    if (generation !== this.generation) {
      return this.total;
    }
    const focused = [...this.space.children].find((row) => row.contains(document.activeElement))?.ariaPosInSet;
    this.total = got.total;
    this.pages.set(page, got.items);
    this.space.style.height = `${got.total * this.height}px`;
    this.space.replaceChildren();
    this.element.scrollTop = place;
    this.draw();
    this.rows.get(Number(focused) - 1)?.querySelector('a')?.focus({preventScroll: true});
    return this.total;
  }

  draw() {
    const first = Math.max(0, Math.floor(this.element.scrollTop / this.height) - 5);
    const last = Math.min(this.total, Math.ceil((this.element.scrollTop + this.element.clientHeight) / this.height) + 5);
    for (const [index, row] of this.rows) {
      if ((index < first || index >= last) && !row.contains(document.activeElement)) {
        row.remove();
        this.rows.delete(index);
      }
    }
    for (let index = first; index < last; index++) {
      if (this.rows.has(index)) {
        continue;
      }
      const items = this.pages.get(Math.floor(index / PAGE));
      if (Array.isArray(items)) {
        this.add(index, items[index % PAGE]);
      } else if (items === undefined) {
        this.load(Math.floor(index / PAGE));
      }
    }
  }

  add(index, item) {
    if (item === undefined) {
      return; // the list became shorter meanwhile
    }
    const row = h('li', {'aria-setsize': this.total, 'aria-posinset': index + 1}, this.row(item));
    row.style.top = `${index * this.height}px`;
    this.rows.set(index, row);
    const after = [...this.rows.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
    this.space.insertBefore(row, after === undefined ? null : this.rows.get(after)); // in the order of the tabulator
  }

  async load(page) {
    this.pages.set(page, 'on its way');
    const generation = this.generation;
    try {
      const got = await this.fetchPage(page * PAGE, PAGE);
      if (generation === this.generation) {
        this.pages.set(page, got.items);
        this.draw();
      }
    } catch (failure) {
      if (generation === this.generation) {
        this.pages.delete(page);
        this.failed(failure);
      }
    }
  }

  close() {
    this.generation++;
    this.resized.disconnect();
  }
}
