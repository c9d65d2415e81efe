/** From a depth image to labels, as `graspseg.Segmenter` does it: everything once, then closer at each hand. */

import { connected, cropDepth, focusViews, placing, wholeView } from "./windows.js";

/** @typedef {import("./windows.js").Frame} Frame @typedef {import("./windows.js").View} View
 * @typedef {import("./windows.js").Look} Look */
/** @typedef {(depth: Float32Array, side: number, angle: number) => Promise<Float32Array>} Network */

const TAPER = 0.15, SHARPNESS = 2, SMALLEST_SHARE = 0.3, BELIEF = 0.75;

/**
 * @param {Frame} frame @param {Network} network @param {{side: number, passes: number, hands: number}} model
 * @returns {Promise<{labels: Uint8Array, certainty: Float32Array, runs: number}>} labels 0 background, 1 hand, 2 object;
 *   probability of the label at hand and object; how often the network ran
 */
export async function segment(frame, network, model) {
  const looks = [await lookAt(wholeView(frame, model.side), frame, network)];
  if (model.passes > 1) {
    for (const view of focusViews(looks[0], model.hands)) {
      looks.push(blended(await lookAt(view, frame, network), looks, frame));
    }
  }
  const found = compose(looks, frame);
  dropSmallComponents(found.labels, found.either, frame);
  return { labels: found.labels, certainty: found.chosen, runs: looks.length };
}

/** @param {View} view @param {Frame} frame @param {Network} network @returns {Promise<Look>} */
async function lookAt(view, frame, network) {
  const depth = cropDepth(frame, view), count = view.side ** 2;
  const flat = await network(depth, view.side, view.size / view.side / frame.fx);
  const measured = Uint8Array.from(depth, (value) => Number(value > 0));
  const planes = [0, 1, 2].map((label) => flat.slice(label * count, (label + 1) * count).map((p, i) => p * measured[i]));
  return { view, planes, measured };
}

/**
 * A closer answer mixed with the wider ones: each weighs by how well it resolves the frame, less near its border.
 * @param {Look} look @param {Look[]} earlier @param {Frame} frame @returns {Look}
 */
function blended(look, earlier, frame) {
  const { view, measured } = look, { side } = view, own = detailOf(view), taper = taperOf(view, frame);
  const here = placing(view), planes = look.planes.map((plane) => plane.slice());
  const others = earlier.map((other) => ({
    ...other, at: placing(other.view), detail: detailOf(other.view), taper: taperOf(other.view, frame),
    ...coverage(view, other.view),
  }));
  for (let v = 0; v < side; v++) {
    for (let u = 0; u < side; u++) {
      const i = v * side + u, wide = [0, 0, 0];
      let detail = 0, reach = 0;
      for (const other of others) {
        if (u < other.u0 || u >= other.u1 || v < other.v0 || v >= other.v1) continue;
        const x = (here.left + u * here.step - other.at.left) / other.at.step;
        const y = (here.top + v * here.step - other.at.top) / other.at.step;
        const moved = [...other.planes, other.taper].map((plane) => bilinear(plane, other.view.side, x, y));
        for (let label = 0; label < 3; label++) wide[label] = moved[label];
        reach = Math.max(reach, moved[3]);
        detail += (other.detail - detail) * moved[3];
      }
      const total = wide[0] + wide[1] + wide[2];
      if (!(total > 0)) reach = 0;
      const share = taper[i] * own / Math.max(taper[i] * own + reach * (detail + own * (1 - taper[i])), 1e-6);
      for (let label = 0; label < 3; label++) {
        const before = wide[label] / Math.max(total, 1e-6);
        planes[label][i] = (before + (look.planes[label][i] - before) * share) * measured[i];
      }
    }
  }
  return { view, planes, measured };
}

/** Rows and columns of a window that lie in another one. @param {View} view @param {View} other */
function coverage(view, other) {
  const scale = view.side / view.size, reach = other.size / 2, half = (view.side - 1) / 2;
  /** @param {number} middle @param {number} center */
  const along = (middle, center) => [
    Math.max(Math.ceil((middle - reach - center) * scale + half), 0),
    Math.min(Math.floor((middle + reach - center) * scale + half) + 1, view.side),
  ];
  const [[u0, u1], [v0, v1]] = [along(other.x, view.x), along(other.y, view.y)];
  return { u0, u1, v0, v1 };
}

/** @param {View} view */
function detailOf(view) {
  return Math.min(view.side / view.size, 1) ** SHARPNESS;
}

/** Share of its weight an answer has at each pixel, 0 at borders inside the frame. @param {View} view
 * @param {Frame} frame */
function taperOf(view, { width, height }) {
  const half = view.size / 2;
  const across = rise(view.side, view.x - half > 0, view.x + half < width - 1);
  const down = rise(view.side, view.y - half > 0, view.y + half < height - 1);
  const taper = new Float32Array(view.side ** 2);
  for (let i = 0; i < taper.length; i++) taper[i] = down[Math.floor(i / view.side)] * across[i % view.side];
  return taper;
}

/** @param {number} side @param {boolean} first @param {boolean} last */
function rise(side, first, last) {
  const one = Float32Array.from({ length: side }, (_, i) => {
    const distance = Math.min((i + 0.5) / side / TAPER, 1);
    return distance * distance * (3 - 2 * distance);
  });
  return one.map((value, i) => (first ? value : 1) * (last ? one[side - 1 - i] : 1));
}

/** @param {ArrayLike<number>} plane @param {number} side @param {number} x @param {number} y */
function bilinear(plane, side, x, y) {
  const most = side - 1, left = Math.floor(x), top = Math.floor(y), fx = x - left, fy = y - top;
  const x0 = Math.min(Math.max(left, 0), most), x1 = Math.min(Math.max(left + 1, 0), most);
  const y0 = Math.min(Math.max(top, 0), most) * side, y1 = Math.min(Math.max(top + 1, 0), most) * side;
  return (plane[y0 + x0] * (1 - fx) + plane[y0 + x1] * fx) * (1 - fy)
    + (plane[y1 + x0] * (1 - fx) + plane[y1 + x1] * fx) * fy;
}

/** Labels at the frame's size, closer answers over wider ones. @param {Look[]} looks @param {Frame} frame */
function compose(looks, frame) {
  const { width, height, depth } = frame, labels = new Uint8Array(width * height);
  const chosen = new Float32Array(labels.length), either = new Float32Array(labels.length);
  for (const { view, planes } of looks) {
    const half = view.size / 2, { step, left, top } = placing(view);
    const x0 = Math.max(Math.ceil(view.x - half), 0), x1 = Math.min(Math.floor(view.x + half) + 1, width);
    const y0 = Math.max(Math.ceil(view.y - half), 0), y1 = Math.min(Math.floor(view.y + half) + 1, height);
    for (let y = y0; y < y1; y++) {
      for (let x = x0; x < x1; x++) {
        const i = y * width + x, u = (x - left) / step, v = (y - top) / step;
        labels[i] = 0;
        if (!depth[i]) continue;
        const [background, hand, held] = planes.map((plane) => bilinear(plane, view.side, u, v));
        if (held > Math.max(background, hand)) labels[i] = 2;
        else if (hand > background) labels[i] = 1;
        const total = Math.max(background + hand + held, 1e-12);
        chosen[i] = Math.max(hand, held) / total;
        either[i] = (hand + held) / total;
      }
    }
  }
  return { labels, chosen, either };
}

/** Small pieces that the network hardly believes in become background. @param {Uint8Array} labels
 * @param {Float32Array} belief @param {Frame} frame */
function dropSmallComponents(labels, belief, { width, height }) {
  const pieces = connected(labels, width, height);
  for (const { pixels } of pieces.slice(1)) {
    if (pixels.length >= SMALLEST_SHARE * pieces[0].pixels.length) continue;
    const total = pixels.reduce((sum, i) => sum + belief[i], 0);
    if (total < BELIEF * pixels.length) for (const i of pixels) labels[i] = 0;
  }
}
