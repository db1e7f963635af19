// The token of the service, kept for this tab only.
import {h} from './dom.js';

const KEY = 'shelfstream.token';
let asking = null;

export const token = () => sessionStorage.getItem(KEY);

/** Asks until there is another token than the one that was refused; several callers share the question. */
export function askForToken(refused) {
  if (token() !== refused) {
    return Promise.resolve();
  }
  asking ??= new Promise((resolve) => {
    const input = h('input', {type: 'password', name: 'token', autocomplete: 'current-password', required: true});
    const dialog = h('dialog', {'aria-labelledby': 'token-title', class: 'token'},
      h('form', {method: 'dialog', onsubmit: (event) => {
        event.preventDefault();
        sessionStorage.setItem(KEY, input.value.trim());
        dialog.remove();
        asking = null;
        resolve();
      }},
      h('h2', {id: 'token-title'}, 'Token'),
      h('p', {}, refused
        ? 'The service does not accept this token. Please give the value of http.token.'
        : 'This service asks for a token. Please give the value of http.token; it is kept until this tab is closed.'),
      h('label', {class: 'field'}, h('span', {}, 'Token'), input),
      h('button', {class: 'main'}, 'Continue')));
    dialog.addEventListener('cancel', (event) => event.preventDefault());
    document.body.append(dialog);
    dialog.showModal();
    input.focus();
  });
  return asking;
}
