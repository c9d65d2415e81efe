/** The labels of one frame while they are being painted: strokes, undo, redo, and what of it is kept as a draft. */

import { NOTHING, isEmpty, union } from "./shapes.js";

/** @import { Draft, Patch, Point, Rect, Visit } from "./types" */

export const BACKGROUND = 0;
export const HAND = 1;
export const OBJECT = 2;
export const IGNORE = 255;

/**
 * Copies `which` ("before" or "after") of a patch into labels; returns the rectangle that changed.
 *
 * @param {Uint8Array} labels
 * @param {Patch} patch
 * @param {"before" | "after"} which
 * @param {number} width
 * @returns {Rect}
 */
function apply(labels, patch, which, width) {
  let rect = NOTHING;
  patch.indices.forEach((index, i) => {
    labels[index] = patch[which][i];
    const x = index % width;
    const y = (index - x) / width;
    rect = union(rect, { x0: x, y0: y, x1: x + 1, y1: y + 1 });
  });
  return rect;
}

export class Editor {
  /**
   * @param {{labels: Uint8Array, width: number, height: number}} frame as the server has it; left as it is.
   * @param {Draft} [draft] what was painted before and not saved.
   */
  constructor(frame, draft) {
    this.width = frame.width;
    this.height = frame.height;
    this.labels = frame.labels.slice();
    /** @type {Patch[]} */
    this.done = draft?.done ?? [];
    /** @type {Patch[]} */
    this.undone = draft?.undone ?? [];
    /** @type {Point[]} */
    this.corners = draft?.corners ?? []; // of a polygon that is not closed yet
    for (const patch of this.done) apply(this.labels, patch, "after", this.width);
    /** @type {Uint8Array | null} as they were when the stroke began. */
    this.before = null;
    /** @type {Rect} */
    this.touched = NOTHING;
  }

  get dirty() {
    return this.done.length > 0;
  }

  get stroking() {
    return this.before !== null;
  }

  /**
   * What must be kept so that a reload loses nothing; null when there is nothing.
   *
   * @returns {Draft | null}
   */
  draft() {
    if (!this.done.length && !this.undone.length && !this.corners.length) return null;
    return { done: this.done, undone: this.undone, corners: this.corners };
  }

  begin() {
    this.before = this.labels.slice();
    this.touched = NOTHING;
  }

  /** @param {Rect} rect */
  touch(rect) {
    this.touched = union(this.touched, rect);
  }

  /** Ends the stroke; returns whether it changed any pixel. */
  commit() {
    const patch = this.#difference();
    this.before = null;
    if (!patch.indices.length) return false;
    this.done.push(patch);
    this.undone = [];
    return true;
  }

  /** @returns {Patch} */
  #difference() {
    /** @type {number[]} */
    const changed = [];
    const { labels, touched, width } = this;
    const before = this.before ?? labels;
    if (!isEmpty(touched)) {
      for (let y = touched.y0; y < touched.y1; y++) {
        for (let index = y * width + touched.x0; index < y * width + touched.x1; index++) {
          if (before[index] !== labels[index]) changed.push(index);
        }
      }
    }
    const indices = Uint32Array.from(changed);
    return {
      indices,
      before: Uint8Array.from(indices, (index) => before[index]),
      after: Uint8Array.from(indices, (index) => labels[index]),
    };
  }

  /** Takes the last stroke back; returns the rectangle that changed, null when there is no stroke. */
  undo() {
    const patch = this.done.pop();
    if (!patch) return null;
    this.undone.push(patch);
    return apply(this.labels, patch, "before", this.width);
  }

  redo() {
    const patch = this.undone.pop();
    if (!patch) return null;
    this.done.push(patch);
    return apply(this.labels, patch, "after", this.width);
  }
}

/**
 * Function that paints one pixel.
 *
 * @param {Uint8Array} labels
 * @param {{label: number, erase: boolean, protect: boolean}} how label: the class at hand; erase: to background
 *   instead; protect: leave the other class alone, paint only on background, erase only `label`.
 * @returns {Visit}
 */
export function pen(labels, { label, erase, protect }) {
  if (erase) {
    return (index) => {
      if (!protect || labels[index] === label) labels[index] = BACKGROUND;
    };
  }
  return (index) => {
    if (!protect || labels[index] === BACKGROUND) labels[index] = label;
  };
}
