/**
 * Actions on their way to the server, one after the other, in the order they were made. An action leaves the outbox
 * only when the server has confirmed it; it is kept in the browser until then. Sending one twice does no harm: the
 * server knows it by its `request`.
 *
 * An action: {seq, request, kind: "decision" | "labels" | "undo", id, stem, revision and version (of the frame and of its
 * labels as they were seen; those that an earlier action left, once the server has told them), and by kind: decision;
 * labels and draft (the strokes they come from); undoes (a kind) and leaves (the decision there was before)}.
 */

import { Conflict, Locked, Refused, randomId } from "./api.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;

/**
 * What an action has to say it saw, of a frame as the server describes it.
 *
 * @param {FrameInfo} frame
 * @returns {Seen}
 */
export function seenIn({ revision, labels_version: version }) {
  return { revision, version };
}

/** @import { Api } from "./api.js" */
/** @import { Store } from "./store.js" */
/** @import { Action, Answer, Changes, Decision, FrameInfo, Seen, Step } from "./types" */

export class Outbox extends EventTarget {
  /**
   * Events: `change` (how many wait, and why), `confirmed` (detail: {action, answer}), `conflict` (detail: {actions,
   * error}: somebody else was faster, or the server refuses for good; the actions are not sent again, and are
   * `refused` until somebody settles that).
   *
   * @param {Api} api
   * @param {Store} store
   * @param {Action[]} kept
   */
  constructor(api, store, kept) {
    super();
    this.api = api;
    this.store = store;
    this.waiting = kept.sort((a, b) => a.seq - b.seq);
    /** @type {Action[]} */
    this.refused = [];
    this.seq = Date.now();
    /** @type {Error | null} */
    this.trouble = null; // the error that holds the first action back
    this.sending = false;
    /** @type {ReturnType<typeof setTimeout> | 0} */
    this.timer = 0;
    this.wait = FIRST_WAIT_MS;
  }

  /** The actions that the server has not confirmed. */
  get unsaved() {
    return [...this.waiting, ...this.refused];
  }

  /**
   * Makes actions of one user's step; kept in the browser while they are sent.
   *
   * @param {Step[]} steps
   * @param {Changes} [changes]
   */
  add(steps, changes = {}) {
    const actions = steps.map((step) => ({ ...step, seq: ++this.seq, request: randomId() }));
    this.waiting.push(...actions);
    this.#forget(changes.noActions ?? []);
    this.store.write({ ...changes, actions }).catch((error) => this.#complain(error));
    this.#changed();
    this.send();
    return actions;
  }

  /** @param {number} id */
  of(id) {
    return this.waiting.filter((action) => action.id === id);
  }

  /**
   * The decision on its way for a frame; undefined when there is none.
   *
   * @param {number} id
   * @returns {Decision | null | undefined}
   */
  pendingDecision(id) {
    const last = this.of(id).findLast((action) => action.kind !== "labels");
    if (!last) return undefined;
    return last.kind === "undo" ? last.leaves : last.decision;
  }

  /**
   * Labels on their way for a frame; null when there are none.
   *
   * @param {number} id
   * @returns {Uint8Array | null}
   */
  unsentLabels(id) {
    /** @type {Uint8Array | null} */
    let labels = null;
    for (const action of this.of(id)) {
      if (action.kind === "labels") labels = action.labels ?? null;
      else if (action.kind === "undo" && action.undoes === "labels") labels = null;
    }
    return labels;
  }

  retryNow() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.send();
  }

  async send() {
    if (this.sending || this.timer || !this.waiting.length) return;
    this.sending = true;
    while (this.waiting.length) {
      try {
        await this.#sendFirst();
        this.trouble = null;
        this.wait = FIRST_WAIT_MS;
      } catch (error) {
        if (!this.#meet(error)) break;
      }
      this.#changed();
    }
    this.sending = false;
    this.#changed();
  }

  async #sendFirst() {
    const action = this.waiting[0];
    const answer = await this.#call(action);
    this.waiting.shift();
    const later = this.of(action.id);
    for (const next of later) Object.assign(next, seenIn(answer.frame));
    // Before the disk is waited for: a frame whose action is neither waiting nor confirmed would count as undecided.
    this.dispatchEvent(new CustomEvent("confirmed", { detail: { action, answer } }));
    await this.store.write({ noActions: [action.seq], actions: later }).catch((error) => this.#complain(error));
  }

  /**
   * @param {Action} action
   * @returns {Promise<Answer>}
   */
  #call({ kind, id, decision, labels, revision, version, request }) {
    const seen = { revision, version };
    if (kind === "labels" && labels) return this.api.putLabels(id, labels, seen, request);
    if (kind === "undo") return this.api.undo(id, seen, request);
    return this.api.decide(id, decision ?? null, seen, request);
  }

  /**
   * Whether sending can go on with other actions at once.
   *
   * @param {unknown} error
   */
  #meet(error) {
    const final = error instanceof Conflict || (error instanceof Refused && !error.passing);
    if (final) {
      const actions = this.of(this.waiting[0].id);
      this.waiting = this.waiting.filter((action) => !actions.includes(action));
      this.refused.push(...actions);
      this.dispatchEvent(new CustomEvent("conflict", { detail: { actions, error } }));
      return true;
    }
    this.trouble = error instanceof Error ? error : new Error(String(error));
    if (error instanceof Locked) this.wait = LONGEST_WAIT_MS;
    this.timer = setTimeout(() => this.retryNow(), this.wait);
    this.wait = Math.min(LONGEST_WAIT_MS, this.wait * 2);
    return false;
  }

  /**
   * Ends a conflict: what was refused is forgotten, or what `keep` makes of it takes its place.
   *
   * @param {Action[]} actions
   * @param {Changes} [changes]
   */
  settle(actions, changes = {}) {
    const noActions = actions.map((action) => action.seq);
    this.#forget(noActions);
    return this.store.write({ ...changes, noActions });
  }

  /** @param {number[]} seqs */
  #forget(seqs) {
    this.refused = this.refused.filter(({ seq }) => !seqs.includes(seq));
  }

  /** @param {unknown} error */
  #complain(error) {
    this.dispatchEvent(new CustomEvent("unkept", { detail: error }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
