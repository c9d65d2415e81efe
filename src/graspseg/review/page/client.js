/**
 * The name of this tab, under which the server sets frames aside for it. A tab opened again takes the name of one that
 * died, so that the frames of the dead one need not wait for their lease to end; two living tabs never share a name.
 */

import { randomId } from "./api.js";

const NAMES = "graspseg-clients";
const KEPT = 8;
const PATIENCE_MS = 1000; // a page that is being reloaded lets go of its name a moment later

/**
 * Holds a name for as long as the page lives; false when another tab has it. `waits`: gives the other a moment.
 *
 * @param {string} name
 * @param {{waits?: boolean}} [how]
 * @returns {Promise<boolean>}
 */
function hold(name, { waits = false } = {}) {
  const options = waits ? { signal: AbortSignal.timeout(PATIENCE_MS) } : { ifAvailable: true };
  return new Promise((resolve) => {
    /** @param {Lock | null} lock */
    const forever = (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {});
    };
    navigator.locks.request(`graspseg-client-${name}`, options, forever).catch(() => resolve(false));
  });
}

/** @returns {string[]} */
function knownNames() {
  try {
    return JSON.parse(localStorage.getItem(NAMES) ?? "[]");
  } catch {
    return [];
  }
}

/** @returns {Promise<string>} */
export async function clientName() {
  const own = sessionStorage.getItem("client");
  if (!navigator.locks) {
    const alone = own ?? randomId();
    sessionStorage.setItem("client", alone);
    return alone;
  }
  let name = own && (await hold(own, { waits: true })) ? own : null;
  for (const candidate of knownNames()) {
    if (name) break;
    if (candidate !== own && (await hold(candidate))) name = candidate;
  }
  if (!name) {
    name = randomId();
    await hold(name);
  }
  sessionStorage.setItem("client", name);
  localStorage.setItem(NAMES, JSON.stringify([...new Set([name, ...knownNames()])].slice(0, KEPT)));
  return name;
}
