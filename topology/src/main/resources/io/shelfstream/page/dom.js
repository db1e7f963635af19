// Elements. Texts are never read as HTML: names come from topics that many may write to.

/** An element with attributes (on… are listeners, null is left out) and children. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  set(element, attributes);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

export function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) {
      element.addEventListener(key.slice(2), value);
    } else if (value === null || value === undefined || value === false) {
      element.removeAttribute(key);
    } else {
      element.setAttribute(key, value === true ? '' : value);
    }
  }
}

/** Puts children in the place of those that an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
}

/** Changes a text only when it is another one: screen readers read what changes. */
export function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** A labelled input. */
export function field(label, attributes, hint) {
  const input = h('input', {type: 'text', ...attributes});
  return {input, row: h('label', {class: 'field'}, h('span', {}, label), input, hint ? h('small', {}, hint) : null)};
}
