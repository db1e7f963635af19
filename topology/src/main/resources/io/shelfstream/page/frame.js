// A picture with its boxes, on a canvas.
import {h} from './dom.js';
import {place} from './labels.js';
import {label, statusOf, summary} from './statuses.js';

const LINE = 18;

/** A canvas that shows a picture with boxes as wide as it has room, and redraws when that changes. */
export class Frame {
  /**
   * @param name for those who do not see it
   * @param room width / height of what it lies in: higher frames become narrower
   */
  constructor(name, room) {
    this.name = name;
    this.room = room;
    this.image = null;
    this.objects = [];
    this.chosen = null;
    this.canvas = h('canvas', {role: 'img', 'aria-label': name, width: 16, height: 9});
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.canvas);
  }

  /**
   * @param image what createImageBitmap gives, at any scale
   * @param size {width, height} of the frame, whose pixels the boxes count
   */
  show(image, size, objects) {
    this.image?.close();
    this.image = image;
    this.size = size;
    this.objects = objects;
    this.chosen = null;
    this.canvas.setAttribute('aria-label', `${this.name}: ${summary(objects)}`);
    this.canvas.style.aspectRatio = `${size.width} / ${size.height}`;
    this.canvas.style.width = `${Math.min(100, (100 * size.width) / size.height / this.room)}%`;
    this.draw();
  }

  /** Shows one object before all others; null for none. */
  choose(object) {
    if (this.chosen !== object) {
      this.chosen = object;
      this.draw();
    }
  }

  /** The smallest object at a place of the screen; null when there is none. */
  at(event) {
    if (!this.size) {
      return null;
    }
    const shown = this.canvas.getBoundingClientRect();
    const x = ((event.clientX - shown.left) * this.size.width) / shown.width;
    const y = ((event.clientY - shown.top) * this.size.height) / shown.height;
    const area = ({bbox: [x1, y1, x2, y2]}) => (x2 - x1) * (y2 - y1);
    return this.objects
      .filter(({bbox: [x1, y1, x2, y2]}) => x >= x1 && x < x2 && y >= y1 && y < y2)
      .reduce((best, object) => (best === null || area(object) < area(best) ? object : best), null);
  }

  draw() {
    const width = this.canvas.clientWidth;
    if (!this.image || width === 0) {
      return;
    }
    const scale = width / this.size.width;
    const height = this.size.height * scale;
    const dots = Math.min(2, window.devicePixelRatio || 1);
    this.canvas.width = Math.round(width * dots);
    this.canvas.height = Math.round(height * dots);
    const paint = this.canvas.getContext('2d');
    paint.scale(dots, dots);
    paint.drawImage(this.image, 0, 0, width, height);
    const boxes = this.objects.map((object) => {
      const [x1, y1, x2, y2] = object.bbox;
      const text = label(object);
      const end = / ?[0-9.]*$/.exec(text)[0];
      return {object, x: x1 * scale, y: y1 * scale, w: (x2 - x1) * scale, h: (y2 - y1) * scale, text, end, short: text.slice(0, 1)};
    });
    const area = (box) => (box.object === this.chosen ? Infinity : box.w * box.h);
    boxes.sort((a, b) => area(b) - area(a));
    boxes.forEach((box) => outline(paint, box, box.object === this.chosen));
    paint.font = '600 12px system-ui, sans-serif';
    paint.textBaseline = 'middle';
    place(boxes, (text) => paint.measureText(text).width, {w: width, h: height}, LINE).forEach((at, i) => {
      if (at) {
        const {colour, text} = statusOf(boxes[i].object);
        paint.fillStyle = colour;
        paint.fillRect(at.x, at.y, at.w, at.h);
        paint.fillStyle = text;
        paint.fillText(at.text, at.x + 4, at.y + LINE / 2 + 1);
      }
    });
  }

  close() {
    this.resized.disconnect();
    this.image?.close();
    this.image = null;
  }
}

/** A white line below makes each colour visible on each picture. */
function outline(paint, box, chosen) {
  const {colour, dash} = statusOf(box.object);
  paint.setLineDash([]);
  paint.lineWidth = chosen ? 7 : 4;
  paint.strokeStyle = 'rgba(255, 255, 255, 0.85)';
  paint.strokeRect(box.x, box.y, box.w, box.h);
  paint.setLineDash(dash);
  paint.lineWidth = chosen ? 4 : 2.5;
  paint.strokeStyle = colour;
  paint.strokeRect(box.x, box.y, box.w, box.h);
  paint.setLineDash([]);
}
