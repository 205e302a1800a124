// The address of a view, such as #/wells/0071/F-12?from=2020-01-01&log=1: its page, and what of the page is shown. Who
// opens it sees the same. This is the one place that reads and writes it.

let followers = []; // {keys, follow}

// {path, query} of this hash; a copy, so that what is set in it changes nothing.
export function read(hash = location.hash) {
  const [path, query] = hash.slice(1).split(/\?(.*)/s);
  return { path, query: new URLSearchParams(query) };
}

// Sets some keys and leaves the others as they are; null and "" take one out. A `step` is one that Back takes back; what
// is typed sign by sign is none.
export function write(changes, { step = true } = {}) {
  const { path, query } = read();
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || value === undefined || value === "") query.delete(key);
    else query.set(key, value);
  }
  const hash = `#${path}${query.size ? `?${query}` : ""}`;
  if (hash !== location.hash) history[step ? "pushState" : "replaceState"](null, "", hash);
}

// Calls `follow(query)` when Back, Forward or a link has changed one of these keys alone, until `signal`. A page that
// follows its own keys is not made anew.
export function watch(keys, follow, signal) {
  const follower = { keys, follow };
  followers.push(follower);
  signal.addEventListener("abort", () => (followers = followers.filter((each) => each !== follower)));
}

// Whether those who watch have shown all that is new in the address since `before`, the hash that it had.
export function isFollowed(before) {
  const [old, now] = [read(before), read()];
  const keys = new Set([...old.query.keys(), ...now.query.keys()]);
  const changed = [...keys].filter((key) => old.query.get(key) !== now.query.get(key));
  const isWatched = (key) => followers.some(({ keys }) => keys.includes(key));
  if (old.path !== now.path || !changed.length || !changed.every(isWatched)) return false;
  for (const { keys, follow } of followers) if (keys.some((key) => changed.includes(key))) follow(now.query);
  return true;
}
