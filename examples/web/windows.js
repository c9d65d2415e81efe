/**
 * Where to look, as `graspseg.crop` and `graspseg.segment.windows` do it.
 *
 * @typedef {{x: number, y: number, size: number, side: number}} View a square window: middle and side in frame pixels,
 *   side in network pixels
 * @typedef {{width: number, height: number, depth: Uint16Array, unit: number, fx: number}} Frame
 * @typedef {{view: View, planes: Float32Array[], measured: Uint8Array}} Look probabilities of background, hand, object
 */

const REACH_M = 1.3, CELL_PX = 8, MARGIN = 0.06, SMALLEST_PX = 48;
const FOREGROUND_GAIN = 1.7, FOCUS_MARGIN = 0.3, SMALLEST_PIECE = 0.1;

/** Offset and step from network pixels to frame pixels. @param {View} view */
export function placing(view) {
  const step = view.size / view.side, half = (view.side - 1) / 2;
  return { step, left: view.x - half * step, top: view.y - half * step };
}

/** The smallest window that holds everything within reach. @param {Frame} frame @param {number} side @returns {View} */
export function wholeView(frame, side) {
  const { width, height } = frame, across = Math.ceil(width / CELL_PX), down = Math.ceil(height / CELL_PX);
  const stepX = width / across, stepY = height / down;
  let x0 = Infinity, y0 = Infinity, x1 = -1, y1 = -1;
  for (let row = 0; row < down; row++) {
    for (let column = 0; column < across; column++) {
      const share = reachable(frame, column * stepX, row * stepY, (column + 1) * stepX, (row + 1) * stepY);
      if (Math.round(255 * share / (stepX * stepY)) < 64) continue;
      x0 = Math.min(x0, column); x1 = Math.max(x1, column + 1);
      y0 = Math.min(y0, row); y1 = Math.max(y1, row + 1);
    }
  }
  const most = Math.max(width, height);
  if (x1 < 0) return { x: (width - 1) / 2, y: (height - 1) / 2, size: most, side };
  const box = [x0 * stepX - 0.5, y0 * stepY - 0.5, x1 * stepX - 0.5, y1 * stepY - 0.5];
  const size = Math.min(Math.max(box[2] - box[0], box[3] - box[1]) * (1 + MARGIN), most);
  return { x: (box[0] + box[2]) / 2, y: (box[1] + box[3]) / 2, size: Math.max(size, SMALLEST_PX), side };
}

/** Pixels within reach in a rectangle, those at its rim by their share. @param {Frame} frame
 * @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function reachable({ width, height, depth, unit }, x0, y0, x1, y1) {
  let sum = 0;
  for (let y = Math.floor(y0); y < Math.min(Math.ceil(y1), height); y++) {
    const high = Math.min(y + 1, y1) - Math.max(y, y0);
    for (let x = Math.floor(x0); x < Math.min(Math.ceil(x1), width); x++) {
      const stored = depth[y * width + x];
      if (stored > 0 && stored * unit < REACH_M) sum += high * (Math.min(x + 1, x1) - Math.max(x, x0));
    }
  }
  return sum;
}

/** Depth in meters inside a window, 0 outside of the frame. @param {Frame} frame @param {View} view */
export function cropDepth(frame, view) {
  const { step, left, top } = placing(view), { side } = view, found = new Float32Array(side * side);
  for (let v = 0; v < side; v++) {
    const y = Math.floor(top + v * step + 0.5);
    if (y < 0 || y >= frame.height) continue;
    for (let u = 0; u < side; u++) {
      const x = Math.floor(left + u * step + 0.5);
      if (x >= 0 && x < frame.width) found[v * side + u] = Math.fround(frame.depth[y * frame.width + x] * frame.unit);
    }
  }
  return found;
}

/** Closer windows around the groups of hand and object of the full pass. @param {Look} look @param {number} most */
export function focusViews({ view, planes: [background, hand, held] }, most) {
  const { side } = view, { step, left, top } = placing(view);
  const found = background.map((value, i) => Number(Math.max(hand[i], held[i]) * FOREGROUND_GAIN > value));
  const groups = grouped(piecesOf(solid(found, side), side, side), SMALLEST_PX * side / view.size, most);
  return groups.map(([x0, y0, x1, y1]) => ({
    x: left + (x0 + x1 - 1) / 2 * step,
    y: top + (y0 + y1 - 1) / 2 * step,
    size: Math.max(Math.max(x1 - x0, y1 - y0) * step * (1 + FOCUS_MARGIN), SMALLEST_PX),
    side,
  })).filter((closer) => closer.size < view.size);
}

/** Pixels in a full block of 2 x 2. @param {ArrayLike<number>} found @param {number} side */
function solid(found, side) {
  const kept = new Uint8Array(side * side);
  for (let y = 0; y <= side; y++) {
    for (let x = 0; x <= side; x++) {
      const block = [];
      for (const [down, across] of [[-1, -1], [-1, 0], [0, -1], [0, 0]]) {
        const row = y + down, column = x + across;
        if (row >= 0 && row < side && column >= 0 && column < side) block.push(row * side + column);
      }
      if (x < side && y < side && block.every((i) => found[i])) for (const i of block) kept[i] = 1;
    }
  }
  return kept;
}

/**
 * Connected pieces (also at corners) of nonzero values.
 * @param {ArrayLike<number>} mask @param {number} width @param {number} height
 * @returns {{box: number[], pixels: number[]}[]} largest first
 */
export function connected(mask, width, height) {
  const seen = new Uint8Array(width * height), pieces = [];
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || seen[start]) continue;
    const pixels = [start], box = [width, height, 0, 0];
    seen[start] = 1;
    for (let next = 0; next < pixels.length; next++) {
      const x = pixels[next] % width, y = (pixels[next] - x) / width;
      box[0] = Math.min(box[0], x); box[1] = Math.min(box[1], y);
      box[2] = Math.max(box[2], x + 1); box[3] = Math.max(box[3], y + 1);
      for (let row = Math.max(y - 1, 0); row <= Math.min(y + 1, height - 1); row++) {
        for (let column = Math.max(x - 1, 0); column <= Math.min(x + 1, width - 1); column++) {
          const i = row * width + column;
          if (mask[i] && !seen[i]) { seen[i] = 1; pixels.push(i); }
        }
      }
    }
    pieces.push({ box, pixels });
  }
  return pieces.sort((a, b) => b.pixels.length - a.pixels.length);
}

/** Boxes of pieces that are no specks. @param {Uint8Array} mask @param {number} width @param {number} height */
function piecesOf(mask, width, height) {
  const pieces = connected(mask, width, height);
  return pieces.filter(({ pixels }) => pixels.length >= SMALLEST_PIECE * pieces[0].pixels.length).map(({ box }) => box);
}

/** Join boxes of which the window of one would cut the other. @param {number[][]} boxes @param {number} smallest
 * @param {number} most */
function grouped(boxes, smallest, most) {
  const groups = boxes.slice();
  while (groups.length > 1) {
    let best = [Infinity, 0, 0];
    for (let i = 0; i < groups.length; i++) {
      for (let j = 0; j < i; j++) {
        const growth = Math.min(gap(groups[i], groups[j], smallest), gap(groups[j], groups[i], smallest));
        if (growth < best[0]) best = [growth, i, j];
      }
    }
    const [growth, i, j] = best;
    if (growth > 0 && groups.length <= most) break;
    const [a, b] = [groups[i], groups[j]];
    groups[j] = [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
    groups.splice(i, 1);
  }
  return groups;
}

/** @param {number[]} box @param {number[]} other @param {number} smallest */
function gap(box, other, smallest) {
  const size = Math.max(other[2] - other[0], other[3] - other[1]);
  const reach = Math.max(size * (1 + FOCUS_MARGIN), smallest) / 2;
  const [x, y] = [(other[0] + other[2]) / 2, (other[1] + other[3]) / 2];
  return Math.max(box[0] - x, box[1] - y, x - box[2], y - box[3]) - reach;
}
