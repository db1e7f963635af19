// A picture on which a part is chosen: with the pointer, or by four numbers.
import {h} from './dom.js';

export class Crop {
  constructor() {
    this.canvas = h('canvas', {class: 'crop', 'aria-label': 'Picture; draw a box around the product', role: 'img'});
    this.inputs = ['Left', 'Top', 'Right', 'Bottom'].map((name) =>
      h('input', {type: 'number', 'aria-label': name + ' edge in pixels', min: 0, step: 1, oninput: () => this.typed()}));
    this.whole = h('button', {type: 'button', class: 'quiet', onclick: () => this.set(null)}, 'Whole picture');
    this.element = h('div', {class: 'cropping', hidden: true}, this.canvas,
      h('fieldset', {}, h('legend', {}, 'Part that shows the product'), this.inputs, this.whole));
    this.box = null;
    let from = null;
    this.canvas.addEventListener('pointerdown', (event) => {
      from = this.place(event);
      this.canvas.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    this.canvas.addEventListener('pointermove', (event) => {
      if (from) {
        const to = this.place(event);
        this.set([Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])]);
      }
    });
    this.canvas.addEventListener('pointerup', () => {
      from = null;
      if (this.box && (this.box[2] - this.box[0] < 8 || this.box[3] - this.box[1] < 8)) {
        this.set(null); // a click
      }
    });
  }

  /** @param box chosen at first, or null */
  async show(blob, box = null) {
    this.image?.close();
    this.image = await createImageBitmap(blob);
    this.element.hidden = false;
    this.set(box);
  }

  place(event) {
    const shown = this.canvas.getBoundingClientRect();
    const within = (value, most) => Math.round(Math.max(0, Math.min(most, value)));
    return [
      within(((event.clientX - shown.left) * this.image.width) / shown.width, this.image.width),
      within(((event.clientY - shown.top) * this.image.height) / shown.height, this.image.height),
    ];
  }

  typed() {
    const numbers = this.inputs.map((input) => Number.parseInt(input.value, 10));
    if (numbers.every(Number.isFinite) && numbers[2] > numbers[0] && numbers[3] > numbers[1]) {
      this.box = numbers;
      this.draw();
    }
  }

  set(box) {
    this.box = box;
    const {width, height} = this.image;
    (box ?? [0, 0, width, height]).forEach((value, i) => { this.inputs[i].value = value; });
    this.draw();
  }

  draw() {
    const {image, box, canvas} = this;
    const scale = Math.min(1, 1280 / Math.max(image.width, image.height));
    canvas.width = image.width * scale;
    canvas.height = image.height * scale;
    const paint = canvas.getContext('2d');
    paint.drawImage(image, 0, 0, canvas.width, canvas.height);
    if (box) {
      const [x1, y1, x2, y2] = box.map((value) => value * scale);
      paint.fillStyle = 'rgba(0, 0, 0, 0.55)';
      paint.beginPath();
      paint.rect(0, 0, canvas.width, canvas.height);
      paint.rect(x1, y1, x2 - x1, y2 - y1);
      paint.fill('evenodd');
      paint.strokeStyle = '#ffffff';
      paint.lineWidth = 3;
      paint.strokeRect(x1, y1, x2 - x1, y2 - y1);
    }
  }
}
