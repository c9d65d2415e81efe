/** How a person likes to work: kept in the browser from one visit to the next. */

import { HAND } from "./editor.js";

const NAME = "graspseg-settings";

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

export function loadSettings() {
  try {
    return { ...DEFAULTS, ...JSON.parse(localStorage.getItem(NAME) ?? "{}"), tool: DEFAULTS.tool };
  } catch {
    return { ...DEFAULTS };
  }
}

export function saveSettings(settings) {
  try {
    localStorage.setItem(NAME, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing forgets the settings, no more.
  }
}
