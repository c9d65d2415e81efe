/**
 * What the browser keeps so that nothing painted or decided is lost when the page or the server dies: drafts (strokes
 * that are not saved) and the outbox (actions the server has not confirmed), in IndexedDB, apart for every folder.
 */

const NAME = "graspseg-review";

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("drafts", { keyPath: ["folder", "id"] });
    request.result.createObjectStore("outbox", { keyPath: ["folder", "seq"] });
  };
  return done(request);
}

/** @import { Action, Changes, KeptDraft } from "./types" */

export class Store extends EventTarget {
  /**
   * Events: `change` (a write began or ended).
   *
   * @param {string} folder the folder under review.
   */
  constructor(folder) {
    super();
    this.folder = folder;
    /** @type {IDBDatabase | null} */
    this.database = null;
    this.writing = 0; // writes whose end the disk has not confirmed
    /** @type {{drafts: Set<number>, actions: Set<number>}} */
    this.unkept = { drafts: new Set(), actions: new Set() }; // ids and seqs of what lives in this page only
  }

  /** @returns {Promise<boolean>} false where the browser keeps nothing (private windows): the page then works without. */
  async open() {
    try {
      this.database = await open();
    } catch {
      this.database = null;
    }
    return this.database !== null;
  }

  /**
   * Everything kept for this folder.
   *
   * @returns {Promise<{drafts: KeptDraft[], outbox: Action[]}>}
   */
  async load() {
    if (!this.database) return { drafts: [], outbox: [] };
    const transaction = this.database.transaction(["drafts", "outbox"]);
    const range = IDBKeyRange.bound([this.folder], [this.folder, []]);
    const [drafts, outbox] = await Promise.all([
      done(transaction.objectStore("drafts").getAll(range)),
      done(transaction.objectStore("outbox").getAll(range)),
    ]);
    return { drafts, outbox };
  }

  /**
   * Writes in one transaction, so that a draft never vanishes before its action is kept; over when the disk has it.
   *
   * @param {Changes} changes drafts and
   *   actions to keep, ids of drafts and seqs of actions to forget.
   */
  async write({ drafts = [], noDrafts = [], actions = [], noActions = [] }) {
    this.#tell(1);
    let kept = false;
    try {
      await this.#commit({ drafts, noDrafts, actions, noActions });
      kept = this.database !== null;
    } finally {
      const note = kept ? "delete" : "add";
      for (const { id } of drafts) this.unkept.drafts[note](id);
      for (const { seq } of actions) this.unkept.actions[note](seq);
      this.#tell(-1);
    }
  }

  /** @param {number} more */
  #tell(more) {
    this.writing += more;
    this.dispatchEvent(new Event("change"));
  }

  /** @param {Required<Changes>} changes */
  async #commit({ drafts, noDrafts, actions, noActions }) {
    if (!this.database) return;
    const transaction = this.database.transaction(["drafts", "outbox"], "readwrite", { durability: "strict" });
    const keptDrafts = transaction.objectStore("drafts");
    const kept = transaction.objectStore("outbox");
    for (const draft of drafts) keptDrafts.put({ ...draft, folder: this.folder });
    for (const id of noDrafts) keptDrafts.delete([this.folder, id]);
    for (const action of actions) kept.put({ ...action, folder: this.folder });
    for (const seq of noActions) kept.delete([this.folder, seq]);
    await new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }
}
