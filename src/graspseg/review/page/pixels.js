/** Pixels a person noted, such as places on bare skin for `graspseg annotate --calibrate --clicks`. */

/** @import { Point } from "./types" */

/**
 * A word of a command line, quoted where a shell would take it apart.
 *
 * @param {string} text
 */
export function shellWord(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;
}

export class NotedPixels {
  constructor() {
    /** @type {Map<string, {stem: string, x: number, y: number}>} */
    this.noted = new Map();
  }

  get count() {
    return this.noted.size;
  }

  /**
   * Notes the pixel under a point; one that is noted already is forgotten.
   *
   * @param {string} stem of the frame.
   * @param {Point} point in picture pixels.
   */
  toggle(stem, point) {
    const x = Math.floor(point.x);
    const y = Math.floor(point.y);
    const key = `${stem}:${x},${y}`;
    if (!this.noted.delete(key)) this.noted.set(key, { stem, x, y });
  }

  /**
   * Centers of the pixels noted in a frame.
   *
   * @param {string} stem
   * @returns {Point[]}
   */
  of(stem) {
    return [...this.noted.values()].filter((pixel) => pixel.stem === stem).map(({ x, y }) => ({ x: x + 0.5, y: y + 0.5 }));
  }

  clear() {
    this.noted.clear();
  }

  /** The option as `graspseg annotate` takes it. */
  option() {
    return ["--clicks", ...[...this.noted.keys()].map(shellWord)].join(" ");
  }
}
