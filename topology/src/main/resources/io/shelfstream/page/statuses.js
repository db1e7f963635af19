// Each status has a colour, a line and a sign, so that no one needs to tell green from red.

export const STATUSES = {
  MATCH: {sign: '✓', word: 'known', colour: '#0a7d3c', text: '#ffffff', dash: []},
  AMBIGUOUS: {sign: '≈', word: 'ambiguous', colour: '#ffb000', text: '#201600', dash: [10, 4]},
  UNKNOWN: {sign: '?', word: 'unknown', colour: '#c5221f', text: '#ffffff', dash: [3, 4]},
};

export const statusOf = (object) => STATUSES[object.status] ?? STATUSES.UNKNOWN;

export function caption(object) {
  const score = typeof object.score === 'number' ? ' ' + object.score.toFixed(2) : '';
  return `${statusOf(object).sign} ${object.label ?? 'unknown'}${score}`;
}

/** The same beside a box: shorter where nothing is known. */
export const label = (object) => (object.label ? caption(object) : caption(object).replace(' unknown', ''));

/** "5 known, 1 unknown", for those who do not see the boxes. */
export function summary(objects) {
  const counts = Object.keys(STATUSES)
    .map((status) => [objects.filter((object) => object.status === status).length, STATUSES[status].word])
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`);
  return counts.length === 0 ? 'nothing found' : counts.join(', ');
}
