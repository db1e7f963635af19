// A place where a picture is dropped, pasted or chosen.
import {h} from './dom.js';

/** @param taken called with a File or Blob */
export function dropPlace(text, taken) {
  const input = h('input', {type: 'file', accept: 'image/jpeg,image/png,image/webp,image/bmp', onchange: () => {
    if (input.files.length > 0) {
      taken(input.files[0]);
      input.value = '';
    }
  }});
  const place = h('label', {class: 'drop'}, h('span', {}, text), input);
  const over = (is) => (event) => {
    event.preventDefault();
    place.classList.toggle('over', is);
  };
  place.addEventListener('dragover', over(true));
  place.addEventListener('dragleave', over(false));
  place.addEventListener('drop', (event) => {
    over(false)(event);
    const file = [...event.dataTransfer.files].find((one) => one.type.startsWith('image/')) ?? event.dataTransfer.files[0];
    if (file) {
      taken(file);
    }
  });
  return place;
}

/** What is dropped beside a drop place must not replace the page. */
export function keepPage(signal) {
  for (const name of ['dragover', 'drop']) {
    addEventListener(name, (event) => event.preventDefault(), {signal});
  }
}
