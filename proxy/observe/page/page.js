// Puts in what the front door sends, once a second. It asks for nothing else, stores nothing and
// offers nothing to press; without it the page loads itself anew every five seconds.

/** The door sends something each second. */
const STALE_AFTER_MS = 5000;
const AGAIN_AFTER_MS = 5000;

const live = document.getElementById('live');
let lastMs = Date.now();

/** Parts that could not be put in yet, by id. */
const waiting = new Map();

function putAll(parts) {
  for (const [id, text] of Object.entries(parts)) waiting.set(id, text);
  for (const [id, text] of waiting) {
    const element = document.getElementById(id);
    if (element === null || isBeingCopied(element)) continue;
    element.innerHTML = text;
    waiting.delete(id);
  }
}

/** A selection would be gone if its text were put in anew. */
function isBeingCopied(element) {
  const selection = document.getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(element, true);
}

function show(state, text) {
  document.documentElement.dataset.live = state;
  if (live.textContent !== text) live.textContent = text;
}

function connect() {
  const source = new EventSource('events');
  source.addEventListener('parts', ({ data }) => {
    const { title, parts } = JSON.parse(data);
    lastMs = Date.now();
    document.title = title;
    putAll(parts);
    show('yes', 'live');
  });
  source.addEventListener('error', () => {
    // It connects again by itself, unless it was told to go away: too many are looking.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_AFTER_MS);
  });
}

// Old figures must not pass for good ones.
setInterval(() => {
  const silentMs = Date.now() - lastMs;
  if (silentMs < STALE_AFTER_MS) return;
  show(
    'no',
    `no news from the front door for ${Math.round(silentMs / 1000)} s: what is shown is old`,
  );
}, 1000);

connect();
