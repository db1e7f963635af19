// Dark or light: as the system says, until somebody chooses.
const KEY = 'shelfstream.theme';
const system = matchMedia('(prefers-color-scheme: dark)');

const current = () => localStorage.getItem(KEY) ?? (system.matches ? 'dark' : 'light');

export function theme(button) {
  const show = () => {
    document.documentElement.dataset.theme = current();
    button.textContent = current() === 'dark' ? '☀ Light' : '☾ Dark';
    button.setAttribute('aria-label', current() === 'dark' ? 'Light colours' : 'Dark colours');
  };
  button.addEventListener('click', () => {
    localStorage.setItem(KEY, current() === 'dark' ? 'light' : 'dark');
    show();
  });
  system.addEventListener('change', show);
  show();
}
