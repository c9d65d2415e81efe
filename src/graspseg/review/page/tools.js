/** What the pointer and the keyboard cursor do: look, brush, eraser, flood, polygon. */

import { pen } from "./editor.js";
import { Flood, capsule, pixelCenter, polygon, similarDepth } from "./shapes.js";

/** @import { Editor } from "./editor.js" */
/** @import { Viewer } from "./viewer.js" */
/** @import { Found, Point, Rect, Settings, ToolName, Visit } from "./types" */

export const LARGEST_BRUSH = 200;
const LARGEST_TOLERANCE_MM = 60;
const ZOOM_STEP = 1.2;
const CLICK_PX = 3; // a pointer that moved farther dragged
const CLOSE_PX = 9; // a click this near the first corner closes a polygon

/** @typedef {{kind: "pan", from: Point, clicks: boolean}} Pan from: in the window; clicks: it may be a click. */
/** @typedef {{kind: "paint", erase: boolean, last: Point}} Paint last: picture point the stroke is at. */

export class Tools {
  /**
   * @param {Viewer} viewer
   * @param {Settings} settings shared with controls and keys.
   * @param {object} heard
   * @param {() => void} heard.onPainted a stroke or corner was added.
   * @param {(point: Point | null) => void} heard.onPointed the pointer or cursor is at this picture point, or nowhere.
   * @param {(point: Point) => void} heard.onNoted a pixel is to be noted.
   * @param {(sentence: string) => void} heard.say
   */
  constructor(viewer, settings, { onPainted, onPointed, onNoted, say }) {
    this.viewer = viewer;
    this.settings = settings;
    this.onPainted = onPainted;
    this.onPointed = onPointed;
    this.onNoted = onNoted;
    this.say = say;
    this.onResized = () => {};
    /** @type {Point | null} where the pointer is, in picture pixels. */
    this.pointer = null;
    /** @type {Pan | Paint | null} while a button or the space bar is down. */
    this.drag = null;
    this.flood = new Flood(0);
    this.stage = viewer.stage;
    this.#listen();
  }

  /**
   * Of the frame shown: actions and pointers are heard only while there is one.
   *
   * @returns {Editor}
   */
  get editor() {
    return /** @type {Editor} */ (this.viewer.editor);
  }

  get #pictures() {
    return /** @type {NonNullable<Viewer["pictures"]>} */ (this.viewer.pictures);
  }

  get paints() {
    return this.settings.tool !== "look";
  }

  /** Whether keys move the cursor. */
  get cursor() {
    return this.viewer.marks.cursor;
  }

  /** Forgets what belongs to the frame before. */
  newFrame() {
    this.drag = null;
    this.flood = new Flood(this.editor.labels.length);
    this.viewer.marks.corners = this.editor.corners;
    if (this.cursor) this.#moveTo(this.cursor);
    else this.onPointed(this.pointer);
  }

  /** @param {ToolName} tool */
  choose(tool) {
    this.#finishStroke();
    this.settings.tool = tool;
    if (tool !== "look" && !this.cursor) this.#moveTo({ x: this.viewer.viewport.x, y: this.viewer.viewport.y });
    if (tool === "look") this.viewer.marks.cursor = null;
    this.refresh();
  }

  /** Shows cursor and preview for the settings as they are now. */
  refresh() {
    const { tool, size } = this.settings;
    const { marks } = this.viewer;
    marks.radius = size / 2;
    marks.ring = tool === "brush" || tool === "eraser";
    this.viewer.setPreview(tool === "flood" && marks.cursor ? this.#flooded(marks.cursor) : null);
    this.viewer.invalidateFront();
  }

  /** @param {number} direction */
  resize(direction) {
    const { settings } = this;
    if (settings.tool === "flood") {
      const next = settings.toleranceMm + direction * Math.max(1, Math.round(settings.toleranceMm / 5));
      settings.toleranceMm = Math.min(LARGEST_TOLERANCE_MM, Math.max(1, next));
    } else {
      const next = settings.size + direction * Math.max(1, Math.round(settings.size / 6));
      settings.size = Math.min(LARGEST_BRUSH, Math.max(1, next));
    }
    this.refresh();
  }

  /**
   * Moves the cursor by picture pixels; a stroke that the space bar began follows.
   *
   * @param {number} dx
   * @param {number} dy
   */
  nudge(dx, dy) {
    const { width, height } = this.editor;
    const from = this.cursor ?? { x: this.viewer.viewport.x, y: this.viewer.viewport.y };
    const to = {
      x: Math.min(width - 0.5, Math.max(0.5, from.x + dx)),
      y: Math.min(height - 0.5, Math.max(0.5, from.y + dy)),
    };
    if (this.drag?.kind === "paint") this.#paintTo(to);
    this.#moveTo(to);
    this.viewer.viewport.reveal(to);
    this.viewer.invalidate();
  }

  /**
   * Space bar or button down at the cursor.
   *
   * @param {{erase?: boolean}} [how]
   */
  press({ erase = false } = {}) {
    const { tool } = this.settings;
    const { cursor } = this;
    if (!cursor || this.drag) return;
    if (tool === "flood") this.#pour(erase, cursor);
    else if (tool === "polygon") this.#corner(cursor);
    else if (tool !== "look") this.#startStroke(erase || tool === "eraser", cursor);
  }

  release() {
    if (this.drag?.kind === "paint") this.#finishStroke();
    this.drag = null;
  }

  /** Closes the polygon and fills it. */
  close() {
    const { editor } = this;
    if (editor.corners.length < 3) {
      if (editor.corners.length) this.say("A polygon needs three corners or more.");
      return;
    }
    this.#paint(false, (visit) => polygon(editor.corners, editor.width, editor.height, visit), () => {
      editor.corners.length = 0;
    });
  }

  /** Takes the last corner back; returns whether there was one. */
  dropCorner() {
    if (!this.editor.corners.pop()) return false;
    this.onPainted();
    this.viewer.invalidateFront();
    return true;
  }

  /** Drops an unfinished polygon or stroke; returns whether there was one. */
  cancel() {
    if (this.drag?.kind === "paint") {
      this.#finishStroke();
      this.viewer.relabel(this.editor.undo() ?? undefined);
      this.onPainted();
      return true;
    }
    if (!this.editor.corners.length) return false;
    this.editor.corners.length = 0;
    this.onPainted();
    this.viewer.invalidateFront();
    return true;
  }

  /**
   * Takes the model's labels in the patch of disagreement under the cursor, or everywhere.
   *
   * @param {{everywhere?: boolean}} [how]
   */
  takeModel({ everywhere = false } = {}) {
    const { prediction } = this.viewer;
    const { labels, width, height } = this.editor;
    if (!prediction) return this.say("There is no prediction for this frame.");
    /** @param {number} index */
    const differs = (index) => labels[index] !== prediction[index];
    if (everywhere) return this.#copy(prediction, labels.keys(), this.viewer.layers.labels.whole);
    const seed = this.cursor && this.#indexOf(this.cursor);
    if (seed === null || !differs(seed)) return this.say("Put the cursor on a patch where labels and model differ.");
    const found = this.flood.from(seed, width, height, (_, to) => differs(to));
    return this.#copy(prediction, found.indices, found.rect);
  }

  /**
   * Where the network saw more depth than the data set holds, labels are taken only for what it holds.
   *
   * @param {Uint8Array} prediction
   * @param {Iterable<number>} indices
   * @param {Rect} rect
   */
  #copy(prediction, indices, rect) {
    const { editor, viewer } = this;
    const { depth } = this.#pictures;
    editor.begin();
    for (const index of indices) if (!viewer.cut || depth[index]) editor.labels[index] = prediction[index];
    editor.touch(rect);
    editor.commit();
    this.viewer.relabel(rect);
    this.onPainted();
  }

  /**
   * @param {Point} point
   * @returns {number | null}
   */
  #indexOf({ x, y }) {
    const { width, height } = this.editor;
    if (x < 0 || y < 0 || x >= width || y >= height) return null;
    return Math.floor(y) * width + Math.floor(x);
  }

  /**
   * @param {Point} at
   * @returns {Found | null}
   */
  #flooded(at) {
    const seed = this.#indexOf(at);
    const { depth, unitM, width, height } = this.#pictures;
    if (seed === null || !depth[seed]) return null;
    return this.flood.from(seed, width, height, similarDepth(depth, seed, this.settings.toleranceMm / 1000 / unitM));
  }

  /**
   * @param {boolean} erase
   * @param {Point} at
   */
  #pour(erase, at) {
    const found = this.#flooded(at);
    if (!found) return this.say("Nothing was measured here: flood begins on a pixel that has depth.");
    return this.#paint(erase, (visit) => {
      found.indices.forEach(visit);
      return found.rect;
    });
  }

  /** @param {Point} cursor */
  #corner(cursor) {
    const { editor } = this;
    const first = editor.corners[0];
    if (first && editor.corners.length > 2) {
      const away = Math.hypot(first.x - cursor.x, first.y - cursor.y) * this.viewer.viewport.zoom;
      if (away < CLOSE_PX * devicePixelRatio) return this.close();
    }
    editor.corners.push({ ...cursor });
    this.onPainted();
    return this.viewer.invalidateFront();
  }

  /**
   * One whole stroke: `cover` calls its visitor for every pixel and returns the rectangle.
   *
   * @param {boolean} erase
   * @param {(visit: Visit) => Rect} cover
   * @param {() => void} [afterwards]
   */
  #paint(erase, cover, afterwards = () => {}) {
    const { editor, settings } = this;
    editor.begin();
    const rect = cover(pen(editor.labels, { ...settings, erase }));
    editor.touch(rect);
    editor.commit();
    afterwards();
    this.viewer.relabel(rect);
    this.onPainted();
  }

  /**
   * @param {boolean} erase
   * @param {Point} at
   */
  #startStroke(erase, at) {
    this.editor.begin();
    this.drag = { kind: "paint", erase, last: at };
    this.#paintTo(at);
  }

  /** @param {Point} point */
  #paintTo(point) {
    const { editor, drag, settings } = this;
    if (drag?.kind !== "paint") return;
    const visit = pen(editor.labels, { ...settings, erase: drag.erase });
    const radius = Math.max(settings.size / 2, 0.5);
    const rect = capsule(pixelCenter(drag.last), pixelCenter(point), radius, editor.width, editor.height, visit);
    drag.last = point;
    editor.touch(rect);
    this.viewer.relabel(rect);
  }

  #finishStroke() {
    if (this.drag?.kind !== "paint") return;
    this.drag = null;
    if (this.editor.commit()) this.onPainted();
  }

  /** @param {Point} point */
  #moveTo(point) {
    this.viewer.marks.cursor = point;
    this.onPointed(point);
    this.refresh();
  }

  /**
   * @param {MouseEvent} event
   * @returns {Point}
   */
  #pointOf(event) {
    const figure = (event.target instanceof Element && event.target.closest(".pane")) || this.viewer.panes[0].element;
    const box = figure.getBoundingClientRect();
    const scale = devicePixelRatio;
    return this.viewer.viewport.toPicture((event.clientX - box.left) * scale, (event.clientY - box.top) * scale);
  }

  #listen() {
    const { stage } = this;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointerleave", () => this.#hover(null));
    stage.addEventListener("pointercancel", () => this.release());
    stage.addEventListener("dblclick", () => this.settings.tool === "polygon" && this.close());
    stage.addEventListener("contextmenu", (event) => event.preventDefault());
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (!this.viewer.editor) return;
    if (event.target instanceof Element) event.target.setPointerCapture(event.pointerId);
    const pan = event.button === 1 || !this.paints;
    if (pan) {
      this.drag = { kind: "pan", from: { x: event.clientX, y: event.clientY }, clicks: event.button === 0 };
      event.preventDefault();
      return;
    }
    this.#moveTo(this.#pointOf(event));
    this.press({ erase: event.button === 2 });
  }

  /**
   * A click that moved nothing notes the pixel.
   *
   * @param {PointerEvent} event
   */
  #up(event) {
    const { drag } = this;
    this.release();
    if (drag?.kind !== "pan" || !drag.clicks) return;
    if (Math.hypot(event.clientX - drag.from.x, event.clientY - drag.from.y) > CLICK_PX) return;
    this.pointer = this.#pointOf(event);
    this.note();
  }

  /** @param {Point | null} point */
  #hover(point) {
    this.pointer = point;
    this.onPointed(point);
  }

  /** Notes the pixel under the pointer or the cursor; see `NotedPixels`. */
  note() {
    const point = this.paints ? this.cursor : this.pointer;
    if (!point || this.#indexOf(point) === null) return this.say("Put the pointer on a pixel of the frame.");
    return this.onNoted(point);
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (!this.viewer.editor) return;
    if (this.drag?.kind !== "pan") this.#hover(this.#pointOf(event));
    if (this.drag?.kind === "pan") {
      this.viewer.viewport.panBy(event.movementX * devicePixelRatio, event.movementY * devicePixelRatio);
      this.viewer.invalidate();
      return;
    }
    if (!this.paints) return;
    // Points between two screen frames are kept: a fast stroke stays round.
    if (this.drag) for (const each of event.getCoalescedEvents?.() ?? []) this.#paintTo(this.#pointOf(each));
    const point = this.#pointOf(event);
    this.#moveTo(point);
    if (this.drag) this.#paintTo(point);
  }

  /** @param {WheelEvent} event */
  #wheel(event) {
    if (!this.viewer.editor) return;
    event.preventDefault();
    if (event.shiftKey && this.paints) {
      this.resize(event.deltaY + event.deltaX < 0 ? 1 : -1);
      this.onResized();
      return;
    }
    this.viewer.viewport.zoomBy(ZOOM_STEP ** (-event.deltaY / 100), this.#pointOf(event));
    this.viewer.invalidate();
  }
}
