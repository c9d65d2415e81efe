/** What the page says around the picture: progress, rate, what is saved, messages. */

import { Locked } from "./api.js";

const TOAST_MS = 2600;
const PACE_WINDOW_MS = 300_000;
const RIBBON_BEHIND = 24;

const $ = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat("en");

export class Hud {
  constructor() {
    this.toastTimer = 0;
    this.decidedAt = [];
  }

  session({ folder, reviewer }) {
    document.title = `${folder.split(/[\\/]/).filter(Boolean).pop() ?? folder} · graspseg review`;
    this.reviewer(reviewer);
  }

  reviewer(name) {
    $("who-name").textContent = name;
  }

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

  /** @param {object} info the frame shown; `pending` its decision on the way: undefined when there is none. */
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

  loading(stem) {
    $("stem").textContent = `Loading ${stem}…`;
    $("confidence").textContent = "";
    $("decision").hidden = true;
  }

  /** Cells for the frames around the current one: {confidence, decision, skipped}. */
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

  /** Where everything is that was done in this page: see `whereabouts`. */
  saved({ state, text, means }) {
    if ($("saved").dataset.state === state && $("saved-text").textContent === text) return;
    $("saved").dataset.state = state;
    $("saved").title = `${means} (U)`;
    $("saved-text").textContent = text;
  }

  /** @param {{waiting: number, trouble: Error | null}} outbox what is on its way, and what holds it back. */
  trouble({ waiting, trouble }) {
    if (trouble) this.banner(troubleSentence(trouble, waiting.length), { retry: true });
    else this.clearTrouble();
  }

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

  say(sentence) {
    const toast = $("toast");
    toast.textContent = sentence;
    toast.classList.add("shown");
    clearTimeout(this.toastTimer);
    this.toastTimer = setTimeout(() => toast.classList.remove("shown"), TOAST_MS);
  }

  /** Says why no frame is shown; null: one is. */
  finished(title, sentence = "") {
    $("finished").hidden = title === null;
    if (title === null) return;
    $("finished-title").textContent = title;
    $("finished-text").textContent = sentence;
    $("stem").textContent = "No frame";
    for (const id of ["decision", "painted", "held"]) $(id).hidden = true;
    $("confidence").textContent = "";
  }
}

/** What to do, when actions or pictures cannot get through. */
export function troubleSentence(error, waiting) {
  const kept = waiting ? ` ${waiting} ${waiting === 1 ? "action is" : "actions are"} kept in this browser.` : "";
  if (error instanceof Locked) {
    return `The server was started anew: open the address it printed, in this browser.${kept}`;
  }
  return `${error.message} Trying again by itself.${kept} You can go on.`;
}
