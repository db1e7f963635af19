// Asking again and again, while a view is open and the page can be seen.

const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, {once: true});
  });

const seen = (signal) =>
  document.hidden
    ? new Promise((resolve) => {
        document.addEventListener('visibilitychange', resolve, {once: true, signal});
        signal.addEventListener('abort', resolve, {once: true});
      })
    : Promise.resolve();

/** Calls ask at once, then every so many milliseconds, never twice at a time; failed gets what it throws. */
export async function poll(ms, signal, ask, failed = () => {}) {
  while (!signal.aborted) {
    await seen(signal);
    if (signal.aborted) {
      return;
    }
    try {
      await ask();
    } catch (failure) {
      if (!signal.aborted) {
        failed(failure);
      }
    }
    await pause(ms, signal);
  }
}
