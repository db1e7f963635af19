// What is wrong with the service as a whole, with the reason.
import {connection, health} from './api.js';
import {fill, h} from './dom.js';
import {poll} from './poll.js';

const place = document.getElementById('banner');
let shown = '';

function show(kind, title, reason) {
  const text = title + reason;
  if (text !== shown) {
    shown = text;
    place.className = kind;
    fill(place, title ? [h('strong', {}, title), ' ', h('span', {}, reason)] : []);
  }
}

const lost = () => show('lost', 'Connection lost.', 'What you see is what was last known. Trying again…');

export function banner() {
  connection.addEventListener('lost', lost);
  connection.addEventListener('back', () => show('', '', ''));
  poll(2000, new AbortController().signal, async () => {
    const now = await health();
    const reading = now.readings.map((one) => `${one.topic}: ${one.percent} % read`).join(', ');
    const parts = now.parts.filter((part) => part.state !== 'READY').map((part) => `${part.name}: ${part.reason}`);
    if (now.status === 'up') {
      show('', '', '');
    } else {
      show('bad', `Not ready (${now.state.toLowerCase()}).`, [now.reason, ...parts, reading].filter(Boolean).join('; '));
    }
  });
}
