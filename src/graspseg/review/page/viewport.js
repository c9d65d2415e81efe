/** Which part of the picture is seen, shared by all panes: zoom in screen pixels per picture pixel, and the middle. */

/** @import { Point } from "./types" */

const LARGEST_ZOOM = 48;

export class Viewport {
  constructor() {
    this.picture = { width: 1, height: 1 };
    this.pane = { width: 1, height: 1 }; // device pixels
    this.following = true; // the whole picture stays in view when the window changes
    this.zoom = 1;
    this.x = 0; // picture point in the middle
    this.y = 0;
    this.fit();
  }

  /** Zoom at which the whole picture just fits. */
  get fitting() {
    return Math.min(this.pane.width / this.picture.width, this.pane.height / this.picture.height);
  }

  get zoomed() {
    return !this.following;
  }

  fit() {
    this.following = true;
    this.zoom = this.fitting;
    this.x = this.picture.width / 2;
    this.y = this.picture.height / 2;
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  setPicture(width, height) {
    if (width === this.picture.width && height === this.picture.height && this.zoomed) return;
    this.picture = { width, height };
    this.fit();
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  setPane(width, height) {
    this.pane = { width, height };
    if (this.following) this.fit();
    else this.#keepInside();
  }

  /**
   * Zooms by a factor; the picture point `at` stays where it is on the screen.
   *
   * @param {number} factor
   * @param {Point} [at]
   */
  zoomBy(factor, at = { x: this.x, y: this.y }) {
    const zoom = Math.min(LARGEST_ZOOM, Math.max(this.fitting, this.zoom * factor));
    if (zoom <= this.fitting * 1.001) {
      this.fit();
      return;
    }
    this.following = false;
    const ratio = this.zoom / zoom;
    this.x = at.x + (this.x - at.x) * ratio;
    this.y = at.y + (this.y - at.y) * ratio;
    this.zoom = zoom;
    this.#keepInside();
  }

  /**
   * Moves the view by screen pixels.
   *
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    this.x -= dx / this.zoom;
    this.y -= dy / this.zoom;
    this.#keepInside();
  }

  /**
   * Moves the view just far enough that a picture point is seen with a margin.
   *
   * @param {Point} point
   */
  reveal(point) {
    const halfWidth = (this.pane.width / this.zoom / 2) * 0.85;
    const halfHeight = (this.pane.height / this.zoom / 2) * 0.85;
    this.x = Math.min(point.x + halfWidth, Math.max(point.x - halfWidth, this.x));
    this.y = Math.min(point.y + halfHeight, Math.max(point.y - halfHeight, this.y));
    this.#keepInside();
  }

  /**
   * @param {number} screenX
   * @param {number} screenY
   * @returns {Point}
   */
  toPicture(screenX, screenY) {
    return {
      x: (screenX - this.pane.width / 2) / this.zoom + this.x,
      y: (screenY - this.pane.height / 2) / this.zoom + this.y,
    };
  }

  /**
   * @param {Point} point
   * @returns {Point}
   */
  toScreen({ x, y }) {
    return {
      x: (x - this.x) * this.zoom + this.pane.width / 2,
      y: (y - this.y) * this.zoom + this.pane.height / 2,
    };
  }

  #keepInside() {
    /** @type {(value: number, half: number, size: number) => number} */
    const clamp = (value, half, size) => (half * 2 >= size ? size / 2 : Math.min(size - half, Math.max(half, value)));
    this.x = clamp(this.x, this.pane.width / this.zoom / 2, this.picture.width);
    this.y = clamp(this.y, this.pane.height / this.zoom / 2, this.picture.height);
  }
}
