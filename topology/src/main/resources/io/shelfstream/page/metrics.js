// Prometheus's text format, as far as this page needs it.

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)/;
const TAG = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Values of one moment. */
export class Metrics {
  constructor(text, at) {
    this.at = at;
    this.byName = new Map();
    for (const line of text.split('\n')) {
      const found = line.startsWith('#') ? null : LINE.exec(line);
      if (found) {
        const tags = Object.fromEntries([...(found[2] ?? '').matchAll(TAG)].map((tag) => [tag[1], tag[2]]));
        const values = this.byName.get(found[1]) ?? [];
        values.push({tags, value: Number(found[3])});
        this.byName.set(found[1], values);
      }
    }
  }

  all(name) {
    return this.byName.get(name) ?? [];
  }

  /** Of all tags, or those that are given; NaN where there is none. */
  sum(name, tags = {}) {
    const values = this.all(name).filter((one) => Object.entries(tags).every(([key, value]) => one.tags[key] === value));
    return values.length === 0 ? NaN : values.reduce((sum, one) => sum + one.value, 0);
  }

  max(name) {
    const values = this.all(name).map((one) => one.value).filter(Number.isFinite);
    return values.length === 0 ? NaN : Math.max(...values);
  }

  tags(name) {
    return this.all(name)[0]?.tags ?? {};
  }
}

/** Of a counter in a second, between two moments. */
export function rate(before, now, name, tags = {}) {
  const difference = now.sum(name, tags) - before.sum(name, tags);
  return difference < 0 ? NaN : difference / ((now.at - before.at) / 1000); // smaller: it began anew
}

/** Mean of a timer in ms, between two moments; NaN when nothing was timed. */
export function mean(before, now, name, tags = {}) {
  const count = now.sum(name + '_count', tags) - before.sum(name + '_count', tags);
  const sum = now.sum(name + '_sum', tags) - before.sum(name + '_sum', tags);
  return count > 0 ? (1000 * sum) / count : NaN;
}
