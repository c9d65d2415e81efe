/** Pictures of depth and labels as 32-bit pixels (0xAABBGGRR, as ImageData holds them on little-endian machines). */

import { BACKGROUND } from "./editor.js";

/** @import { DepthWindow, Palette, Rect, Rgb } from "./types" */

const DARKEST = 40;
const BRIGHTEST = 255;
const SAMPLES = 20000;
const FIRM = 0.75; // opacity of a disagreement at least: it is all there is to see
/** @type {Rgb} */
const PLAIN = [205, 208, 214]; // background, where it is one side of a disagreement

/**
 * @param {Rgb} color
 * @param {number} alpha
 */
function pixel([red, green, blue], alpha) {
  return ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

/**
 * Nearest and farthest depth in meters worth showing: 1st and 99th percentile of what was measured.
 *
 * @param {Uint16Array} depth
 * @param {number} unitM
 * @returns {DepthWindow}
 */
export function usualWindow(depth, unitM) {
  const step = Math.max(1, Math.floor(depth.length / SAMPLES));
  const sample = [];
  for (let i = 0; i < depth.length; i += step) if (depth[i]) sample.push(depth[i]);
  if (!sample.length) return { nearM: 0.2, farM: 1.5 };
  const sorted = Uint16Array.from(sample).sort();
  /** @param {number} share */
  const at = (share) => sorted[Math.round(share * (sorted.length - 1))] * unitM;
  const nearM = at(0.01);
  return { nearM, farM: Math.max(at(0.99), nearM + 0.01) };
}

/**
 * Depth in grays spread over inverse depth, as `graspseg.labels.shade_depth` does: near is bright, far is dark, no
 * measurement is black.
 */
export class DepthShader {
  #grays = new Uint32Array(1 << 16);
  #key = "";

  /**
   * @param {Uint16Array} depth
   * @param {number} unitM
   * @param {DepthWindow} window
   * @param {Uint32Array} pixels
   */
  shade(depth, unitM, { nearM, farM }, pixels) {
    this.#prepare(unitM, nearM, farM);
    const grays = this.#grays;
    for (let i = 0; i < depth.length; i++) pixels[i] = grays[depth[i]];
  }

  /**
   * @param {number} unitM
   * @param {number} nearM
   * @param {number} farM
   */
  #prepare(unitM, nearM, farM) {
    const key = `${unitM} ${nearM} ${farM}`;
    if (key === this.#key) return;
    this.#key = key;
    const low = 1 / farM;
    const spread = Math.max(1 / nearM - low, 1e-9);
    this.#grays[0] = pixel([0, 0, 0], 255);
    for (let stored = 1; stored < 1 << 16; stored++) {
      const share = Math.min(1, Math.max(0, (1 / (stored * unitM) - low) / spread));
      const gray = Math.round(DARKEST + share * (BRIGHTEST - DARKEST));
      this.#grays[stored] = pixel([gray, gray, gray], 255);
    }
  }
}

/** Tints for labels: fills of one opacity, and firm outlines. */
export class Tints {
  /** @param {Palette} palette RGB by label, as the server sends it. */
  constructor(palette) {
    this.palette = palette;
  }

  /**
   * @param {number} alpha
   * @param {{plain?: boolean}} [how]
   */
  #table(alpha, { plain = false } = {}) {
    const table = new Uint32Array(256);
    for (const [label, color] of Object.entries(this.palette)) {
      if (Number(label) !== BACKGROUND) table[Number(label)] = pixel(color, alpha);
    }
    if (plain) table[BACKGROUND] = pixel(PLAIN, alpha);
    return table;
  }

  /**
   * Labels as tinted areas with outlines, within a rectangle; background is clear.
   *
   * @param {Uint8Array} labels
   * @param {number} width
   * @param {number} height
   * @param {Rect} rect
   * @param {number} opacity
   * @param {Uint32Array} pixels
   */
  areas(labels, width, height, rect, opacity, pixels) {
    const fills = this.#table(Math.round(255 * opacity));
    const edges = this.#table(Math.round(255 * Math.min(1, opacity + 0.5)));
    for (let y = rect.y0; y < rect.y1; y++) {
      for (let x = rect.x0; x < rect.x1; x++) {
        const i = y * width + x;
        const label = labels[i];
        const edge =
          label !== BACKGROUND &&
          ((x > 0 && labels[i - 1] !== label) ||
            (x < width - 1 && labels[i + 1] !== label) ||
            (y > 0 && labels[i - width] !== label) ||
            (y < height - 1 && labels[i + width] !== label));
        pixels[i] = edge ? edges[label] : fills[label];
      }
    }
  }

  /**
   * Only where two label pictures differ: stripes of both classes when `striped`, else the class of `labels`. Light
   * gray stands for background, everything else is darkened.
   *
   * @param {Uint8Array} labels
   * @param {Uint8Array} other
   * @param {number} width
   * @param {Rect} rect
   * @param {{opacity: number, striped?: boolean}} how
   * @param {Uint32Array} pixels
   */
  disagreement(labels, other, width, rect, { opacity, striped }, pixels) {
    const tints = this.#table(Math.round(255 * Math.max(opacity, FIRM)), { plain: true });
    const dark = pixel([8, 9, 12], 150);
    for (let y = rect.y0; y < rect.y1; y++) {
      for (let x = rect.x0; x < rect.x1; x++) {
        const i = y * width + x;
        const second = striped && (x + y) % 6 >= 3;
        pixels[i] = labels[i] === other[i] ? dark : tints[second ? other[i] : labels[i]];
      }
    }
  }
}
