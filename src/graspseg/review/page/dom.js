/** Elements of the page by their id: index.html has all of them. */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function elementOf(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${kind.name} #${id}.`);
  return found;
}

/** @param {string} id */
export const $ = (id) => elementOf(id, HTMLElement);

/** @param {string} id */
export const inputOf = (id) => elementOf(id, HTMLInputElement);

/** @param {string} id */
export const dialogOf = (id) => elementOf(id, HTMLDialogElement);
