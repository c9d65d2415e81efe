/** Windows above the page: keys, queue, conflict, and the panel with evidence and history. */

import { helpSections } from "./keys.js";

const $ = (id) => document.getElementById(id);

export function anyOpen() {
  return document.querySelector("dialog[open]") !== null;
}

function answerOf(dialog) {
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue), { once: true }));
}

export async function showHelp() {
  if (!$("help-body").childElementCount) $("help-body").append(...helpSections());
  const close = (event) => event.key === "?" && $("help").close();
  $("help").addEventListener("keydown", close);
  await answerOf($("help"));
  $("help").removeEventListener("keydown", close);
}

/** @returns {Promise<{order, filter, reviewer} | null>} null when cancelled. */
export async function askQueue({ order, filter, reviewer }, reviewers) {
  const dialog = $("queue");
  for (const [name, value] of Object.entries({ order, filter })) {
    dialog.querySelector(`input[name="${name}"][value="${value}"]`).checked = true;
  }
  $("reviewer").value = reviewer;
  reviewers
    .then((all) => {
      const parts = Object.entries(all).map(([who, { accepted, rejected }]) => `${who}: ${accepted} accepted, ${rejected} rejected`);
      $("reviewers").textContent = parts.join(" · ");
    })
    .catch(() => ($("reviewers").textContent = ""));
  const enter = (event) => {
    if (event.key !== "Enter" || event.target.value === "cancel") return;
    event.preventDefault();
    dialog.close("go");
  };
  dialog.addEventListener("keydown", enter);
  const said = await answerOf(dialog);
  dialog.removeEventListener("keydown", enter);
  if (said !== "go") return null;
  const chosen = (name) => dialog.querySelector(`input[name="${name}"]:checked`).value;
  return { order: chosen("order"), filter: chosen("filter"), reviewer: $("reviewer").value.trim() || reviewer };
}

function inWords(action) {
  if (action.kind === "labels") return "what you painted";
  if (action.kind === "undo") return "your undo";
  return action.decision ? `your “${action.decision}”` : "your undo";
}

/** One side of a conflict in words: what was done last, and which labels there are. */
function inState({ revision, labels_version: version, decision, last }) {
  const labels = { none: "no labels", refused: "labels that are a link", unreadable: "unreadable labels" };
  const parts = [];
  if (decision !== undefined) parts.push(decision ? `${decision}${last ? ` by ${last.reviewer}` : ""}` : "open");
  if (typeof revision === "number") parts.push(`revision ${revision}`);
  if (version) parts.push(labels[version] ?? `labels ${version.slice(0, 6)}`);
  return parts.join(", ");
}

/** Whose work stands when two were at one frame; Esc keeps theirs. @returns {Promise<"mine" | "theirs">} */
export async function askConflict(actions, error) {
  const dialog = $("conflict");
  const mine = actions.map(inWords).join(" and ");
  $("conflict-text").textContent = error.message;
  const strokes = actions.some((action) => action.draft) ? " Your strokes stay in this browser either way." : "";
  $("conflict-mine").textContent = `Frame ${actions[0].stem}: ${mine} was not saved.${strokes}`;
  $("conflict-both").hidden = !(error.frame && error.seen);
  if (error.frame && error.seen) {
    $("conflict-seen").textContent = inState(error.seen);
    $("conflict-now").textContent = inState(error.frame);
  }
  $("conflict-theirs-button").textContent = error.frame ? "Keep theirs (K)" : "Leave it (K)";
  $("conflict-mine-button").textContent = error.frame ? "Save mine (M)" : "Try again (M)";
  const press = ({ key }) => {
    if (key.toLowerCase() === "k") dialog.close("theirs");
    if (key.toLowerCase() === "m") dialog.close("mine");
  };
  dialog.addEventListener("keydown", press);
  const said = await answerOf(dialog);
  dialog.removeEventListener("keydown", press);
  return said === "mine" ? "mine" : "theirs";
}

function table(rows) {
  const element = document.createElement("table");
  for (const cells of rows) {
    const line = element.insertRow();
    for (const cell of cells) line.insertCell().textContent = cell;
  }
  return element;
}

function heading(text) {
  const element = document.createElement("h2");
  element.textContent = text;
  return element;
}

/** Fills the panel beside the picture: size, history, evidence. */
export function fillInfo(info, pictures, history) {
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
