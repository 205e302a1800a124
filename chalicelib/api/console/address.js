// The address of a view, such as #/wells/0071/F-12?from=2020-01-01&log=1: its page, and what of the page is shown. Who
// opens it sees the same. This is the one place that reads and writes it.

/** @type {{keys: string[], follow: () => unknown}[]} */
let followers = []; // {keys, follow}

// {path, query} of this hash; a copy, so that what is set in it changes nothing.
export function read(hash = location.hash) {
  const [path, query] = hash.slice(1).split(/\?(.*)/s);
  return { path, query: new URLSearchParams(query) };
}

// Sets some keys and leaves the others as they are; null and "" take one out. A `step` is one that Back takes back, and is
// told to those who watch its keys; what is typed sign by sign is none.
/** @param {Changes} changes @param {{step?: boolean}} [options] */
export function write(changes, { step = true } = {}) {
  const before = location.hash;
  const { path, query } = read();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(key);
    else query.set(key, String(value));
  }
  const hash = `#${path}${query.size ? `?${readable(query)}` : ""}`;
  if (hash === before) return;
  history[step ? "pushState" : "replaceState"](null, "", hash);
  if (step) tell(changed(before));
}

// With the signs that may stand in a fragment as they are.
/** @param {URLSearchParams} query */
const readable = (query) => query.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");

// Calls `follow()` when one of these keys has changed, by a choice or by Back, Forward or a link, until `signal`. A page
// that follows its own keys is not made anew.
/** @param {string[]} keys @param {() => unknown} follow @param {AbortSignal} signal */
export function watch(keys, follow, signal) {
  const follower = { keys, follow };
  followers.push(follower);
  signal.addEventListener("abort", () => (followers = followers.filter((each) => each !== follower)));
}

// Whether those who watch show all that is new in the address since `before`, the hash that it had; then they do.
/** @param {string} before */
export function isFollowed(before) {
  const keys = changed(before);
  const isWatched = (/** @type {string} */ key) => followers.some((each) => each.keys.includes(key));
  if (read(before).path !== read().path || !keys.length || !keys.every(isWatched)) return false;
  tell(keys);
  return true;
}

/** @param {string} before */
function changed(before) {
  const [old, now] = [read(before).query, read().query];
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
}

/** @param {string[]} changes */
function tell(changes) {
  for (const { keys, follow } of followers) if (keys.some((key) => changes.includes(key))) follow();
}
