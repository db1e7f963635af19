// Numbers and times as people read them.

export const number = (value, digits = 0) =>
  value.toLocaleString(undefined, {minimumFractionDigits: digits, maximumFractionDigits: digits});

export const percent = (share) => number(100 * share) + ' %';

export function age(ms) {
  if (ms < 10_000) {
    return number(ms / 1000, 1) + ' s';
  }
  const units = [[86_400_000, 'd'], [3_600_000, 'h'], [60_000, 'min'], [1000, 's']];
  const [size, unit] = units.find(([size]) => ms >= size);
  return Math.floor(ms / size) + ' ' + unit;
}

export const milliseconds = (ms) => (ms < 1000 ? number(ms) + ' ms' : number(ms / 1000, 1) + ' s');

export function bytes(value) {
  return value < 2 ** 30 ? number(value / 2 ** 20) + ' MiB' : number(value / 2 ** 30, 1) + ' GiB';
}

export const plural = (count, one, many) => `${number(count)} ${count === 1 ? one : many}`;
