/** Starts the page. */

import { Api, untilAnswered } from "./api.js";
import { App } from "./app.js";
import { clientName } from "./client.js";
import { Controls } from "./controls.js";
import { $ } from "./dom.js";
import { Hud, troubleSentence } from "./hud.js";
import { loadSettings } from "./settings.js";
import { Store } from "./store.js";
import { takeToken, token } from "./token.js";
import { Tools } from "./tools.js";
import { Viewer } from "./viewer.js";
import { whereabouts } from "./whereabouts.js";

/** @import { Palette, Session } from "./types" */

/**
 * Name of the person, remembered by tab first, so that two people can share a browser.
 *
 * @param {Session} session
 * @param {string | null} asked
 */
function reviewerName(session, asked) {
  return asked ?? sessionStorage.getItem("reviewer") ?? localStorage.getItem("graspseg-reviewer") ?? session.reviewer;
}

/**
 * @param {Api} api
 * @param {Hud} hud
 * @returns {Promise<Session>}
 */
function sessionOf(api, hud) {
  return untilAnswered(async () => {
    try {
      return await api.session();
    } catch (error) {
      hud.banner(troubleSentence(/** @type {Error} */ (error), 0));
      throw error;
    }
  });
}

async function start() {
  const asked = new URLSearchParams(location.search).get("reviewer");
  takeToken();
  history.replaceState(null, "", "/");
  const hud = new Hud();
  const api = new Api(await clientName(), token);
  const session = await sessionOf(api, hud);
  hud.clearBanner();
  api.reviewer = reviewerName(session, asked);
  if (asked) sessionStorage.setItem("reviewer", asked);
  hud.session({ folder: session.folder, reviewer: api.reviewer });
  hud.progress(session.progress);

  const store = new Store(session.folder);
  const keeps = await store.open();
  const kept = await store.load();
  const settings = loadSettings();
  /** @type {Palette} */
  const palette = Object.fromEntries(session.classes.map(({ value, color }) => [value, color]));
  const viewer = new Viewer($("stage"), palette, settings);
  const app = new App({ api, store, kept, session, viewer, hud });
  const tools = new Tools(viewer, settings, {
    onPainted: () => app.keepDraft(),
    onPointed: (point) => app.pointAt(point),
    onNoted: (point) => app.notePixel(point),
    say: (sentence) => app.say(sentence),
  });
  new Controls(app, viewer, tools, settings);
  app.trail.onRenewed = () => {
    if (app.ready) app.describe();
    app.say("There is a new confidence: by it, what is left comes in a new order.");
  };
  $("stage").focus({ preventScroll: true });
  if (session.read_only) hud.banner(session.read_only);
  else if (!keeps) hud.say("This browser keeps nothing: strokes that are not accepted are lost on reload.");
  addEventListener("beforeunload", (event) => ["pending", "unkept"].includes(whereabouts(app).state) && event.preventDefault());
  addEventListener("pagehide", () => api.release().catch(() => {}));
  await app.start();
}

start();
