// Short messages at the edge, read aloud, with an action where there is one.
import {h} from './dom.js';

const place = document.getElementById('messages');

/** @return removes it */
export function message(text, {action, onaction, ms = 6000, kind = ''} = {}) {
  const shown = h('div', {class: 'message ' + kind}, h('span', {}, text),
    action ? h('button', {type: 'button', onclick: () => { gone(); onaction(); }}, action) : null);
  const timer = setTimeout(() => gone(), ms);
  const gone = () => { clearTimeout(timer); shown.remove(); };
  place.append(shown);
  return gone;
}

export const failure = (error) => message(error.message, {kind: 'bad', ms: 12_000});
