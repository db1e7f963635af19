// Places for labels, so that none covers another.

const overlaps = (a, b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

/**
 * Gives each box a place for its label, the important ones first: the text that fits, whole or shortened, or none.
 *
 * @param boxes {x, y, w, h, text, end, short} in pixels of the picture as it is shown, the most important first:
 *     end is the end of the text that stays when it is shortened, short the shortest text
 * @param measure width of a text in pixels
 * @param size {w, h} of the picture
 * @param line height of a label
 * @return {x, y, w, h, text} or null for each
 */
export function place(boxes, measure, size, line) {
  const cell = 64;
  const grid = new Map(); // labels near a place: each is compared with few
  const cells = function* (rect) {
    for (let x = Math.floor(rect.x / cell); x <= Math.floor((rect.x + rect.w) / cell); x++) {
      for (let y = Math.floor(rect.y / cell); y <= Math.floor((rect.y + rect.h) / cell); y++) {
        yield x + ',' + y;
      }
    }
  };
  const isFree = (rect) => {
    for (const key of cells(rect)) {
      if (grid.get(key)?.some((other) => overlaps(rect, other))) {
        return false;
      }
    }
    return true;
  };
  return boxes.map((box) => {
    for (const text of shorter(box, measure)) {
      const w = measure(text) + 8;
      const left = Math.max(0, Math.min(box.x, size.w - w));
      for (const y of [box.y - line, box.y, box.y + box.h - line, box.y + box.h]) {
        const rect = {x: left, y, w, h: line};
        if (y >= 0 && y + line <= size.h && w <= size.w && isFree(rect)) {
          for (const key of cells(rect)) {
            grid.set(key, [...(grid.get(key) ?? []), rect]);
          }
          return {...rect, text};
        }
      }
    }
    return null;
  });
}

/** The whole text, one that is not much wider than the box, and the sign alone. */
function* shorter(box, measure) {
  const most = Math.max(box.w * 1.4, 60) - 8; // wider ones hide what stands beside
  if (measure(box.text) <= most) {
    yield box.text;
  } else {
    const begin = [...box.text.slice(0, box.text.length - box.end.length)];
    const room = most - measure('…' + box.end);
    let length = Math.min(begin.length - 1, Math.floor((begin.length * room) / measure(begin.join(''))));
    while (length > 4 && measure(begin.slice(0, length).join('')) > room) {
      length--;
    }
    if (length > 4) {
      yield begin.slice(0, length).join('') + '…' + box.end;
    }
  }
  yield box.short;
}
