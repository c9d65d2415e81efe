/** What the page says around the picture: progress, rate, what is saved, messages. */

import { Locked } from "./api.js";
import { $ } from "./dom.js";

/** @import { Outbox } from "./outbox.js" */
/** @import { Decision, FrameInfo, Progress } from "./types" */

const TOAST_MS = 2600;
const PACE_WINDOW_MS = 300_000;
const RIBBON_BEHIND = 24;

const whole = new Intl.NumberFormat("en");

export class Hud {
  constructor() {
    this.toastTimer = 0;
    this.bannerRetries = false;
    /** @type {number[]} */
    this.decidedAt = [];
  }

  /** @param {{folder: string, reviewer: string}} session */
  session({ folder, reviewer }) {
    document.title = `${folder.split(/[\\/]/).filter(Boolean).pop() ?? folder} · graspseg review`;
    this.reviewer(reviewer);
  }

  /** @param {string} name */
  reviewer(name) {
    $("who-name").textContent = name;
  }

  /** @param {Progress} progress */
  progress({ all, todo, accepted, rejected, acceptance_rate: rate }) {
    const checked = all - todo;
    $("bar-accepted").style.width = `${(100 * accepted) / Math.max(1, all)}%`;
    $("bar-rejected").style.width = `${(100 * rejected) / Math.max(1, all)}%`;
    $("track").setAttribute("aria-valuemax", String(all));
    $("track").setAttribute("aria-valuenow", String(checked));
    $("counts").textContent = `${whole.format(checked)} of ${whole.format(all)} checked · ${whole.format(rejected)} rejected`;
    $("rate").textContent = rate === null ? "–" : `${(100 * rate).toFixed(rate === 1 ? 0 : 1)} %`;
  }

  decided() {
    this.decidedAt.push(Date.now());
    this.decidedAt = this.decidedAt.filter((at) => at > Date.now() - PACE_WINDOW_MS);
    const minutes = Math.max((Date.now() - this.decidedAt[0]) / 60_000, 0.25);
    if (this.decidedAt.length > 2) $("pace").textContent = (this.decidedAt.length / minutes).toFixed(0);
  }

  /**
   * @param {FrameInfo} info the frame shown.
   * @param {{pending?: Decision | null, painted: boolean, skipped: boolean}} now pending: its decision on the way,
   *   undefined when there is none.
   */
  frame(info, { pending, painted, skipped }) {
    $("stem").textContent = info.stem;
    $("stem").title = info.stem;
    $("confidence").textContent = info.confidence === null ? "no confidence" : `confidence ${info.confidence.toFixed(2)}`;
    const decision = pending === undefined ? info.decision : pending;
    const by = info.last?.reviewer && pending === undefined ? ` by ${info.last.reviewer}` : "";
    $("decision").hidden = !decision && !skipped;
    $("decision").className = `chip ${decision ?? ""}`;
    $("decision").textContent = decision ? `${decision === "accepted" ? "✓" : "✕"} ${decision}${by}` : "skipped";
    $("painted").hidden = !painted && !info.edited;
    $("painted").textContent = painted ? "painted, not saved" : "painted";
    $("held").hidden = !info.held_by;
    $("held").textContent = `${info.held_by} has it open`;
  }

  /** @param {string} stem */
  loading(stem) {
    $("stem").textContent = `Loading ${stem}…`;
    $("confidence").textContent = "";
    $("decision").hidden = true;
  }

  /**
   * Cells for the frames around the current one: {confidence, decision, skipped}.
   *
   * @param {{confidence?: number | null, decision: Decision | null, skipped: boolean}[]} cells
   * @param {number} current
   */
  ribbon(cells, current) {
    $("ribbon").replaceChildren(
      ...cells.map(({ confidence, decision, skipped }, i) => {
        const cell = document.createElement("i");
        cell.className = [decision ?? "", skipped && !decision ? "skipped" : "", i === current ? "current" : ""].join(" ");
        cell.style.setProperty("--level", `${Math.round(100 * (confidence ?? 0))}%`);
        return cell;
      }),
    );
  }

  get ribbonBehind() {
    return RIBBON_BEHIND;
  }

  /**
   * Where everything is that was done in this page: see `whereabouts`.
   *
   * @param {{state: string, text: string, means: string}} where
   */
  saved({ state, text, means }) {
    if ($("saved").dataset.state === state && $("saved-text").textContent === text) return;
    $("saved").dataset.state = state;
    $("saved").title = `${means} (U)`;
    $("saved-text").textContent = text;
  }

  /** @param {Outbox} outbox what is on its way, and what holds it back. */
  trouble({ waiting, trouble }) {
    if (trouble) this.banner(troubleSentence(trouble, waiting.length), { retry: true });
    else this.clearTrouble();
  }

  /**
   * @param {string} sentence
   * @param {{retry?: boolean}} [how]
   */
  banner(sentence, { retry = false } = {}) {
    this.bannerRetries = retry;
    $("banner").hidden = false;
    $("banner-text").textContent = sentence;
    $("banner-retry").hidden = !retry;
  }

  /** What could not get through has; a banner that says something else stays. */
  clearTrouble() {
    if (this.bannerRetries) this.clearBanner();
  }

  clearBanner() {
    this.bannerRetries = false;
    $("banner").hidden = true;
  }

  /** @param {string} sentence */
  say(sentence) {
    const toast = $("toast");
    toast.textContent = sentence;
    toast.classList.add("shown");
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => toast.classList.remove("shown"), TOAST_MS);
  }

  /** Whether a screen says why no frame is shown. */
  get isFinished() {
    return !$("finished").hidden;
  }

  /** Takes away what was said of a frame that is left. */
  hush() {
    clearTimeout(this.toastTimer);
    $("toast").classList.remove("shown");
  }

  /**
   * Says why no frame is shown; null: one is.
   *
   * @param {string | null} title
   * @param {string} [sentence]
   * @param {string[]} [commands] what to do next on the command line.
   */
  finished(title, sentence = "", commands = []) {
    $("finished").hidden = title === null;
    if (title === null) return;
    this.hush();
    $("next-steps").hidden = commands.length === 0;
    $("next-commands").textContent = commands.join("\n");
    $("finished-title").textContent = title;
    $("finished-text").textContent = sentence;
    $("stem").textContent = "No frame";
    for (const id of ["decision", "painted", "held"]) $(id).hidden = true;
    $("confidence").textContent = "";
  }

  /**
   * The pixel under the pointer, and how many were noted.
   *
   * @param {string} here
   * @param {number} noted
   */
  pixel(here, noted) {
    $("pixel").hidden = !here && !noted;
    $("pixel-here").textContent = here;
    $("pixel-noted").textContent = `${noted} noted`;
    for (const id of ["pixel-noted", "pixel-copy", "pixel-drop"]) $(id).hidden = noted === 0;
  }
}

/**
 * What to do, when actions or pictures cannot get through.
 *
 * @param {Error} error
 * @param {number} waiting
 */
export function troubleSentence(error, waiting) {
  const kept = waiting ? ` ${waiting} ${waiting === 1 ? "action is" : "actions are"} kept in this browser.` : "";
  if (error instanceof Locked) {
    return `The server was started anew: open the address it printed, in this browser.${kept}`;
  }
  return `${error.message} Trying again by itself.${kept} You can go on.`;
}
