// A small line chart that grows to the right.
import {h, say} from './dom.js';

const SVG = 'http://www.w3.org/2000/svg';
const KEPT = 90;
const WIDTH = 300;
const HEIGHT = 70;

export class Chart {
  /**
   * @param lines names of the lines; each has a colour and a dash of its own
   * @param shown (value) → text
   */
  constructor(title, lines, shown) {
    this.shown = shown;
    this.title = title;
    this.svg = document.createElementNS(SVG, 'svg');
    this.svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.svg.setAttribute('preserveAspectRatio', 'none');
    this.svg.setAttribute('role', 'img');
    this.lines = lines.map((name, i) => {
      const line = document.createElementNS(SVG, 'polyline');
      line.setAttribute('class', 'line line' + i);
      this.svg.append(line);
      const value = h('b', {}, '–');
      return {line, values: [], value, key: h('li', {}, h('span', {class: 'swatch line' + i, 'aria-hidden': 'true'}), name ? name + ' ' : '', value)};
    });
    this.most = h('span', {class: 'most', 'aria-hidden': 'true'});
    this.element = h('section', {class: 'chart'}, h('h2', {}, title), h('div', {class: 'plot'}, this.svg, this.most),
      h('ul', {}, this.lines.map((one) => one.key)));
  }

  add(values) {
    this.lines.forEach((one, i) => {
      one.values.push(values[i]);
      one.values.splice(0, one.values.length - KEPT);
      say(one.value, Number.isFinite(values[i]) ? this.shown(values[i]) : '–');
    });
    const most = Math.max(0, ...this.lines.flatMap((one) => one.values.filter(Number.isFinite)));
    const scale = most === 0 ? 0 : (HEIGHT - 6) / most;
    for (const {line, values: all} of this.lines) {
      const points = all.map((value, i) => [WIDTH - (all.length - 1 - i) * (WIDTH / (KEPT - 1)), HEIGHT - 2 - value * scale]);
      line.setAttribute('points', points.filter(([, y]) => Number.isFinite(y)).map((point) => point.map((one) => one.toFixed(1)).join(',')).join(' '));
    }
    say(this.most, most === 0 ? '' : this.shown(most));
    this.svg.setAttribute('aria-label', `${this.title}: ${this.lines.map((one) => one.key.textContent).join(', ')}`);
  }
}
