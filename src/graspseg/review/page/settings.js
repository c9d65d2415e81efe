/** How a person likes to work: kept in the browser from one visit to the next. */

import { HAND } from "./editor.js";

/** @import { Settings } from "./types" */

const NAME = "graspseg-settings";

/** @type {Settings} */
const DEFAULTS = {
  tool: "look",
  label: HAND,
  size: 12,
  toleranceMm: 8,
  protect: false,
  base: "color",
  layout: "both",
  overlay: true,
  opacity: 0.4,
  disagreement: false,
  window: null,
};

/** @returns {Settings} */
export function loadSettings() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(NAME) ?? "{}"), tool: DEFAULTS.tool };
  } catch {
    return { ...DEFAULTS };
  }
}

/** @param {Settings} settings */
export function saveSettings(settings) {
  try {
    localStorage.setItem(NAME, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing forgets the settings, no more.
  }
}
