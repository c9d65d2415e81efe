/**
 * Which pixels a brush, a polygon or a flood covers. Images are flat arrays, row by row; pixel (x, y) covers
 * [x, x+1) x [y, y+1), so its center is at (x + 0.5, y + 0.5). Rectangles are {x0, y0, x1, y1}, ends excluded.
 */

/** @import { Found, Point, Rect, Visit } from "./types" */

/** @type {Readonly<Rect>} */
export const NOTHING = Object.freeze({ x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity });

/**
 * @param {Rect} a
 * @param {Rect} b
 * @returns {Rect}
 */
export function union(a, b) {
  return {
    x0: Math.min(a.x0, b.x0),
    y0: Math.min(a.y0, b.y0),
    x1: Math.max(a.x1, b.x1),
    y1: Math.max(a.y1, b.y1),
  };
}

/** @param {Rect} rect */
export function isEmpty(rect) {
  return rect.x0 >= rect.x1 || rect.y0 >= rect.y1;
}

/**
 * @param {Rect} rect
 * @param {number} width
 * @param {number} height
 * @returns {Rect}
 */
function clip(rect, width, height) {
  return {
    x0: Math.max(0, Math.floor(rect.x0)),
    y0: Math.max(0, Math.floor(rect.y0)),
    x1: Math.min(width, Math.ceil(rect.x1)),
    y1: Math.min(height, Math.ceil(rect.y1)),
  };
}

/**
 * Center of the pixel under a point: strokes are laid through centers, so that the pixel under the tip is painted.
 *
 * @param {Point} point
 * @returns {Point}
 */
export function pixelCenter(point) {
  return { x: Math.floor(point.x) + 0.5, y: Math.floor(point.y) + 0.5 };
}

/**
 * Pixels whose centers lie within `radius` of the line from `a` to `b` (pixel centers).
 *
 * @param {Point} a
 * @param {Point} b
 * @param {number} radius
 * @param {number} width
 * @param {number} height
 * @param {Visit} visit called once for every pixel.
 * @returns {Rect} rectangle that holds them all.
 */
export function capsule(a, b, radius, width, height, visit) {
  const rect = clip(
    {
      x0: Math.min(a.x, b.x) - radius - 1,
      y0: Math.min(a.y, b.y) - radius - 1,
      x1: Math.max(a.x, b.x) + radius + 1,
      y1: Math.max(a.y, b.y) + radius + 1,
    },
    width,
    height,
  );
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const length2 = dx * dx + dy * dy;
  const reach2 = radius * radius;
  for (let y = rect.y0; y < rect.y1; y++) {
    for (let x = rect.x0; x < rect.x1; x++) {
      const px = x + 0.5 - a.x;
      const py = y + 0.5 - a.y;
      const along = length2 ? Math.min(1, Math.max(0, (px * dx + py * dy) / length2)) : 0;
      const ex = px - along * dx;
      const ey = py - along * dy;
      if (ex * ex + ey * ey <= reach2) visit(y * width + x);
    }
  }
  return rect;
}

/**
 * Pixels whose centers lie inside a polygon by the even-odd rule; same arguments as `capsule`.
 *
 * @param {Point[]} points
 * @param {number} width
 * @param {number} height
 * @param {Visit} visit
 * @returns {Rect}
 */
export function polygon(points, width, height, visit) {
  /** @type {Rect} */
  let rect = NOTHING;
  for (const { x, y } of points) rect = union(rect, { x0: x, y0: y, x1: x, y1: y });
  rect = clip(rect, width, height);
  for (let y = rect.y0; y < rect.y1; y++) {
    const crossings = rowCrossings(points, y + 0.5);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const first = Math.max(0, Math.ceil(crossings[i] - 0.5));
      const last = Math.min(width - 1, Math.ceil(crossings[i + 1] - 0.5) - 1);
      for (let x = first; x <= last; x++) visit(y * width + x);
    }
  }
  return rect;
}

/**
 * @param {Point[]} points
 * @param {number} y
 */
function rowCrossings(points, y) {
  /** @type {number[]} */
  const crossings = [];
  points.forEach((a, i) => {
    const b = points[(i + 1) % points.length];
    if (a.y <= y !== b.y <= y) crossings.push(a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x));
  });
  return crossings.sort((left, right) => left - right);
}

/** Connected pixels (4 neighbors) found from a seed; keeps its buffers, because a preview floods on every move. */
export class Flood {
  /** @param {number} size */
  constructor(size) {
    this.stack = new Uint32Array(size);
    this.seen = new Uint32Array(size);
    this.round = 0;
  }

  /**
   * @param {number} seed
   * @param {number} width
   * @param {number} height
   * @param {(from: number, to: number) => boolean} joins whether the flood goes on from one pixel to its neighbor.
   * @returns {Found} the pixels (valid until the next call) and the rectangle around them.
   */
  from(seed, width, height, joins) {
    const { stack, seen } = this;
    const round = ++this.round;
    let count = 1;
    const rect = { ...NOTHING };
    stack[0] = seed;
    seen[seed] = round;
    /** @type {(from: number, to: number) => void} */
    const offer = (from, to) => {
      if (seen[to] !== round && joins(from, to)) {
        seen[to] = round;
        stack[count++] = to;
      }
    };
    for (let next = 0; next < count; next++) {
      const index = stack[next];
      const x = index % width;
      const y = (index - x) / width;
      if (x > 0) offer(index, index - 1);
      if (x < width - 1) offer(index, index + 1);
      if (y > 0) offer(index, index - width);
      if (y < height - 1) offer(index, index + width);
      if (x < rect.x0) rect.x0 = x;
      if (x >= rect.x1) rect.x1 = x + 1;
      if (y < rect.y0) rect.y0 = y;
      if (y >= rect.y1) rect.y1 = y + 1;
    }
    return { indices: stack.subarray(0, count), rect };
  }
}

const REACH = 12; // steps: a flood leaves the seed's depth by at most this many tolerances

/**
 * Rule for `Flood.from`: the surface goes on where depth changes by at most `tolerance` from pixel to pixel, and by at
 * most 12 tolerances from the seed, so that a table top does not lead to the wall.
 *
 * @param {Uint16Array} depth
 * @param {number} seed
 * @param {number} tolerance
 * @returns {(from: number, to: number) => boolean}
 */
export function similarDepth(depth, seed, tolerance) {
  const start = depth[seed];
  return (from, to) =>
    depth[to] > 0 && Math.abs(depth[to] - depth[from]) <= tolerance && Math.abs(depth[to] - start) <= REACH * tolerance;
}
