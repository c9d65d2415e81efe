/** Windows above the page: keys, queue, conflict, and the panel with evidence and history. */

import { $, dialogOf, inputOf } from "./dom.js";
import { helpSections } from "./keys.js";

/** @import { Conflict, Refused } from "./api.js" */
/** @import { Action, Filter, FrameInfo, HistoryEvent, Order, Pictures } from "./types" */

export function anyOpen() {
  return document.querySelector("dialog[open]") !== null;
}

/**
 * @param {HTMLDialogElement} dialog
 * @returns {Promise<string>}
 */
function answerOf(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

export async function showHelp() {
  const help = dialogOf("help");
  if (!$("help-body").childElementCount) $("help-body").append(...helpSections());
  /** @param {KeyboardEvent} event */
  const close = (event) => event.key === "?" && help.close();
  help.addEventListener("keydown", close);
  await answerOf(help);
  help.removeEventListener("keydown", close);
}

/**
 * @param {{order: Order, filter: Filter, reviewer: string}} now
 * @param {Promise<Record<string, {accepted: number, rejected: number}>>} reviewers what each has done.
 * @returns {Promise<{order: Order, filter: Filter, reviewer: string} | null>} null when cancelled.
 */
export async function askQueue({ order, filter, reviewer }, reviewers) {
  const dialog = dialogOf("queue");
  /** @param {string} selector */
  const radio = (selector) => /** @type {HTMLInputElement} */ (dialog.querySelector(`input${selector}`));
  for (const [name, value] of Object.entries({ order, filter })) {
    radio(`[name="${name}"][value="${value}"]`).checked = true;
  }
  inputOf("reviewer").value = reviewer;
  reviewers
    .then((all) => {
      const parts = Object.entries(all).map(([who, { accepted, rejected }]) => `${who}: ${accepted} accepted, ${rejected} rejected`);
      $("reviewers").textContent = parts.join(" · ");
    })
    .catch(() => ($("reviewers").textContent = ""));
  /** @param {KeyboardEvent} event */
  const enter = (event) => {
    if (event.key !== "Enter" || (event.target instanceof HTMLButtonElement && event.target.value === "cancel")) return;
    event.preventDefault();
    dialog.close("go");
  };
  dialog.addEventListener("keydown", enter);
  const said = await answerOf(dialog);
  dialog.removeEventListener("keydown", enter);
  if (said !== "go") return null;
  const nextOrder = /** @type {Order} */ (radio('[name="order"]:checked').value);
  const nextFilter = /** @type {Filter} */ (radio('[name="filter"]:checked').value);
  return { order: nextOrder, filter: nextFilter, reviewer: inputOf("reviewer").value.trim() || reviewer };
}

/** @param {Action} action */
function inWords(action) {
  if (action.kind === "labels") return "what you painted";
  if (action.kind === "undo") return "your undo";
  return action.decision ? `your “${action.decision}”` : "your undo";
}

/**
 * One side of a conflict in words: what was done last, and which labels there are.
 *
 * @param {{revision?: number | null, labels_version?: string | null, decision?: string | null, last?: {reviewer: string} | null}} side
 */
function inState({ revision, labels_version: version, decision, last }) {
  /** @type {Record<string, string>} */
  const labels = { none: "no labels", refused: "labels that are a link", unreadable: "unreadable labels" };
  const parts = [];
  if (decision !== undefined) parts.push(decision ? `${decision}${last ? ` by ${last.reviewer}` : ""}` : "open");
  if (typeof revision === "number") parts.push(`revision ${revision}`);
  if (version) parts.push(labels[version] ?? `labels ${version.slice(0, 6)}`);
  return parts.join(", ");
}

/**
 * Whose work stands when two were at one frame; Esc keeps theirs.
 *
 * @param {Action[]} actions
 * @param {Conflict | Refused} error
 * @returns {Promise<"mine" | "theirs">}
 */
export async function askConflict(actions, error) {
  const dialog = dialogOf("conflict");
  const frame = "frame" in error ? error.frame : undefined;
  const seen = "seen" in error ? error.seen : undefined;
  const mine = actions.map(inWords).join(" and ");
  $("conflict-text").textContent = error.message;
  const strokes = actions.some((action) => action.draft) ? " Your strokes stay in this browser either way." : "";
  $("conflict-mine").textContent = `Frame ${actions[0].stem}: ${mine} was not saved.${strokes}`;
  $("conflict-both").hidden = !(frame && seen);
  if (frame && seen) {
    $("conflict-seen").textContent = inState(seen);
    $("conflict-now").textContent = inState(frame);
  }
  $("conflict-theirs-button").textContent = frame ? "Keep theirs (K)" : "Leave it (K)";
  $("conflict-mine-button").textContent = frame ? "Save mine (M)" : "Try again (M)";
  /** @param {KeyboardEvent} event */
  const press = ({ key }) => {
    if (key.toLowerCase() === "k") dialog.close("theirs");
    if (key.toLowerCase() === "m") dialog.close("mine");
  };
  dialog.addEventListener("keydown", press);
  const said = await answerOf(dialog);
  dialog.removeEventListener("keydown", press);
  return said === "mine" ? "mine" : "theirs";
}

/** @param {string[][]} rows */
function table(rows) {
  const element = document.createElement("table");
  for (const cells of rows) {
    const line = element.insertRow();
    for (const cell of cells) line.insertCell().textContent = cell;
  }
  return element;
}

/** @param {string} text */
function heading(text) {
  const element = document.createElement("h2");
  element.textContent = text;
  return element;
}

/**
 * Fills the panel beside the picture: size, history, evidence.
 *
 * @param {FrameInfo} info
 * @param {Pictures} pictures
 * @param {HistoryEvent[]} history
 */
export function fillInfo(info, pictures, history) {
  /** @param {number} value */
  const number = (value) => (Number.isInteger(value) ? String(value) : Number(value).toPrecision(3));
  const evidence = Object.entries(info.evidence ?? {}).map(([name, value]) => [name.replaceAll("_", " "), number(value)]);
  const facts = [["size", `${pictures.width} × ${pictures.height}`], ["depth unit", `${number(pictures.unitM * 1000)} mm`]];
  const events = history.map(({ at_s: at, reviewer, action }) => [
    `${new Date(at * 1000).toLocaleString()}`,
    `${reviewer}: ${action}`,
  ]);
  $("info").replaceChildren(
    heading("Frame"),
    table([...facts, ...pictures.unreadable.map((sentence) => ["unreadable", sentence])]),
    heading("History"),
    table(events.length ? events : [["nothing yet", ""]]),
    ...(evidence.length ? [heading("Evidence"), table(evidence)] : []),
  );
}
