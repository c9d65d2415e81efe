/** The review itself: which frame is shown, what was decided about it, and what must not get lost. */

import { Refused, untilAnswered } from "./api.js";
import { settleConflict } from "./conflict.js";
import { Editor } from "./editor.js";
import { Frames } from "./frames.js";
import { troubleSentence } from "./hud.js";
import { Outbox, seenIn } from "./outbox.js";
import { Trail } from "./trail.js";
import { whereabouts } from "./whereabouts.js";

const SLOW_MS = 150; // a frame that takes longer to load says so
const RENEW_MS = 40_000; // leases end after two minutes
const ASK_AGAIN_MS = 3000;
const STEPS_KEPT = 200;
const SENDING_FIRST_MS = 3000;

export class App {
  /** @param {{drafts: object[], outbox: object[]}} kept what an earlier page left behind. */
  constructor({ api, store, kept, session, viewer, hud }) {
    Object.assign(this, { api, store, session, viewer, hud });
    this.trail = new Trail(api);
    this.frames = new Frames(api);
    this.drafts = new Map(kept.drafts.map(({ id, draft }) => [id, draft]));
    this.outbox = new Outbox(api, store, kept.outbox);
    this.steps = []; // what `undo` can take back: {id, stem, decision, actions, draft}
    this.skipped = new Set();
    this.shown = null; // {info, pictures, seen} of the frame on the stage; seen: its revision and labels when it came
    this.left = new Map(); // revision and labels that this page's last action left, by id
    this.turn = 0;
    this.conflicts = Promise.resolve();
    this.onFrame = () => {};
    this.onLook = () => {};
    this.#listen();
  }

  #listen() {
    const { outbox, store, hud } = this;
    outbox.addEventListener("change", () => hud.trouble(outbox));
    for (const source of [outbox, store]) source.addEventListener("change", () => hud.saved(whereabouts(this)));
    outbox.addEventListener("confirmed", ({ detail }) => this.#confirmed(detail));
    outbox.addEventListener("conflict", ({ detail }) => {
      this.conflicts = this.conflicts.then(() => settleConflict(this, detail));
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

  get editor() {
    return this.viewer.editor;
  }

  say(sentence) {
    this.hud.say(sentence);
  }

  #decisionOf(id) {
    const pending = this.outbox.pendingDecision(id);
    return pending === undefined ? (this.trail.infos.get(id)?.decision ?? null) : pending;
  }

  /** Whether a frame that is to be decided has been, as far as this page knows. */
  #isOver(id) {
    return this.trail.filter === "todo" && this.#decisionOf(id) !== null;
  }

  /** Asks for the frames that follow and loads their pictures ahead. */
  async refill() {
    try {
      const progress = await this.trail.refill((id) => this.#isOver(id));
      this.hud.progress(progress);
      if (!this.outbox.trouble) this.hud.clearTrouble();
      this.#ribbon();
      this.frames.prepare([...this.trail.ahead]);
    } catch (error) {
      this.#trouble(error);
      throw error;
    }
  }

  /** One step forward; `past` passes over visited frames that are decided. */
  async advance({ past = false, at = null } = {}) {
    let id = this.#forward(past);
    if (id === null) {
      await untilAnswered(() => this.refill());
      id = this.#forward(past);
    }
    if (id === null) return this.#finish();
    return this.show(id, { at });
  }

  #forward(past) {
    const step = () => this.trail.forward((id) => this.#isOver(id));
    for (let id = step(); id !== null; id = step()) {
      const over = past && (this.#isOver(id) || (this.trail.filter === "todo" && this.skipped.has(id)));
      const fresh = this.trail.position === this.trail.visited.length - 1;
      if (!over || fresh) return id;
    }
    return null;
  }

  #trouble(error) {
    if (this.outbox.trouble) return;
    this.hud.banner(troubleSentence(error, this.outbox.waiting.length), { retry: true });
  }

  #finish() {
    this.turn++;
    this.shown = null;
    const { heldByOthers } = this.trail;
    if (heldByOthers) {
      const frames = heldByOthers === 1 ? "frame is" : `${heldByOthers} frames are`;
      this.hud.finished("Wait a moment", `The last ${frames} open at other reviewers; this page goes on when one is free.`);
    } else this.hud.finished("Nothing is left here", "Every frame of this choice has been seen.\nZ takes back the last decision.");
    this.#ribbon();
    if (heldByOthers) setTimeout((turn) => turn === this.turn && this.advance(), ASK_AGAIN_MS, this.turn);
  }

  /** Shows a frame. `at`: when the key was pressed, for the time from key to picture. */
  async show(id, { at = null, fresh = false } = {}) {
    const turn = ++this.turn;
    this.hud.finished(null);
    const slow = setTimeout(() => this.hud.loading(this.trail.infos.get(id)?.stem ?? ""), SLOW_MS);
    try {
      const found = await untilAnswered(() => this.#load(id, fresh, turn));
      if (turn === this.turn) this.#present(found, at);
    } catch (error) {
      if (turn === this.turn) this.#unreadable(id, error);
    } finally {
      clearTimeout(slow);
    }
    // Not before the picture is on the screen: what is loaded ahead must not compete with it.
    if (turn === this.turn) this.viewer.onPainted(() => turn === this.turn && this.refill().catch(() => {}));
  }

  async #load(id, fresh, turn) {
    try {
      if (fresh || !this.trail.infos.has(id)) this.trail.learn(await this.api.frame(id));
      const info = this.trail.infos.get(id);
      const pictures = await this.frames.load(info);
      if (!this.outbox.trouble) this.hud.clearTrouble();
      return { info, pictures };
    } catch (error) {
      if (turn !== this.turn) return null;
      if (!(error instanceof Refused)) this.#trouble(error);
      throw error;
    }
  }

  #present({ info, pictures }, at) {
    const { revision } = info;
    this.shown = { info, pictures, seen: { revision, version: pictures.labelsVersion ?? info.labels_version } };
    const unsent = this.outbox.unsentLabels(info.id);
    const editor = new Editor({ ...pictures, labels: unsent ?? pictures.labels }, this.drafts.get(info.id));
    this.viewer.show(pictures, editor, {
      prediction: this.frames.knownPrediction(info),
      predicts: info.media.prediction !== null,
    });
    if (at !== null) this.viewer.onPainted(() => performance.measure("key-to-picture", { start: at, end: performance.now() }));
    if (pictures.unreadable.length) this.say(pictures.unreadable[0]);
    this.describe();
    this.onFrame();
    this.#predict(info, this.turn);
  }

  async #predict(info, turn) {
    if (this.viewer.prediction) return;
    const prediction = await this.frames.prediction(info).catch((error) => error instanceof Refused && this.say(error.message));
    if (turn !== this.turn) return;
    this.viewer.setPrediction(prediction || null);
    this.onLook();
  }

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
    const { id } = this.shown.info;
    const draft = this.editor.draft();
    if (draft) this.drafts.set(id, draft);
    else this.drafts.delete(id);
    const changes = draft ? { drafts: [{ id, draft }] } : { noDrafts: [id] };
    this.store.write(changes).catch(() => this.say("This browser cannot keep strokes: accept before you close the page."));
    this.describe();
  }

  decide(decision, at) {
    if (!this.ready) return this.say("Wait: the frame is not shown yet.");
    if (this.session.read_only) return this.say(this.session.read_only);
    if (this.editor.corners.length) return this.say("Close the polygon first (Enter), or drop it (Esc).");
    const { id, stem, media } = this.shown.info;
    const { seen } = this.shown;
    if (decision === "accepted" && media.labels === null && !this.editor.dirty && !this.outbox.unsentLabels(id)) {
      return this.say("This frame has no labels: paint them, take the model's (Shift T), or reject it.");
    }
    const steps = [];
    const changes = {};
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

  #remember(step) {
    this.steps.push(step);
    this.steps.splice(0, this.steps.length - STEPS_KEPT);
  }

  skip(at) {
    if (!this.ready) return this.advance({ at });
    const { id, stem } = this.shown.info;
    this.skipped.add(id);
    this.#remember({ id, stem, decision: null, draft: null, kinds: [] });
    return this.advance({ past: true, at });
  }

  previous(at) {
    const id = this.shown === null && this.trail.current !== null ? this.trail.current : this.trail.back();
    if (id === null) return this.say("This is the first frame of this visit.");
    return this.show(id, { at, fresh: !this.outbox.trouble && this.outbox.of(id).length === 0 });
  }

  /** Takes back the last decision or skip; the frame is shown again with what was painted on it. */
  undoDecision(at) {
    const step = this.steps.pop();
    if (!step) return this.#clearDecision();
    const { id, stem, draft, kinds, before } = step;
    const changes = {};
    if (draft) {
      this.drafts.set(id, draft);
      changes.drafts = [{ id, draft }];
    }
    const seen = this.left.get(id); // none yet: the answer to the action that is on its way says it
    const undone = kinds.toReversed().map((kind) => ({ kind: "undo", id, stem, ...seen, undoes: kind, leaves: before }));
    if (undone.length) this.outbox.add(undone, changes);
    this.skipped.delete(id);
    this.say(step.decision ? `Took back: ${step.decision} ${stem}` : `Back to ${stem}`);
    return this.show(this.trail.goTo(id), { at });
  }

  #clearDecision() {
    if (!this.ready || !this.#decisionOf(this.shown.info.id)) return this.say("There is nothing to take back.");
    const { id, stem } = this.shown.info;
    this.outbox.add([{ kind: "decision", id, stem, ...this.shown.seen, decision: null }]);
    return this.describe();
  }

  #confirmed({ action, answer }) {
    this.trail.learn(answer.frame);
    this.left.set(action.id, seenIn(answer.frame));
    if (this.outbox.waiting.length === 0) this.hud.progress(answer.progress);
    if (answer.warning) this.say(answer.warning);
    if (this.shown?.info.id === action.id) {
      this.shown.seen = seenIn(answer.frame);
      this.describe();
    } else this.#ribbon();
  }

  /** Starts again with another choice of frames. */
  async choose({ order, filter }) {
    this.trail.restart(order, filter);
    this.shown = null;
    this.skipped.clear();
    await this.advance();
  }
}
