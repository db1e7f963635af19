// How the service does: its own metrics, as they come.
import {health, text} from './api.js';
import {Chart} from './chart.js';
import {fill, h} from './dom.js';
import {mean, Metrics, rate} from './metrics.js';
import {poll} from './poll.js';
import {bytes, milliseconds, number} from './text.js';

const STAGES = ['fetch', 'decode', 'detect', 'extract', 'search'];

export function healthView({main, signal}) {
  const facts = h('dl', {class: 'facts service'});
  const parts = h('ul', {class: 'parts', 'aria-label': 'Parts of the service'});
  const charts = {
    rate: new Chart('Throughput', ['frames/s', 'by callers/s'], (value) => number(value, 1)),
    lag: new Chart('Lag', ['records'], (value) => number(value)),
    latency: new Chart('Latency', ['capture to event'], milliseconds),
    stages: new Chart('Time by stage', STAGES, milliseconds),
    gallery: new Chart('Gallery', ['photos'], (value) => number(value)),
    memory: new Chart('Memory', ['process', 'Java heap'], bytes),
  };
  main.append(facts, h('div', {class: 'charts'}, Object.values(charts).map((chart) => chart.element)), h('h2', {}, 'Parts'), parts);
  let before = null;
  poll(2000, signal, async () => {
    const [written, state] = await Promise.all([text('/metrics', {signal}), health({signal})]);
    const now = new Metrics(written, performance.now());
    const info = now.tags('shelfstream_info');
    const fact = (name, value) => (value ? h('div', {}, h('dt', {}, name), h('dd', {}, value)) : null);
    fill(facts,
      fact('State', state.status === 'up' ? 'ready' : state.state.toLowerCase()), fact('Provider', info.provider), fact('Role', info.role),
      fact('Gallery version', Number.isFinite(now.max('shelfstream_gallery_version')) ? number(now.max('shelfstream_gallery_version')) : ''),
      fact('Detector', info.detector), fact('Extractor', info.extractor), fact('Version', info.version));
    fill(parts, state.parts.length === 0 ? h('li', {}, state.reason)
      : state.parts.map((part) => h('li', {class: part.state === 'READY' ? 'good' : 'bad'}, h('b', {}, part.name), ` ${part.state.toLowerCase()}: ${part.reason}`)));
    if (before) {
      charts.rate.add([rate(before, now, 'shelfstream_frames_recognized_total'), rate(before, now, 'shelfstream_http_answers_total')]);
      charts.latency.add([mean(before, now, 'shelfstream_latency_seconds')]);
      charts.stages.add(STAGES.map((stage) => mean(before, now, 'shelfstream_stage_time_seconds', {stage})));
    }
    charts.lag.add([now.sum('shelfstream_lag_records')]);
    charts.gallery.add([now.max('shelfstream_gallery_photos')]);
    charts.memory.add([now.sum('process_resident_memory_bytes'), now.sum('jvm_memory_used_bytes', {area: 'heap'})]);
    before = now;
  });
}
