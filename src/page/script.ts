import { constant } from './html.ts';

/**
 * Keeps the page up to date: it fetches the page anew, and puts in place what has changed. What somebody types,
 * selects, has opened or has focused stays as it is. Without it the page is as complete, and as old as its last load.
 */
export const script = constant(`
'use strict';
const every = 5000;
const live = () => document.querySelectorAll('[data-live]');
const note = document.getElementById('updated');
const pause = document.getElementById('pause');
const shown = new Map();
let timer;
let paused = false;

// One clock: the sidecar's, as it stands in the page.
const timeOf = (page) => page.getElementById('now').textContent;
let time = timeOf(document);
const say = (text, late) => {
  note.textContent = text;
  note.className = late ? 'late' : '';
};

function replace(section, next) {
  const focused = section.contains(document.activeElement) ? document.activeElement : null;
  const path = focused === null ? null : focused.id || null;
  const summaryOf = focused !== null && focused.tagName === 'SUMMARY' ? focused.parentElement.id : null;
  const open = new Map([...section.querySelectorAll('details[id]')].map((each) => [each.id, each.open]));
  const scrolled = [...section.querySelectorAll('.scroll[id]')].map(({ id, scrollLeft, scrollTop }) => [id, scrollLeft, scrollTop]);
  section.replaceChildren(...document.importNode(next, true).childNodes);
  for (const each of section.querySelectorAll('details[id]')) {
    if (open.has(each.id)) each.open = open.get(each.id);
  }
  for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo({ left, top, behavior: 'instant' });
  const again = summaryOf === null ? path && document.getElementById(path) : document.querySelector('#' + CSS.escape(summaryOf) + '>summary');
  if (again) again.focus({ preventScroll: true });
}

function keep(section) {
  const selection = document.getSelection();
  if (section.querySelector('input[type=password]')?.value) return true;
  return selection !== null && !selection.isCollapsed && selection.containsNode(section, true);
}

function show(page) {
  document.title = page.title;
  const state = page.getElementById('state');
  const own = document.getElementById('state');
  for (const section of live()) {
    const next = page.getElementById(section.id);
    if (next === null || shown.get(section.id) === next.innerHTML || keep(section)) continue;
    shown.set(section.id, next.innerHTML);
    // The one line that is read out must stay the same element, or nobody hears of its change.
    if (section.contains(own)) {
      if (own.textContent !== state.textContent) own.replaceChildren(...document.importNode(state, true).childNodes);
      state.replaceWith(own.cloneNode(true));
      const mark = section.querySelector('.state');
      mark.className = next.querySelector('.state').className;
      mark.querySelector('.mark').replaceWith(document.importNode(next.querySelector('.mark'), true));
      section.querySelector('.facts').replaceWith(document.importNode(next.querySelector('.facts'), true));
    } else replace(section, next);
  }
}

async function update() {
  clearTimeout(timer);
  if (paused || document.hidden) return;
  try {
    const answer = await fetch('/', { cache: 'no-store', redirect: 'error', signal: AbortSignal.timeout(4000) });
    if (!answer.ok) throw new Error('The answer is ' + answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    show(page);
    time = timeOf(page);
    if (!paused) say('Updated at ' + time, false);
  } catch {
    if (!paused) say('Not updated since ' + time + ': the sidecar does not answer. Trying again.', true);
  }
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(update, every);
}

function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  const folded = target === null ? null : target.closest('details');
  if (folded === null) return;
  folded.open = true;
  target.scrollIntoView();
}

// Otherwise the browser would keep the form, token and all, to send it again at a reload.
if (location.pathname !== '/') history.replaceState(null, '', location.pathname === '/explain' ? '/#result' : '/#clients');
addEventListener('hashchange', reveal);
reveal();
pause.hidden = false;
pause.addEventListener('click', () => {
  paused = !paused;
  pause.textContent = paused ? 'Resume' : 'Pause';
  if (paused) say('Paused at ' + time, false);
  else void update();
});
document.addEventListener('visibilitychange', () => void update());
say('Updated at ' + time, false);
timer = setTimeout(update, every);
`);
