// The tabs of one browser share the sign-in: a new one asks those that are open, and signing out in one is for all.
//
// A BroadcastChannel carries it, which reaches pages of this origin in this browser alone and keeps nothing: with the
// last tab the token is gone. There is no cookie that another site's page could make the browser send.

import { session } from "./api.js";

const PATIENCE = 250; // ms; an open tab answers within a few, one that is busy when it can
// Two stages behind one name are of one origin, and not of one sign-in.
const channel = new BroadcastChannel(`wellhead-session ${new URL(".", import.meta.url).pathname}`);

// Resolves to the token of an open tab, or to null when none answers in time. One that comes after that is given to
// `late`, unless somebody has signed in or out since.
/** @param {(token: string) => void} late */
export function tokenOfAnotherTab(late) {
  /** @type {PromiseWithResolvers<string | null>} */
  const { promise, resolve } = Promise.withResolvers();
  const asker = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const heard = new AbortController();
  const deaf = () => heard.abort();
  let isLate = false;
  /** @param {MessageEvent} event */
  const listen = ({ data }) => {
    if (data?.isSignOut) return deaf();
    if (data?.to !== asker || typeof data.token !== "string") return;
    deaf();
    if (session.token) return resolve(null); // a link has signed in meanwhile
    if (isLate) late(data.token);
    else resolve(data.token);
  };
  channel.addEventListener("message", listen, { signal: heard.signal });
  session.addEventListener("end", deaf, { signal: heard.signal });
  channel.postMessage({ asker });
  setTimeout(() => ((isLate = true), resolve(null)), PATIENCE);
  return promise;
}

export function signOutEverywhere() {
  channel.postMessage({ isSignOut: true });
  session.end("left");
}

channel.addEventListener("message", ({ data }) => {
  if (!session.token) return;
  if (data?.isSignOut) session.end("left");
  else if (typeof data?.asker === "string") channel.postMessage({ to: data.asker, token: session.token });
});
