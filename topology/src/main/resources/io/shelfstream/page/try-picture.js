// Any picture: what is on it?
import {json} from './api.js';
import {handOver} from './add-photo.js';
import {legend} from './cameras.js';
import {fill, h} from './dom.js';
import {dropPlace, keepPage} from './drop.js';
import {Frame} from './frame.js';
import {ObjectList, objectsOf} from './objects.js';
import {summary} from './statuses.js';
import {milliseconds} from './text.js';

export function tryPicture({main, signal}) {
  keepPage(signal);
  const frame = new Frame('Your picture', 4 / 3);
  const status = h('p', {class: 'summary', role: 'status'}, 'The picture is recognised like a frame, and is not kept.');
  let file = null;
  const list = new ObjectList((object) => frame.choose(object), (object) =>
    object.status === 'MATCH' ? [] : h('button', {type: 'button', onclick: () => {
      handOver(file, object.wholeImage ? null : object.bbox);
      location.hash = '#/add';
    }}, 'Add it to the gallery'));
  const result = h('div', {class: 'large', hidden: true}, h('div', {class: 'picture'}, frame.canvas), list.element);
  frame.canvas.addEventListener('mousemove', (event) => list.point(frame.at(event)));
  frame.canvas.addEventListener('click', (event) => frame.at(event) && list.select(frame.at(event)));

  async function take(taken) {
    file = taken;
    fill(status, 'Recognising…');
    try {
      const event = await json('/api/recognize?camera=page', {method: 'POST', body: taken, headers: {'Content-Type': taken.type || 'application/octet-stream'}, signal});
      const objects = objectsOf(event);
      result.hidden = false;
      frame.show(await createImageBitmap(taken), {width: event.imageWidth, height: event.imageHeight}, objects);
      list.show(objects);
      fill(status, `${taken.name ?? 'Picture'}: ${summary(objects)}, in ${milliseconds(event.timings.total)}`);
    } catch (failure) {
      if (!signal.aborted) {
        result.hidden = true;
        fill(status, `${failure.reason ? failure.reason + ': ' : ''}${failure.message}`);
      }
    }
  }

  main.append(dropPlace('Drop a picture here, or choose a file', take), status, legend(), result);
  signal.addEventListener('abort', () => frame.close());
}
