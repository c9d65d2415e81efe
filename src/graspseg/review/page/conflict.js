/** What happens when two were at one frame, or the server refuses an action for good: the person chooses. */

import { askConflict } from "./dialogs.js";
import { seenIn } from "./outbox.js";

/** @import { Conflict, Refused } from "./api.js" */
/** @import { App } from "./app.js" */
/** @import { Action } from "./types" */

/**
 * @param {App} app
 * @param {{actions: Action[], error: Conflict | Refused}} refused what has left the outbox unsaved, all of one frame.
 */
export async function settleConflict(app, { actions, error }) {
  const { id, stem } = actions[0];
  const { outbox, trail } = app;
  const now = "frame" in error ? error.frame : undefined;
  if (now) trail.learn(now);
  const choice = await askConflict(actions, error);
  const repeated = actions.filter((action) => action.kind !== "undo");
  if (choice === "mine" && repeated.length) {
    const seen = now ? seenIn(now) : {};
    outbox.add(repeated.map((action) => ({ ...action, ...seen })), { noActions: actions.map(({ seq }) => seq) });
  } else {
    const draft = actions.find((action) => action.draft)?.draft;
    if (draft) app.drafts.set(id, draft);
    app.steps = app.steps.filter((step) => step.id !== id);
    await outbox.settle(actions, draft ? { drafts: [{ id, draft }] } : {}).catch(() => {});
    app.say(`Left as it is: ${stem}`);
  }
  if (app.shown?.info.id === id) await app.show(id, { fresh: true });
}
