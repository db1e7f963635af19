// The products of the gallery: search, and a list of any length.
import {json, query} from './api.js';
import {h, say} from './dom.js';
import {load} from './objects.js';
import {plural} from './text.js';
import {VirtualList} from './virtual-list.js';
import {poll} from './poll.js';

export function gallery({main, signal}) {
  const search = h('input', {type: 'search', placeholder: 'Name, product id, photo id or GTIN', 'aria-label': 'Search products', name: 'search'});
  const count = h('p', {class: 'summary', role: 'status'}, 'Asking…');
  let version = null;
  let warnings = {};
  const list = new VirtualList({
    height: 76,
    label: 'Products',
    fetchPage: async (offset, limit) => {
      const page = await json('/api/gallery/products?' + query({query: search.value.trim(), offset, limit}), {signal});
      version = page.version;
      return {total: page.total, items: page.products};
    },
    row: (product) => row(product, warnings[product.productId] ?? 0, signal),
    failed: (failure) => say(count, failure.message),
  });
  main.append(
    h('div', {class: 'bar'}, search, h('a', {class: 'button main', href: '#/add'}, '+ Add a product')), count, list.element);
  const show = async (keepsPlace) => {
    const total = await list.reload(keepsPlace);
    say(count, plural(total, 'product', 'products') + (search.value.trim() ? ' found' : ''));
  };
  let typing = 0;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => show(false).catch((failure) => signal.aborted || say(count, failure.message)), 200);
  });
  poll(2000, signal, async () => {
    const [now, warned] = await Promise.all([
      json('/api/gallery?limit=1', {signal}), warningsOf(signal)]);
    const counts = {};
    for (const one of warned.photos) {
      counts[one.productId] = (counts[one.productId] ?? 0) + one.warnings.length;
    }
    if (now.version !== version || JSON.stringify(counts) !== JSON.stringify(warnings)) {
      warnings = counts;
      await show(version !== null);
    }
  }, (failure) => failure.status && say(count, failure.message));
  signal.addEventListener('abort', () => list.close());
}

/** The gallery can be used without them, as where the process may not read their topic. */
export const warningsOf = (signal) => json('/api/gallery/warnings', {signal}).catch((failure) => {
  if (failure.status) {
    return {photos: []};
  }
  throw failure;
});

function row(product, warnings, signal) {
  const image = h('img', {alt: '', class: 'photo', loading: 'lazy'});
  load(image, product.picture + '&size=96', signal);
  return h('a', {class: 'row', href: '#/product/' + encodeURIComponent(product.productId)}, image,
    h('span', {class: 'names'}, h('b', {}, product.label), h('small', {}, product.productId + (product.gtin ? ' · GTIN ' + product.gtin : ''))),
    warnings > 0 ? h('span', {class: 'warned'}, `⚠ ${plural(warnings, 'warning', 'warnings')}`) : null,
    h('span', {class: 'count'}, plural(product.photos, 'photo', 'photos')));
}
