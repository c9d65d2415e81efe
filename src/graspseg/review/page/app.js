/** The review itself: which frame is shown, what was decided about it, and what must not get lost. */

import { Refused, untilAnswered } from "./api.js";
import { settleConflict } from "./conflict.js";
import { Editor } from "./editor.js";
import { Frames } from "./frames.js";
import { troubleSentence } from "./hud.js";
import { Outbox, seenIn } from "./outbox.js";
import { NotedPixels, shellWord } from "./pixels.js";
import { Trail } from "./trail.js";
import { whereabouts } from "./whereabouts.js";

/** @import { Api } from "./api.js" */
/** @import { Hud } from "./hud.js" */
/** @import { Store } from "./store.js" */
/** @import { Action, Answer, Changes, Decision, Draft, Filter, FrameInfo, KeptDraft, Order, Pictures, Point, Progress, Seen, Session, Step } from "./types" */
/** @import { Viewer } from "./viewer.js" */

const SLOW_MS = 150; // a frame that takes longer to load says so
const RENEW_MS = 40_000; // leases end after two minutes
const ASK_AGAIN_MS = 3000;
const STEPS_KEPT = 200;
const SENDING_FIRST_MS = 3000;

/** @typedef {{info: FrameInfo, pictures: Pictures, seen: Seen}} Shown seen: revision and labels when it came. */

/**
 * @typedef {object} Remembered what `undo` can take back.
 * @property {number} id
 * @property {string} stem
 * @property {Decision | null} decision
 * @property {Draft | null} draft
 * @property {Decision | null} before
 * @property {Step["kind"][]} kinds
 */

export class App {
  /**
   * @param {object} parts
   * @param {Api} parts.api
   * @param {Store} parts.store
   * @param {{drafts: KeptDraft[], outbox: Action[]}} parts.kept what an earlier page left behind.
   * @param {Session} parts.session
   * @param {Viewer} parts.viewer
   * @param {Hud} parts.hud
   */
  constructor({ api, store, kept, session, viewer, hud }) {
    this.api = api;
    this.store = store;
    this.session = session;
    this.viewer = viewer;
    this.hud = hud;
    this.trail = new Trail(api);
    this.frames = new Frames(api);
    this.drafts = new Map(kept.drafts.map(({ id, draft }) => [id, draft]));
    this.outbox = new Outbox(api, store, kept.outbox);
    /** @type {Remembered[]} */
    this.steps = [];
    /** @type {Set<number>} */
    this.skipped = new Set();
    /** @type {Shown | null} the frame on the stage. */
    this.shown = null;
    /** @type {Map<number, Seen>} */
    this.left = new Map(); // revision and labels that this page's last action left, by id
    this.turn = 0;
    this.progress = session.progress;
    this.ending = false; // whether the screen of the end is shown
    this.noted = new NotedPixels();
    /** @type {Promise<void>} */
    this.conflicts = Promise.resolve();
    this.onFrame = () => {};
    this.onLook = () => {};
    this.#listen();
  }

  #listen() {
    const { outbox, store, hud } = this;
    outbox.addEventListener("change", () => hud.trouble(outbox));
    for (const source of [outbox, store]) source.addEventListener("change", () => hud.saved(whereabouts(this)));
    outbox.addEventListener("confirmed", (event) => this.#confirmed(detailOf(event)));
    outbox.addEventListener("conflict", (event) => {
      this.conflicts = this.conflicts.then(() => settleConflict(this, detailOf(event)));
    });
    outbox.addEventListener("unkept", () => hud.say("This browser cannot keep unsaved work: do not close the page yet."));
    setInterval(() => document.visibilityState === "visible" && this.refill().catch(() => {}), RENEW_MS);
  }

  async start() {
    this.hud.saved(whereabouts(this));
    // What an earlier page left is sent first, or its frames would be handed out again.
    await Promise.race([this.outbox.send(), new Promise((over) => setTimeout(over, SENDING_FIRST_MS))]);
    await this.advance();
  }

  get ready() {
    return this.shown !== null && this.shown.info.id === this.trail.current;
  }

  /**
   * Of the frame shown.
   *
   * @returns {Editor}
   */
  get editor() {
    return /** @type {Editor} */ (this.viewer.editor);
  }

  /** Why an action has no frame; on a screen that says why there is none, nothing is added. */
  sayWait() {
    if (!this.hud.isFinished) this.say("Wait: the frame is not shown yet.");
  }

  /** @param {string} sentence */
  say(sentence) {
    this.hud.say(sentence);
  }

  /** @param {Progress} progress */
  #progressed(progress) {
    this.progress = progress;
    this.hud.progress(progress);
    // The last decision may be confirmed after the end has been reached.
    if (this.ending) this.#finishWithNextSteps();
  }

  /**
   * @param {number} id
   * @returns {Decision | null}
   */
  #decisionOf(id) {
    const pending = this.outbox.pendingDecision(id);
    return pending === undefined ? (this.trail.infos.get(id)?.decision ?? null) : pending;
  }

  /**
   * Whether a frame that is to be decided has been, as far as this page knows.
   *
   * @param {number} id
   */
  #isOver(id) {
    return this.trail.filter === "todo" && this.#decisionOf(id) !== null;
  }

  /** Asks for the frames that follow and loads their pictures ahead. */
  async refill() {
    try {
      const progress = await this.trail.refill((id) => this.#isOver(id));
      this.#progressed(progress);
      if (!this.outbox.trouble) this.hud.clearTrouble();
      this.#ribbon();
      this.frames.prepare([...this.trail.ahead]);
    } catch (error) {
      this.#trouble(/** @type {Error} */ (error));
      throw error;
    }
  }

  /**
   * One step forward; `past` passes over visited frames that are decided.
   *
   * @param {{past?: boolean, at?: number | null}} [how]
   * @returns {Promise<void>}
   */
  async advance({ past = false, at = null } = {}) {
    let id = this.#forward(past);
    if (id === null) {
      await untilAnswered(() => this.refill());
      id = this.#forward(past);
    }
    if (id === null) return this.#finish();
    return this.show(id, { at });
  }

  /**
   * @param {boolean} past
   * @returns {number | null}
   */
  #forward(past) {
    const step = () => this.trail.forward((ahead) => this.#isOver(ahead));
    for (let id = step(); id !== null; id = step()) {
      const over = past && (this.#isOver(id) || (this.trail.filter === "todo" && this.skipped.has(id)));
      const fresh = this.trail.position === this.trail.visited.length - 1;
      if (!over || fresh) return id;
    }
    return null;
  }

  /** @param {Error} error */
  #trouble(error) {
    if (this.outbox.trouble) return;
    this.hud.banner(troubleSentence(error, this.outbox.waiting.length), { retry: true });
  }

  #finish() {
    this.turn++;
    this.shown = null;
    this.pointAt(null);
    const { heldByOthers } = this.trail;
    this.ending = !heldByOthers;
    if (heldByOthers) {
      const frames = heldByOthers === 1 ? "frame is" : `${heldByOthers} frames are`;
      this.hud.finished("Wait a moment", `The last ${frames} open at other reviewers; this page goes on when one is free.`);
    } else this.#finishWithNextSteps();
    this.#ribbon();
    const { turn } = this;
    if (heldByOthers) setTimeout(() => turn === this.turn && this.advance(), ASK_AGAIN_MS);
  }

  #finishWithNextSteps() {
    const { all, todo, accepted, rejected } = this.progress;
    const undo = "Z takes back the last decision.";
    if (todo > 0 || all === 0) return this.hud.finished("Nothing is left here", `Every frame of this choice has been seen.\n${undo}`);
    const folder = shellWord(this.session.folder);
    const commands = accepted
      ? [
          `graspseg train --init lite --data ${folder} --out runs/mine`,
          `graspseg review export ${folder} --out ${shellWord(`${this.session.folder}_accepted`)}`,
        ]
      : [];
    const title = all === 1 ? "The frame is checked" : `All ${all} frames are checked`;
    return this.hud.finished(title, `${accepted} accepted, ${rejected} rejected. ${undo}\nFor the next folder: graspseg review DIR.`, commands);
  }

  /**
   * Shows a frame. `at`: when the key was pressed, for the time from key to picture.
   *
   * @param {number} id
   * @param {{at?: number | null, fresh?: boolean}} [how]
   */
  async show(id, { at = null, fresh = false } = {}) {
    const turn = ++this.turn;
    this.ending = false;
    this.hud.finished(null);
    const slow = setTimeout(() => this.hud.loading(this.trail.infos.get(id)?.stem ?? ""), SLOW_MS);
    try {
      const found = await untilAnswered(() => this.#load(id, fresh, turn));
      if (found && turn === this.turn) this.#present(found, at);
    } catch (error) {
      if (turn === this.turn) this.#unreadable(id, /** @type {Error} */ (error));
    } finally {
      clearTimeout(slow);
    }
    // Not before the picture is on the screen: what is loaded ahead must not compete with it.
    if (turn === this.turn) this.viewer.onPainted(() => turn === this.turn && this.refill().catch(() => {}));
  }

  /**
   * @param {number} id
   * @param {boolean} fresh
   * @param {number} turn
   */
  async #load(id, fresh, turn) {
    try {
      let info = fresh ? undefined : this.trail.infos.get(id);
      if (!info) {
        info = await this.api.frame(id);
        this.trail.learn(info);
      }
      const pictures = await this.frames.load(info);
      if (!this.outbox.trouble) this.hud.clearTrouble();
      return { info, pictures };
    } catch (error) {
      if (turn !== this.turn) return null;
      if (!(error instanceof Refused)) this.#trouble(/** @type {Error} */ (error));
      throw error;
    }
  }

  /**
   * @param {{info: FrameInfo, pictures: Pictures}} found
   * @param {number | null} at
   */
  #present({ info, pictures }, at) {
    const { revision } = info;
    this.shown = { info, pictures, seen: { revision, version: pictures.labelsVersion ?? info.labels_version } };
    const unsent = this.outbox.unsentLabels(info.id);
    const editor = new Editor({ ...pictures, labels: unsent ?? pictures.labels }, this.drafts.get(info.id));
    this.viewer.show(pictures, editor, {
      prediction: this.frames.knownPrediction(info),
      predicts: info.media.prediction !== null,
      cut: info.depth_is_cut,
    });
    if (at !== null) this.viewer.onPainted(() => performance.measure("key-to-picture", { start: at, end: performance.now() }));
    if (pictures.unreadable.length) this.say(pictures.unreadable[0]);
    this.describe();
    this.onFrame();
    this.#predict(info, this.turn);
  }

  /**
   * @param {FrameInfo} info
   * @param {number} turn
   */
  async #predict(info, turn) {
    if (this.viewer.prediction) return;
    const prediction = await this.frames.prediction(info).catch((error) => {
      if (turn === this.turn && error instanceof Refused) this.say(error.message);
      return null;
    });
    if (turn !== this.turn) return;
    this.viewer.setPrediction(prediction);
    this.onLook();
  }

  /**
   * @param {number} id
   * @param {Error} error
   */
  #unreadable(id, error) {
    this.shown = null;
    const stem = this.trail.infos.get(id)?.stem ?? "";
    this.hud.finished(`${stem} cannot be shown`, `${error.message}\nN goes on to the next frame.`);
  }

  /** Says everything about the frame shown. */
  describe() {
    this.#ribbon();
    if (!this.shown) return;
    const { id } = this.shown.info;
    const info = this.trail.infos.get(id) ?? this.shown.info;
    this.shown.info = info;
    this.hud.frame(info, { pending: this.outbox.pendingDecision(id), painted: this.editor.dirty, skipped: this.skipped.has(id) });
  }

  #ribbon() {
    const { ids, current } = this.trail.around(this.hud.ribbonBehind);
    const cells = ids.map((id) => ({
      confidence: this.trail.infos.get(id)?.confidence,
      decision: this.#decisionOf(id),
      skipped: this.skipped.has(id),
    }));
    this.hud.ribbon(cells, current);
  }

  /** Keeps what is painted on this frame, so that a reload does not lose it. */
  keepDraft() {
    if (!this.shown) return;
    const { id } = this.shown.info;
    const draft = this.editor.draft();
    if (draft) this.drafts.set(id, draft);
    else this.drafts.delete(id);
    /** @type {Changes} */
    const changes = draft ? { drafts: [{ id, draft }] } : { noDrafts: [id] };
    this.store.write(changes).catch(() => this.say("This browser cannot keep strokes: accept before you close the page."));
    this.describe();
  }

  /**
   * Shows which pixel is under the pointer, and which were noted in this frame.
   *
   * @param {Point | null} point
   */
  pointAt(point) {
    if (!this.shown) return this.hud.pixel("", this.noted.count);
    const { info, pictures } = this.shown;
    this.viewer.setNoted(this.noted.of(info.stem));
    return this.hud.pixel(point ? pixelText(point, pictures, this.editor.labels, this.session.classes) : "", this.noted.count);
  }

  /**
   * Notes a pixel for `graspseg annotate --clicks`, or forgets it.
   *
   * @param {Point} point
   */
  notePixel(point) {
    if (this.shown) this.noted.toggle(this.shown.info.stem, point);
    this.pointAt(point);
  }

  /**
   * @param {Decision} decision
   * @param {number} at
   */
  decide(decision, at) {
    if (!this.ready || !this.shown) return this.sayWait();
    if (this.session.read_only) return this.say(this.session.read_only);
    if (this.editor.corners.length) return this.say("Close the polygon first (Enter), or drop it (Esc).");
    const { id, stem, media } = this.shown.info;
    const { seen } = this.shown;
    if (decision === "accepted" && media.labels === null && !this.editor.dirty && !this.outbox.unsentLabels(id)) {
      return this.say("This frame has no labels: paint them, take the model's (Shift T), or reject it.");
    }
    /** @type {Step[]} */
    const steps = [];
    /** @type {Changes} */
    const changes = {};
    /** @type {Draft | null} */
    let draft = null;
    if (decision === "accepted" && this.editor.dirty) {
      draft = { done: this.editor.done, undone: [], corners: [] };
      steps.push({ kind: "labels", id, stem, ...seen, labels: this.editor.labels.slice(), draft });
      changes.noDrafts = [id];
      this.drafts.delete(id);
    }
    const before = this.#decisionOf(id);
    if (before !== decision || steps.length) steps.push({ kind: "decision", id, stem, ...seen, decision });
    if (steps.length) {
      this.#remember({ id, stem, decision, draft, before, kinds: steps.map((step) => step.kind) });
      this.outbox.add(steps, changes);
      this.hud.decided();
    }
    this.skipped.delete(id);
    return this.advance({ past: true, at });
  }

  /** @param {Remembered} step */
  #remember(step) {
    this.steps.push(step);
    this.steps.splice(0, this.steps.length - STEPS_KEPT);
  }

  /** @param {number} at */
  skip(at) {
    if (!this.ready || !this.shown) return this.advance({ at });
    const { id, stem } = this.shown.info;
    this.skipped.add(id);
    this.#remember({ id, stem, decision: null, draft: null, before: null, kinds: [] });
    return this.advance({ past: true, at });
  }

  /** @param {number} at */
  previous(at) {
    const id = this.shown === null && this.trail.current !== null ? this.trail.current : this.trail.back();
    if (id === null) return this.say("This is the first frame of this visit.");
    return this.show(id, { at, fresh: !this.outbox.trouble && this.outbox.of(id).length === 0 });
  }

  /**
   * Takes back the last decision or skip; the frame is shown again with what was painted on it.
   *
   * @param {number} at
   */
  undoDecision(at) {
    const step = this.steps.pop();
    if (!step) return this.#clearDecision();
    const { id, stem, draft, kinds, before } = step;
    /** @type {Changes} */
    const changes = {};
    if (draft) {
      this.drafts.set(id, draft);
      changes.drafts = [{ id, draft }];
    }
    const seen = this.left.get(id); // none yet: the answer to the action that is on its way says it
    /** @type {Step[]} */
    const undone = kinds.toReversed().map((kind) => ({ kind: "undo", id, stem, ...seen, undoes: kind, leaves: before }));
    if (undone.length) this.outbox.add(undone, changes);
    this.skipped.delete(id);
    this.say(step.decision ? `Took back: ${step.decision} ${stem}` : `Back to ${stem}`);
    return this.show(this.trail.goTo(id), { at });
  }

  #clearDecision() {
    if (!this.ready || !this.shown || !this.#decisionOf(this.shown.info.id)) return this.say("There is nothing to take back.");
    const { id, stem } = this.shown.info;
    this.outbox.add([{ kind: "decision", id, stem, ...this.shown.seen, decision: null }]);
    return this.describe();
  }

  /** @param {{action: Action, answer: Answer}} told */
  #confirmed({ action, answer }) {
    this.trail.learn(answer.frame);
    this.left.set(action.id, seenIn(answer.frame));
    if (this.outbox.waiting.length === 0) this.#progressed(answer.progress);
    if (answer.warning) this.say(answer.warning);
    if (this.shown?.info.id === action.id) {
      this.shown.seen = seenIn(answer.frame);
      this.describe();
    } else this.#ribbon();
  }

  /**
   * Starts again with another choice of frames.
   *
   * @param {{order: Order, filter: Filter}} chosen
   */
  async choose({ order, filter }) {
    this.trail.restart(order, filter);
    this.shown = null;
    this.skipped.clear();
    await this.advance();
  }
}

/**
 * What an event of the outbox tells.
 *
 * @param {Event} event
 */
function detailOf(event) {
  return /** @type {CustomEvent} */ (event).detail;
}

/**
 * A pixel in words: place, distance, class; "" outside of the picture.
 *
 * @param {Point} point
 * @param {Pictures} pictures
 * @param {Uint8Array} labels
 * @param {Session["classes"]} classes
 */
function pixelText(point, { width, height, depth, unitM }, labels, classes) {
  const x = Math.floor(point.x);
  const y = Math.floor(point.y);
  if (x < 0 || y < 0 || x >= width || y >= height) return "";
  const index = y * width + x;
  const far = depth[index] ? `${(depth[index] * unitM).toFixed(3)} m` : "no depth";
  const label = classes.find(({ value }) => value === labels[index])?.name ?? "";
  return `x ${x}, y ${y} · ${far} · ${label}`;
}
