/** A picture of the frame's size that is written pixel by pixel and drawn at any zoom. */

export class Layer {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    this.resize(1, 1);
  }

  resize(width, height) {
    if (this.image?.width === width && this.image.height === height) return;
    this.canvas.width = width;
    this.canvas.height = height;
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
  }

  get whole() {
    return { x0: 0, y0: 0, x1: this.image.width, y1: this.image.height };
  }

  /** Makes what was written to `pixels` within a rectangle visible. */
  flush({ x0, y0, x1, y1 } = this.whole) {
    this.context.putImageData(this.image, 0, 0, x0, y0, x1 - x0, y1 - y0);
  }
}
