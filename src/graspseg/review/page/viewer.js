/** The stage: one or two panes that show the same part of a frame in different ways. */

import { Layer } from "./layer.js";
import { Pane } from "./pane.js";
import { DepthShader, Tints, usualWindow } from "./shading.js";
import { isEmpty } from "./shapes.js";
import { Viewport } from "./viewport.js";

const PREVIEW = 0x96faf6f4; // light, half clear

/** @import { Editor } from "./editor.js" */
/** @import { DepthWindow, Found, Look, Marks, Palette, Pictures, Point, Rect } from "./types" */

/** @typedef {{caption: string, layers: (CanvasImageSource | null)[]}} Source of one pane. */

export class Viewer {
  /**
   * @param {HTMLElement} stage
   * @param {Palette} palette
   * @param {Look} look
   */
  constructor(stage, palette, look) {
    this.stage = stage;
    this.look = look;
    this.viewport = new Viewport();
    this.panes = [new Pane(stage), new Pane(stage)];
    this.tints = new Tints(palette);
    this.shader = new DepthShader();
    this.layers = { depth: new Layer(), labels: new Layer(), prediction: new Layer(), preview: new Layer() };
    /** @type {Marks} */
    this.marks = { cursor: null, radius: 1, ring: false, corners: [], noted: [], preview: null };
    /** @type {Rect | null} */
    this.previewed = null;
    /** @type {Pictures | null} */
    this.pictures = null;
    /** @type {Uint8Array | null} */
    this.prediction = null;
    this.predicts = false;
    this.cut = false;
    /** @type {Editor | null} */
    this.editor = null;
    this.usual = { nearM: 0.2, farM: 1.5 };
    this.sized = 0; // panes
    this.stale = { back: false, front: false };
    /** @type {(() => void)[]} */
    this.paintListeners = [];
    new ResizeObserver(() => this.#resize()).observe(stage);
  }

  /** What can be shown of this frame, whatever was asked for. */
  get effective() {
    const { base, layout, disagreement } = this.look;
    const color = Boolean(this.pictures?.color);
    return {
      base: color ? base : "depth",
      layout: (layout === "both" && !color) || (layout === "model" && !this.predicts) ? "one" : layout,
      disagreement: disagreement && this.prediction !== null,
    };
  }

  /** @returns {DepthWindow} */
  get window() {
    return this.look.window ?? this.usual;
  }

  /**
   * @param {Pictures} pictures
   * @param {Editor} editor
   * @param {{prediction: Uint8Array | null, predicts: boolean, cut: boolean}} model its labels, or whether they come
   *   later; whether it saw more depth than is shown.
   */
  show(pictures, editor, { prediction, predicts, cut }) {
    this.pictures = pictures;
    this.prediction = prediction;
    this.predicts = predicts;
    this.cut = cut;
    this.editor = editor;
    this.usual = usualWindow(pictures.depth, pictures.unitM);
    for (const layer of Object.values(this.layers)) layer.resize(pictures.width, pictures.height);
    this.setPreview(null);
    this.viewport.setPicture(pictures.width, pictures.height);
    this.viewport.fit();
    this.relook();
  }

  /**
   * Takes the labels of the network, which may come after the frame; null: they do not come.
   *
   * @param {Uint8Array | null} prediction
   */
  setPrediction(prediction) {
    this.prediction = prediction;
    this.predicts = prediction !== null;
    if (this.look.layout === "model" || this.look.disagreement) this.relook();
  }

  /** Draws everything anew after the look changed. */
  relook() {
    if (!this.pictures) return;
    const { pictures, layers } = this;
    this.shader.shade(pictures.depth, pictures.unitM, this.window, layers.depth.pixels);
    layers.depth.flush();
    this.#arrange(pictures);
    this.relabel();
  }

  /**
   * Draws labels anew within a rectangle.
   *
   * @param {Rect} [rect]
   */
  relabel(rect = this.layers.labels.whole) {
    if (isEmpty(rect) || !this.pictures || !this.editor) return;
    const { width, height } = this.pictures;
    const { layers, tints, look, prediction } = this;
    const { layout, disagreement } = this.effective;
    const grown = {
      x0: Math.max(0, rect.x0 - 1),
      y0: Math.max(0, rect.y0 - 1),
      x1: Math.min(width, rect.x1 + 1),
      y1: Math.min(height, rect.y1 + 1),
    };
    const { labels } = this.editor;
    if (disagreement && prediction) {
      const striped = layout !== "model";
      tints.disagreement(labels, prediction, width, grown, { opacity: look.opacity, striped }, layers.labels.pixels);
      tints.disagreement(prediction, labels, width, grown, { opacity: look.opacity }, layers.prediction.pixels);
    } else {
      tints.areas(labels, width, height, grown, look.opacity, layers.labels.pixels);
      if (layout === "model" && prediction) tints.areas(prediction, width, height, grown, look.opacity, layers.prediction.pixels);
    }
    layers.labels.flush(grown);
    if (layout === "model") layers.prediction.flush(grown);
    this.invalidate();
  }

  /**
   * Shows pixels a flood would take; null shows none.
   *
   * @param {Found | null} found
   */
  setPreview(found) {
    const layer = this.layers.preview;
    if (this.previewed) {
      layer.pixels.fill(0);
      layer.flush(this.previewed);
    }
    this.previewed = found ? { ...found.rect } : null;
    this.marks.preview = found ? layer.canvas : null;
    if (found) {
      for (const index of found.indices) layer.pixels[index] = PREVIEW;
      layer.flush(found.rect);
    }
    this.invalidateFront();
  }

  /**
   * Marks pixels that were noted.
   *
   * @param {Point[]} points
   */
  setNoted(points) {
    if (points.length + this.marks.noted.length === 0) return;
    this.marks.noted = points;
    this.invalidateFront();
  }

  invalidate() {
    this.#schedule("back");
  }

  invalidateFront() {
    this.#schedule("front");
  }

  /**
   * Calls back when what is asked for by now has been painted.
   *
   * @param {() => void} callback
   */
  onPainted(callback) {
    this.paintListeners.push(callback);
    this.invalidate();
  }

  /** @param {"back" | "front"} part */
  #schedule(part) {
    const planned = this.stale.back || this.stale.front;
    this.stale[part] = true;
    if (!planned) requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    const { back } = this.stale;
    this.stale = { back: false, front: false };
    if (!this.pictures) return;
    const sources = this.#sources(this.pictures);
    this.panes.forEach((pane, i) => {
      if (!sources[i]) return;
      if (back) pane.drawBack(this.viewport, sources[i].layers);
      pane.drawFront(this.viewport, this.marks);
    });
    if (!back) return;
    const listeners = this.paintListeners.splice(0);
    if (!listeners.length) return;
    // A message posted while a frame is drawn is delivered after it was handed on to the screen.
    const channel = new MessageChannel();
    channel.port1.onmessage = () => listeners.forEach((listener) => listener());
    channel.port2.postMessage(null);
  }

  /**
   * @param {Pictures} pictures
   * @returns {Source[]}
   */
  #sources(pictures) {
    const { layers, look } = this;
    const { base, layout } = this.effective;
    const picture = { color: pictures.color, depth: layers.depth.canvas };
    const labels = look.overlay ? layers.labels.canvas : null;
    if (layout === "both") {
      return [
        { caption: "Color", layers: [picture.color, labels] },
        { caption: "Depth", layers: [picture.depth, labels] },
      ];
    }
    const prediction = look.overlay && this.prediction ? layers.prediction.canvas : null;
    const own = { caption: layout === "model" ? "Labels" : "", layers: [picture[base], labels] };
    return layout === "model" ? [own, { caption: this.prediction ? "Model" : "Model …", layers: [picture[base], prediction] }] : [own];
  }

  /** @param {Pictures} pictures */
  #arrange(pictures) {
    const sources = this.#sources(pictures);
    this.panes.forEach((pane, i) => {
      pane.element.hidden = !sources[i];
      pane.caption.textContent = sources[i]?.caption ?? "";
    });
    this.#resize();
  }

  #resize() {
    const shown = this.panes.filter((pane) => !pane.element.hidden);
    const box = this.stage.getBoundingClientRect();
    const { width, height } = this.pictures ?? { width: 4, height: 3 };
    const zoomBeside = Math.min(box.width / shown.length / width, box.height / height);
    const zoomBelow = Math.min(box.width / width, box.height / shown.length / height);
    this.stage.classList.toggle("stacked", zoomBelow > zoomBeside);
    const pane = shown[0].element.getBoundingClientRect();
    /** @type {[number, number]} */
    const size = [Math.round(pane.width * devicePixelRatio), Math.round(pane.height * devicePixelRatio)];
    if (size[0] === this.viewport.pane.width && size[1] === this.viewport.pane.height && this.sized === shown.length) return;
    this.sized = shown.length;
    for (const each of shown) each.resize(...size);
    this.viewport.setPane(...size);
    this.invalidate();
  }
}
