/**
 * The name of this tab, under which the server sets frames aside for it. A tab opened again takes the name of one that
 * died, so that the frames of the dead one need not wait for their lease to end; two living tabs never share a name.
 */

import { randomId } from "./api.js";

const NAMES = "graspseg-clients";
const KEPT = 8;
const PATIENCE_MS = 300; // a page that is being reloaded lets go of its name a moment later

/** Holds a name for as long as the page lives; false when another tab has it. */
function hold(name, patienceMs) {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(patienceMs);
    const forever = () => {
      resolve(true);
      return new Promise(() => {});
    };
    navigator.locks.request(`graspseg-client-${name}`, { signal }, forever).catch(() => resolve(false));
  });
}

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
    sessionStorage.setItem("client", own ?? randomId());
    return sessionStorage.getItem("client");
  }
  let name = own && (await hold(own, PATIENCE_MS)) ? own : null;
  for (const candidate of knownNames()) {
    if (name) break;
    if (candidate !== own && (await hold(candidate, PATIENCE_MS / 10))) name = candidate;
  }
  if (!name) {
    name = randomId();
    await hold(name, PATIENCE_MS);
  }
  sessionStorage.setItem("client", name);
  localStorage.setItem(NAMES, JSON.stringify([...new Set([name, ...knownNames()])].slice(0, KEPT)));
  return name;
}
