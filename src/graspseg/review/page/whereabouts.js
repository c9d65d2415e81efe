/** Where what was decided and painted is: in this page, in the browser's own store, or with the server. */

/** @import { App } from "./app.js" */
/** @import { Outbox } from "./outbox.js" */
/** @import { Store } from "./store.js" */
/** @import { Draft } from "./types" */

/** @type {(number: number, one: string, many: string) => string} */
const counted = (number, one, many) => `${number} ${number === 1 ? one : many}`;

/**
 * Frames with strokes or corners that were not accepted, by id.
 *
 * @param {Map<number, Draft>} drafts
 */
function paintedFrames(drafts) {
  return [...drafts].filter(([, draft]) => draft.done.length || draft.corners.length).map(([id]) => id);
}

/**
 * The one word on it that the page gives. "saved" needs both: the server has confirmed every action, and the browser's
 * store has written to the disk that nothing is left to send.
 *
 * @param {{store: Store, outbox: Outbox, drafts: Map<number, Draft>}} work what the page has.
 * @returns {{state: "unkept" | "pending" | "kept" | "saved", text: string, means: string}}
 */
export function whereabouts({ store, outbox, drafts }) {
  const { unsaved } = outbox;
  const painted = paintedFrames(drafts);
  if (unsaved.some(({ seq }) => store.unkept.actions.has(seq)) || painted.some((id) => store.unkept.drafts.has(id))) {
    const means = "This browser cannot keep unsaved work: do not close or reload the page.";
    return { state: "unkept", text: "In this page only", means };
  }
  if (store.writing) return { state: "pending", text: "Saving…", means: "On its way to the disk." };
  if (unsaved.length) {
    const actions = counted(unsaved.length, "action is", "actions are");
    const means = `${actions} kept in this browser, and not yet confirmed by the server.`;
    return { state: "kept", text: `${unsaved.length} kept in browser`, means };
  }
  if (painted.length) {
    const means = `Strokes on ${counted(painted.length, "frame", "frames")} are kept in this browser: accept to save them.`;
    return { state: "kept", text: `${painted.length} painted, in browser`, means };
  }
  return { state: "saved", text: "Saved on server", means: "The server has everything." };
}

/**
 * Sends what waits; when nothing does, leads to the next frame whose strokes were not accepted.
 *
 * @param {App} app
 * @param {number} at
 */
export function findUnsaved(app, at) {
  const { outbox, trail } = app;
  app.say(whereabouts(app).means);
  if (outbox.waiting.length) return outbox.retryNow();
  const ids = paintedFrames(app.drafts);
  const id = ids[((trail.current === null ? -1 : ids.indexOf(trail.current)) + 1) % ids.length];
  if (id !== undefined && id !== trail.current) return app.show(trail.goTo(id), { at });
}
