// What could not be done, why, and once more.
import {json, post} from './api.js';
import {fill, h, say} from './dom.js';
import {failure, message} from './messages.js';
import {poll} from './poll.js';
import {number, plural} from './text.js';

export function deadLetters({main, signal}) {
  const status = h('p', {class: 'summary', role: 'status'}, 'Asking…');
  const counts = h('ul', {class: 'reasons', 'aria-label': 'Reasons'});
  const title = h('h2', {hidden: true}, 'Newest');
  const newest = h('ul', {class: 'letters', 'aria-label': 'Newest dead letters'});
  main.append(
    h('p', {class: 'quiet'}, 'A record that cannot be used becomes a dead letter. When its cause is mended, it can go back to its topic: each once.'),
    status, counts, title, newest);
  let shown = '';
  let wanted = null; // reason that is shown alone

  async function redrive(request, button) {
    button.disabled = true;
    try {
      const done = await post('/api/dead-letters/redrive', request);
      const sum = (by) => Object.values(by).reduce((a, b) => a + b, 0);
      const left = Object.entries(done.left).map(([why, many]) => `${many} left: ${why}`);
      message([`${plural(sum(done.redriven), 'record', 'records')} redriven.`, ...left].join(' '));
      shown = '';
      await show();
    } catch (error) {
      failure(error);
    } finally {
      button.disabled = false;
    }
  }

  async function show() {
    const now = await json('/api/dead-letters', {signal});
    const state = JSON.stringify([now, wanted]);
    if (state === shown) {
      return;
    }
    shown = state;
    const total = Object.values(now.counts).reduce((a, b) => a + b, 0);
    say(status, total === 0 && now.reading ? 'Reading the dead letters of the last day…'
      : `${plural(total, 'dead letter', 'dead letters')} in the last day`);
    const focused = document.activeElement?.dataset?.key;
    fill(counts, Object.entries(now.counts).sort((a, b) => b[1] - a[1]).map(([reason, many]) => reasonItem(reason, many)));
    const letters = now.newest.filter((letter) => wanted === null || letter.reason === wanted);
    fill(newest, letters.map(letterItem));
    title.hidden = letters.length === 0;
    if (focused) {
      main.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
    }
  }

  function reasonItem(reason, many) {
    const only = h('button', {type: 'button', class: 'quiet', 'data-key': 'only ' + reason, 'aria-pressed': String(wanted === reason), onclick: () => {
      wanted = wanted === reason ? null : reason;
      show();
    }}, h('b', {}, number(many)), ' ' + reason);
    const all = h('button', {type: 'button', 'data-key': 'all ' + reason, 'aria-label': `Redrive all of ${reason}`, onclick: () => redrive({reason}, all)}, 'Redrive all');
    return h('li', {}, only, all);
  }

  function letterItem(letter) {
    const again = h('button', {type: 'button', 'data-key': letter.place, 'aria-label': `Redrive ${letter.source}`, onclick: () => redrive({place: letter.place}, again)}, 'Redrive');
    return h('li', {'data-place': letter.place},
      h('div', {}, h('b', {}, letter.reason), h('span', {class: 'quiet'}, ` at ${letter.stage}, ${new Date(letter.at).toLocaleString()}, attempt ${letter.attempt}`)),
      h('p', {}, letter.message),
      h('small', {}, `${letter.source}${letter.key ? ' · ' + letter.key : ''}`),
      letter.redriven ? h('span', {class: 'good'}, '✓ redriven') : again);
  }

  poll(2000, signal, show, (error) => {
    if (error.status) {
      say(status, error.message);
      fill(counts);
      fill(newest);
      title.hidden = true;
    }
  });
}
