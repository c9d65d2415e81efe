/** Pictures of frames: fetched ahead, decoded, and the last ones kept, so that the next frame is there when a key asks. */

import { Refused } from "./api.js";

const KEPT = 24; // frames; about 2 MB each at 640 x 480

function headerNumber(answer, name) {
  return Number(answer.headers.get(name));
}

export class Frames {
  constructor(api) {
    this.api = api;
    this.kept = new Map(); // by frame id, the least recently used first: {key, promise}
  }

  /**
   * The pictures of a frame.
   *
   * @param {object} info a frame as the server describes it.
   * @returns {Promise<{width, height, unitM, depth: Uint16Array, labels: Uint8Array, prediction: Uint8Array | null,
   *   color: ImageBitmap | null, unreadable: string[]}>}
   */
  load(info) {
    const key = JSON.stringify(info.media);
    const known = this.kept.get(info.id);
    this.kept.delete(info.id);
    const promise = known?.key === key ? known.promise : this.#fetch(info.media);
    this.kept.set(info.id, { key, promise });
    promise.catch(() => this.kept.get(info.id)?.promise === promise && this.kept.delete(info.id));
    for (const [id, entry] of this.kept) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(id);
      entry.promise.then((pictures) => pictures.color?.close()).catch(() => {});
    }
    return promise;
  }

  async #fetch(media) {
    const unreadable = [];
    const optional = async (url, read) => {
      if (!url) return null;
      try {
        return await read(await this.api.media(url));
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        unreadable.push(error.message);
        return null;
      }
    };
    const bytes = async (answer) => new Uint8Array(await answer.arrayBuffer());
    const [depth, labels, prediction, color] = await Promise.all([
      this.api.media(media.depth).then(async (answer) => ({
        width: headerNumber(answer, "X-Width"),
        height: headerNumber(answer, "X-Height"),
        unitM: headerNumber(answer, "X-Depth-Unit-M"),
        depth: new Uint16Array(await answer.arrayBuffer()),
      })),
      optional(media.labels, bytes),
      optional(media.prediction, bytes),
      optional(media.color, async (answer) => createImageBitmap(await answer.blob())),
    ]);
    return { ...depth, labels: labels ?? new Uint8Array(depth.depth.length), prediction, color, unreadable };
  }
}
