/** Keys, buttons and sliders: each does one of the actions of the key table. */

import { anyOpen, askQueue, fillInfo, showHelp } from "./dialogs.js";
import { $, inputOf } from "./dom.js";
import { HAND, IGNORE, OBJECT } from "./editor.js";
import { actionOf } from "./keys.js";
import { saveSettings } from "./settings.js";
import { LARGEST_BRUSH } from "./tools.js";
import { findUnsaved } from "./whereabouts.js";

/** @import { App } from "./app.js" */
/** @import { Tools } from "./tools.js" */
/** @import { Viewer } from "./viewer.js" */
/** @import { Look, Rect, Settings, ToolName } from "./types" */

const STEP = { plain: 4, Shift: 24, Ctrl: 1 };
const WINDOW_STEP_M = 0.05;
const LEAVING = new Set(["accept", "reject", "skip", "next", "previous", "unsaved"]);
const LABELS = { hand: HAND, object: OBJECT, ignore: IGNORE };

/** Elements that stand for a setting, by a selector. @type {(selector: string) => NodeListOf<HTMLElement>} */
const all = (selector) => document.querySelectorAll(selector);

export class Controls {
  /**
   * @param {App} app
   * @param {Viewer} viewer
   * @param {Tools} tools
   * @param {Settings} settings
   */
  constructor(app, viewer, tools, settings) {
    this.app = app;
    this.viewer = viewer;
    this.tools = tools;
    this.settings = settings;
    /** @type {Record<string, (at: number) => unknown>} what each action of the key table does; at: when it was asked. */
    this.actions = this.#actions();
    app.onFrame = () => {
      tools.newFrame();
      this.show();
      if (!$("info").hidden) this.#info();
    };
    app.onLook = () => this.show();
    tools.onResized = () => this.show();
    addEventListener("keydown", (event) => this.#keyDown(event));
    addEventListener("keyup", (event) => event.code === "Space" && !anyOpen() && viewer.editor && tools.release());
    addEventListener("blur", () => viewer.editor && tools.release());
    for (const button of all("button[data-action]")) {
      // A click leaves the focus where it was, so that the space bar goes on painting.
      button.addEventListener("pointerdown", (event) => event.preventDefault());
      button.addEventListener("click", (event) => this.do(button.dataset.action ?? "", event));
    }
    $("banner-retry").addEventListener("click", () => app.outbox.retryNow());
    this.#sliders();
    this.show();
  }

  /** @returns {Record<string, (at: number) => unknown>} */
  #actions() {
    const { app, tools, settings } = this;
    /** @param {keyof typeof LABELS} name */
    const label = (name) => () => this.#set({ label: LABELS[name] });
    /** @param {ToolName} name */
    const tool = (name) => () => {
      tools.choose(name);
      this.show();
    };
    return {
      accept: (at) => app.decide("accepted", at),
      reject: (at) => app.decide("rejected", at),
      skip: (at) => app.skip(at),
      next: (at) => app.advance({ at }),
      previous: (at) => app.previous(at),
      undo: (at) => this.#undo(at),
      redo: () => this.#afterStroke(tools.editor.redo()),
      unsaved: (at) => findUnsaved(app, at),
      queue: () => this.#queue(),
      help: () => showHelp(),
      info: () => this.#toggleInfo(),
      notePixel: () => tools.note(),
      copyPixels: () => this.#copyPixels(),
      dropPixels: () => {
        app.noted.clear();
        app.pointAt(tools.pointer);
      },
      copyCommands: () => this.#copy($("next-commands").textContent ?? "", "The commands are copied."),
      ...this.#viewActions(),
      look: () => {
        if (!tools.cancel()) tool("look")();
      },
      brush: tool("brush"),
      eraser: tool("eraser"),
      flood: tool("flood"),
      polygon: tool("polygon"),
      hand: label("hand"),
      object: label("object"),
      ignore: label("ignore"),
      protect: () => this.#set({ protect: !settings.protect }),
      smaller: () => this.#resize(-1),
      larger: () => this.#resize(1),
      takePatch: () => tools.takeModel(),
      takeAll: () => tools.takeModel({ everywhere: true }),
      press: () => tools.press(),
      close: () => tools.close(),
      dropCorner: () => tools.dropCorner(),
    };
  }

  /** @returns {Record<string, () => void>} */
  #viewActions() {
    const { viewer, settings } = this;
    /** @param {Look["base"]} base */
    const single = (base) => () => this.#look({ base, layout: settings.layout === "both" ? "one" : settings.layout });
    /** @param {Look["layout"]} layout */
    const toggle = (layout) => () => this.#look({ layout: settings.layout === layout ? "one" : layout });
    /** @param {number} factor */
    const zoom = (factor) => () => {
      viewer.viewport.zoomBy(factor, viewer.marks.cursor ?? undefined);
      viewer.invalidate();
    };
    /** @param {number} step */
    const opacity = (step) => () => this.#look({ opacity: Math.min(1, Math.max(0, settings.opacity + step)), overlay: true });
    return {
      color: single("color"),
      depth: single("depth"),
      both: toggle("both"),
      model: toggle("model"),
      disagreement: () => this.#look({ disagreement: !settings.disagreement, overlay: true }),
      overlay: () => this.#look({ overlay: !settings.overlay }),
      clearer: opacity(-0.1),
      denser: opacity(0.1),
      nearCloser: () => this.#window(-WINDOW_STEP_M, 0),
      nearFarther: () => this.#window(WINDOW_STEP_M, 0),
      farCloser: () => this.#window(0, -WINDOW_STEP_M),
      farFarther: () => this.#window(0, WINDOW_STEP_M),
      autoWindow: () => this.#look({ window: settings.window ? null : { ...viewer.window } }),
      zoomIn: zoom(1.3),
      zoomOut: zoom(1 / 1.3),
      fit: () => {
        viewer.viewport.fit();
        viewer.invalidate();
      },
    };
  }

  /**
   * Does an action.
   *
   * @param {string} action
   * @param {MouseEvent | KeyboardEvent} event says when it was asked for.
   */
  do(action, event) {
    const needsFrame = !["help", "queue", "previous", "next", "undo", "skip", "unsaved", "copyPixels", "copyCommands"].includes(action);
    if (LEAVING.has(action)) this.tools.release(); // a stroke that is still being drawn belongs to this frame
    if (needsFrame && !this.app.ready) return this.app.sayWait();
    if (action === "left" || action === "right" || action === "up" || action === "down") return this.#arrow(action, event);
    return this.actions[action](event.timeStamp);
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    // A key that has just closed a window above the page was meant for that window.
    const target = event.target instanceof Element ? event.target : document.body;
    if (anyOpen() || target.closest("dialog") || event.isComposing || target.matches('input[type="text"]')) return;
    const action = actionOf(event);
    const button = /** @type {HTMLButtonElement | HTMLInputElement | null} */ (target.closest("button, input"));
    const own = button && (["Space", "Enter"].includes(event.code) || (event.code.startsWith("Arrow") && button.type === "range"));
    if (own) return;
    if (action === null) {
      if (event.repeat && event.code === "Space") event.preventDefault();
      return;
    }
    event.preventDefault();
    this.do(action, event);
  }

  /**
   * @param {"left" | "right" | "up" | "down"} action
   * @param {MouseEvent | KeyboardEvent} event
   */
  #arrow(action, event) {
    const [dx, dy] = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] }[action];
    if (this.tools.paints) {
      const step = event.ctrlKey ? STEP.Ctrl : event.shiftKey ? STEP.Shift : STEP.plain;
      this.tools.nudge(dx * step, dy * step);
    } else if (event.shiftKey) {
      const { pane } = this.viewer.viewport;
      this.viewer.viewport.panBy((-dx * pane.width) / 8, (-dy * pane.height) / 8);
      this.viewer.invalidate();
    } else if (action === "left") this.app.previous(event.timeStamp);
    else if (action === "right") this.app.advance({ at: event.timeStamp });
  }

  /** @param {number} at */
  #undo(at) {
    if (this.app.ready) {
      if (this.tools.cancel()) return;
      const rect = this.tools.editor.undo();
      if (rect) {
        this.#afterStroke(rect);
        return;
      }
    }
    this.app.undoDecision(at);
  }

  /** @param {Rect | null} rect */
  #afterStroke(rect) {
    if (!rect) return;
    this.viewer.relabel(rect);
    this.app.keepDraft();
  }

  /** @param {Partial<Settings>} changes */
  #set(changes) {
    Object.assign(this.settings, changes);
    this.tools.refresh();
    this.show();
  }

  /** @param {Partial<Look>} changes */
  #look(changes) {
    Object.assign(this.settings, changes);
    const { pictures, predicts } = this.viewer;
    const { base, layout, disagreement } = this.settings;
    if ((layout === "model" || disagreement) && !predicts) this.app.say("There is no prediction for this frame.");
    else if ((layout === "both" || base === "color") && !pictures?.color) this.app.say("This frame has no color picture.");
    this.viewer.relook();
    this.show();
  }

  /**
   * @param {number} near
   * @param {number} far
   */
  #window(near, far) {
    const { nearM, farM } = this.viewer.window;
    const next = { nearM: Math.max(0.05, nearM + near), farM: farM + far };
    if (next.farM - next.nearM >= 0.02) this.#look({ window: next });
  }

  /** @param {number} direction */
  #resize(direction) {
    this.tools.resize(direction);
    this.show();
  }

  async #queue() {
    const { app } = this;
    const { order, filter } = app.trail;
    const chosen = await askQueue({ order, filter, reviewer: app.api.reviewer }, app.api.progress().then((all) => all.reviewers));
    if (!chosen) return;
    app.api.reviewer = chosen.reviewer;
    sessionStorage.setItem("reviewer", chosen.reviewer);
    localStorage.setItem("graspseg-reviewer", chosen.reviewer);
    app.hud.reviewer(chosen.reviewer);
    if (chosen.order !== order || chosen.filter !== filter || !app.ready) await app.choose(chosen);
  }

  #copyPixels() {
    const { noted } = this.app;
    if (!noted.count) return this.app.say("No pixel is noted: click on bare skin while looking (V).");
    return this.#copy(noted.option(), `Copied: ${noted.option()}`);
  }

  /**
   * Puts a text on the clipboard; where the browser has none to give (not on this machine), shows it.
   *
   * @param {string} text
   * @param {string} said
   */
  async #copy(text, said) {
    try {
      await navigator.clipboard.writeText(text);
      this.app.say(said);
    } catch {
      this.app.say(text);
    }
  }

  #toggleInfo() {
    $("info").hidden = !$("info").hidden;
    if (!$("info").hidden) this.#info();
  }

  async #info() {
    if (!this.app.shown) return;
    const { info, pictures } = this.app.shown;
    const { history } = await this.app.api.history(info.id).catch(() => ({ history: [] }));
    if (this.app.shown?.info.id === info.id) fillInfo(this.app.shown.info, pictures, history);
  }

  #sliders() {
    /** @param {string} id */
    const number = (id) => Number(inputOf(id).value);
    $("opacity").addEventListener("input", () => this.#look({ opacity: number("opacity"), overlay: true }));
    $("near").addEventListener("input", () => {
      this.#look({ window: { nearM: number("near"), farM: Math.max(this.viewer.window.farM, number("near") + 0.02) } });
    });
    $("far").addEventListener("input", () => {
      this.#look({ window: { nearM: Math.min(this.viewer.window.nearM, number("far") - 0.02), farM: number("far") } });
    });
    $("size").addEventListener("input", () => {
      this.#set(this.settings.tool === "flood" ? { toleranceMm: number("size") } : { size: number("size") });
    });
    for (const slider of all('input[type="range"]')) {
      slider.addEventListener("change", () => slider.matches(":active") || $("stage").focus({ preventScroll: true }));
    }
  }

  /** Shows the settings on buttons and sliders, and keeps them. */
  show() {
    const { settings, viewer } = this;
    const { base, layout, disagreement } = viewer.effective;
    /** @type {(button: HTMLElement, on: boolean) => void} */
    const press = (button, on) => button.setAttribute("aria-pressed", String(on));
    for (const button of all("[data-tool]")) press(button, button.dataset.tool === settings.tool);
    for (const button of all("[data-label]")) press(button, Number(button.dataset.label) === settings.label);
    for (const button of all("[data-layout]")) press(button, button.dataset.layout === layout);
    for (const button of all("[data-base]")) press(button, layout !== "both" && button.dataset.base === base);
    press($("disagreement"), disagreement);
    press($("protect"), settings.protect);
    press($("auto"), !settings.window);
    $("stage").classList.toggle("paints", settings.tool !== "look");
    this.#showSliders();
    saveSettings(settings);
  }

  #showSliders() {
    const { settings, viewer } = this;
    const flood = settings.tool === "flood";
    inputOf("opacity").value = String(settings.opacity);
    $("opacity-value").textContent = settings.overlay ? `${Math.round(100 * settings.opacity)} %` : "off";
    inputOf("size").max = String(flood ? 60 : LARGEST_BRUSH);
    inputOf("size").value = String(flood ? settings.toleranceMm : settings.size);
    $("size-name").textContent = flood ? "Step" : "Brush";
    $("size-value").textContent = flood ? `${settings.toleranceMm} mm` : `${settings.size} px`;
    if (!viewer.pictures) return;
    inputOf("near").value = String(viewer.window.nearM);
    inputOf("far").value = String(viewer.window.farM);
    $("near-value").textContent = `${viewer.window.nearM.toFixed(2)} m`;
    $("far-value").textContent = `${viewer.window.farM.toFixed(2)} m`;
  }
}
