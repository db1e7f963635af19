// Which view is open, by the address behind #.
import {banner} from './banner.js';
import {fill, h} from './dom.js';
import {theme} from './theme.js';
import {addPhoto} from './add-photo.js';
import {camera} from './camera.js';
import {cameras} from './cameras.js';
import {deadLetters} from './dead-letters.js';
import {gallery} from './gallery.js';
import {healthView} from './health.js';
import {product} from './product.js';
import {tryPicture} from './try-picture.js';
import {unknown} from './unknown.js';

const VIEWS = {
  cameras: ['Cameras', cameras],
  camera: ['Camera', camera, 'cameras'],
  gallery: ['Gallery', gallery],
  product: ['Product', product, 'gallery'],
  add: ['Add a product', addPhoto, 'gallery'],
  unknown: ['Unknown objects', unknown],
  picture: ['Try a picture', tryPicture],
  'dead-letters': ['Dead letters', deadLetters],
  health: ['Health', healthView],
};

const main = document.getElementById('main');
let closing = new AbortController();

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // somebody typed a percent sign
  }
}

function open(isFirst) {
  closing.abort();
  closing = new AbortController();
  const [, name = 'cameras', ...rest] = location.hash.split('/');
  const [title, view, below] = VIEWS[name] ?? VIEWS.cameras;
  const argument = decoded(rest.join('/'));
  document.title = `${argument || title} – ShelfStream`;
  for (const link of document.querySelectorAll('#views a')) {
    const isOpen = link.hash === '#/' + (below ?? (VIEWS[name] ? name : 'cameras'));
    if (isOpen) {
      link.setAttribute('aria-current', 'page');
      link.scrollIntoView({block: 'nearest', inline: 'center'});
    } else {
      link.removeAttribute('aria-current');
    }
  }
  fill(main);
  const heading = h('h1', {tabindex: -1}, argument || title);
  main.append(heading);
  view({main, heading, signal: closing.signal, argument});
  if (!isFirst) {
    heading.focus({preventScroll: true});
    scrollTo(0, 0);
  }
}

theme(document.getElementById('theme'));
banner();
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#/')) {
    open(false);
  }
});
open(true);
