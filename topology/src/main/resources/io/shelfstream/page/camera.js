// One camera: its newest frame large, its objects, and the frames before it.
import {json, picture} from './api.js';
import {legend} from './cameras.js';
import {fill, h, say} from './dom.js';
import {Frame} from './frame.js';
import {load, ObjectList, objectsOf} from './objects.js';
import {poll} from './poll.js';
import {summary} from './statuses.js';
import {milliseconds} from './text.js';

const STRIP = 12;

export function camera({main, signal, argument: name}) {
  const frame = new Frame('Camera ' + name, 4 / 3);
  const problem = h('p', {class: 'problem'});
  const when = h('p', {class: 'summary'}, 'Asking…');
  const live = h('button', {type: 'button', hidden: true, onclick: () => { chosen = null; showNext(); }}, '▶ Follow the newest frame');
  const strip = h('ul', {class: 'strip', 'aria-label': 'Earlier frames'});
  const list = new ObjectList((object) => frame.choose(object));
  const large = h('div', {class: 'large'}, h('div', {class: 'picture'}, frame.canvas, problem), list.element);
  main.append(h('p', {}, h('a', {href: '#/cameras'}, '← All cameras')), when, legend(),
    large,
    h('h2', {}, 'Earlier frames'), live, strip);
  let events = [];
  let chosen = null; // null: the newest
  let shown = null;
  let loading = false;

  frame.canvas.addEventListener('mousemove', (event) => list.point(frame.at(event)));
  frame.canvas.addEventListener('click', (event) => {
    const object = frame.at(event);
    if (object) {
      chosen ??= shown; // a frame that is looked at stays
      list.select(object);
      mark();
    }
  });

  /** Whether somebody looks at an object of the frame, so that it must not go. */
  const isRead = () =>
    list.element.contains(document.activeElement) || (Boolean(list.open) && large.matches(':hover'));

  function mark() {
    live.hidden = chosen === null;
    for (const item of strip.children) {
      item.firstChild.setAttribute('aria-pressed', String(item.dataset.event === shown?.eventId));
    }
  }

  async function showNext() {
    const event = chosen ?? events[0];
    mark();
    if (loading || !event || shown?.eventId === event.eventId) {
      return;
    }
    if (chosen === null && isRead()) {
      return;
    }
    loading = true;
    let image = null;
    try {
      image = await createImageBitmap(await picture(`/api/cameras/picture?event=${event.eventId}&width=1280`, {signal}));
      say(problem, '');
    } catch (failure) {
      if (signal.aborted) {
        return;
      }
      image = await createImageBitmap(new ImageData(16, 9));
      say(problem, failure.message);
    } finally {
      loading = false;
    }
    shown = event;
    const objects = objectsOf(event);
    frame.show(image, {width: event.imageWidth || 16, height: event.imageHeight || 9}, objects);
    list.show(objects);
    frame.canvas.dataset.event = event.eventId;
    say(when, `${event.frameId} · ${new Date(event.capturedAt).toLocaleTimeString()} · ${summary(objects)} · ${milliseconds(event.timings.total)} in the service · gallery version ${event.versions.galleryVersion}`);
    mark();
    if ((chosen ?? events[0]) !== event) {
      showNext();
    }
  }

  function showStrip() {
    const wanted = events.slice(0, STRIP);
    const there = new Map([...strip.children].map((item) => [item.dataset.event, item]));
    fill(strip, wanted.map((event) => there.get(event.eventId) ?? thumbnail(event)));
    mark();
  }

  function thumbnail(event) {
    const image = h('img', {alt: '', class: 'photo'});
    load(image, `/api/cameras/picture?event=${event.eventId}&width=160`, signal);
    return h('li', {'data-event': event.eventId},
      h('button', {type: 'button', 'aria-pressed': 'false', onclick: () => { chosen = event; showNext(); }},
        image, h('span', {}, new Date(event.capturedAt).toLocaleTimeString())));
  }

  let stripAt = 0;
  poll(1000, signal, async () => {
    const after = events[0]?.eventId ?? '';
    const now = await json(`/api/cameras/events?camera=${encodeURIComponent(name)}&after=${encodeURIComponent(after)}`, {signal});
    const known = new Set(events.map((event) => event.eventId));
    events = [...now.events.filter((event) => !known.has(event.eventId)), ...events].slice(0, 24);
    if (events.length === 0) {
      say(when, now.reading ? 'Reading earlier events…' : 'This camera has shown no frame lately.');
    }
    await showNext();
    if (Date.now() - stripAt > 4000 && events.length > 0) {
      stripAt = Date.now(); // pictures of the strip cost as much as those of the wall
      showStrip();
    }
  }, (failure) => failure.status && say(when, failure.message));
  signal.addEventListener('abort', () => frame.close());
}
