/** A decoder for PNG depth images: browsers cut 16 bits to 8 when they draw them. */

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

/**
 * Decode a gray 16-bit PNG that is not interlaced.
 * @param {ArrayBuffer} file
 * @returns {Promise<{width: number, height: number, depth: Uint16Array}>} stored depth, row by row
 * @throws {Error} the file is something else; one sentence
 */
export async function decodeDepth(file) {
  const bytes = new Uint8Array(file), view = new DataView(file);
  if (SIGNATURE.some((value, i) => bytes[i] !== value)) throw new Error("This is no PNG file: drop a 16-bit depth PNG.");
  let width = 0, height = 0;
  const parts = [];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at), kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8)), start = at + 8;
    if (start + length + 4 > bytes.length) break;
    if (kind === "IHDR") {
      width = view.getUint32(start);
      height = view.getUint32(start + 4);
      const [bits, color, , , interlaced] = bytes.subarray(start + 8, start + 13);
      if (bits !== 16 || color !== 0) {
        const found = `${bits} bits a channel, ${color === 0 ? "gray" : "color"}`;
        throw new Error(`This PNG has ${found}: expected depth as 16-bit gray.`);
      }
      if (interlaced) throw new Error("This PNG is interlaced: save it without.");
    }
    if (kind === "IDAT") parts.push(bytes.subarray(start, start + length));
    if (kind === "IEND") break;
    at = start + length + 4;
  }
  if (!width || !parts.length) throw new Error("This PNG has no image: it is damaged.");
  const raw = await inflate(parts);
  const stride = 2 * width;
  if (raw.length < (stride + 1) * height) throw new Error("This PNG ends too early: it is damaged.");
  return { width, height, depth: unfilter(raw, width, height) };
}

/** @param {Uint8Array[]} parts */
async function inflate(parts) {
  try {
    const stream = new Blob(/** @type {BlobPart[]} */ (parts)).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  } catch {
    throw new Error("This PNG cannot be unpacked: it is damaged.");
  }
}

/**
 * Undo the filter of each row: a byte was stored less what its left, upper or both neighbors foretell.
 * @param {Uint8Array} raw @param {number} width @param {number} height
 */
function unfilter(raw, width, height) {
  const stride = 2 * width, depth = new Uint16Array(width * height);
  let above = new Uint8Array(stride), row = new Uint8Array(stride);
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1), filter = raw[start];
    for (let i = 0; i < stride; i++) {
      const left = i < 2 ? 0 : row[i - 2], up = above[i], corner = i < 2 ? 0 : above[i - 2];
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = up;
      else if (filter === 3) guess = (left + up) >> 1;
      else if (filter === 4) guess = nearest(left, up, corner);
      else if (filter !== 0) throw new Error("This PNG has an unknown filter: it is damaged.");
      row[i] = raw[start + 1 + i] + guess;
    }
    for (let x = 0; x < width; x++) depth[y * width + x] = (row[2 * x] << 8) | row[2 * x + 1];
    [above, row] = [row, above];
  }
  return depth;
}

/** Of the three neighbors the one nearest to left + up - corner. @param {number} left @param {number} up
 * @param {number} corner */
function nearest(left, up, corner) {
  const guess = left + up - corner;
  const a = Math.abs(guess - left), b = Math.abs(guess - up), c = Math.abs(guess - corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
