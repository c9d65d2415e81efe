/** A picture of the frame's size that is written pixel by pixel and drawn at any zoom. */

/** @import { Rect } from "./types" */

/**
 * What draws on a canvas.
 *
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} settings
 */
export function contextOf(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser has no canvas to draw on.");
  return context;
}

export class Layer {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = contextOf(this.canvas, { willReadFrequently: true });
    this.image = this.context.createImageData(1, 1);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.resize(1, 1);
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    if (this.canvas.width === width && this.canvas.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  /** @returns {Rect} */
  get whole() {
    return { x0: 0, y0: 0, x1: this.image.width, y1: this.image.height };
  }

  /**
   * Makes what was written to `pixels` within a rectangle visible.
   *
   * @param {Rect} [rect]
   */
  flush({ x0, y0, x1, y1 } = this.whole) {
    this.context.putImageData(this.image, 0, 0, x0, y0, x1 - x0, y1 - y0);
  }
}
