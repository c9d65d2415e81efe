/** One picture on the stage: the frame below, the cursor and unfinished shapes above. */

import { contextOf } from "./layer.js";

/** @import { Viewport } from "./viewport.js" */
/** @import { Marks, Point } from "./types" */

const LIGHT = "#f4f6fa";
const SHADOW = "rgba(5, 6, 9, 0.85)";

export class Pane {
  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.element = document.createElement("figure");
    this.element.className = "pane";
    this.back = document.createElement("canvas");
    this.front = document.createElement("canvas");
    this.front.className = "front";
    this.caption = document.createElement("figcaption");
    this.blank = false; // nothing is drawn above the picture
    this.unit = 1; // thickness of lines: grows with the text on large screens
    this.element.append(this.back, this.front, this.caption);
    stage.append(this.element);
    this.backContext = contextOf(this.back, { alpha: false });
    this.frontContext = contextOf(this.front, {});
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.unit = (parseFloat(getComputedStyle(document.documentElement).fontSize) / 14) * devicePixelRatio;
    for (const canvas of [this.back, this.front]) {
      canvas.width = width;
      canvas.height = height;
    }
  }

  /**
   * @param {Viewport} viewport
   * @param {(CanvasImageSource | null)[]} sources drawn one over the other.
   */
  drawBack(viewport, sources) {
    const context = this.backContext;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#0b0d11";
    context.fillRect(0, 0, this.back.width, this.back.height);
    this.#place(context, viewport);
    for (const source of sources) if (source) context.drawImage(source, 0, 0);
  }

  /**
   * @param {Viewport} viewport
   * @param {Marks} marks
   */
  drawFront(viewport, { cursor, radius, ring, corners, noted, preview }) {
    const empty = !cursor && !corners.length && !noted.length && !preview;
    if (empty && this.blank) return;
    this.blank = empty;
    const context = this.frontContext;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.front.width, this.front.height);
    if (preview) {
      this.#place(context, viewport);
      context.drawImage(preview, 0, 0);
      context.setTransform(1, 0, 0, 1, 0, 0);
    }
    if (corners.length) this.#line(viewport, cursor ? [...corners, cursor] : corners);
    for (const point of noted) this.#noted(viewport.toScreen(point));
    if (cursor) this.#cursor(viewport.toScreen(cursor), radius * viewport.zoom, ring);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Viewport} viewport
   */
  #place(context, viewport) {
    const origin = viewport.toScreen({ x: 0, y: 0 });
    context.setTransform(viewport.zoom, 0, 0, viewport.zoom, origin.x, origin.y);
    context.imageSmoothingEnabled = viewport.zoom < 2;
  }

  /**
   * @param {Viewport} viewport
   * @param {Point[]} corners
   */
  #line(viewport, corners) {
    const context = this.frontContext;
    const points = corners.map((corner) => viewport.toScreen(corner));
    context.beginPath();
    for (const { x, y } of points) context.lineTo(x, y);
    context.closePath();
    context.fillStyle = "rgba(244, 246, 250, 0.14)";
    context.fill();
    this.#strokeTwice();
    for (const { x, y } of points) {
      context.beginPath();
      context.arc(x, y, 3 * this.unit, 0, 2 * Math.PI);
      context.fillStyle = LIGHT;
      context.fill();
    }
  }

  /** @param {Point} at */
  #noted({ x, y }) {
    const context = this.frontContext;
    context.beginPath();
    context.arc(x, y, 5 * this.unit, 0, 2 * Math.PI);
    context.moveTo(x - 9 * this.unit, y);
    context.lineTo(x + 9 * this.unit, y);
    context.moveTo(x, y - 9 * this.unit);
    context.lineTo(x, y + 9 * this.unit);
    this.#strokeTwice();
  }

  /**
   * @param {Point} at
   * @param {number} radius
   * @param {boolean} ring
   */
  #cursor({ x, y }, radius, ring) {
    const context = this.frontContext;
    const arm = 7 * this.unit;
    context.beginPath();
    if (ring) context.arc(x, y, Math.max(radius, 1.5), 0, 2 * Math.PI);
    if (!ring || radius < 2 * arm) {
      const gap = ring ? Math.max(radius, 1.5) + 2 * this.unit : 2 * this.unit;
      for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        context.moveTo(x + dx * gap, y + dy * gap);
        context.lineTo(x + dx * (gap + arm), y + dy * (gap + arm));
      }
    }
    this.#strokeTwice();
  }

  /** A dark and a light line, to be seen on any ground. */
  #strokeTwice() {
    const context = this.frontContext;
    for (const [width, style] of /** @type {[number, string][]} */ ([[3, SHADOW], [1.25, LIGHT]])) {
      context.lineWidth = width * this.unit;
      context.strokeStyle = style;
      context.stroke();
    }
  }
}
