/** Pictures of frames: fetched ahead, decoded, and the last ones kept, so that the next frame is there when a key asks. */

import { Refused } from "./api.js";

/** @import { Api } from "./api.js" */
/** @import { FrameInfo, MediaAddresses, Pictures } from "./types" */

const KEPT = 24; // frames; about 2 MB each at 640 x 480

/**
 * @param {Response} answer
 * @param {string} name
 */
function headerNumber(answer, name) {
  return Number(answer.headers.get(name));
}

/**
 * @typedef {object} Entry
 * @property {string} key
 * @property {Promise<Pictures>} pictures
 * @property {Promise<Uint8Array | null> | null} asked
 * @property {Uint8Array | null} prediction
 */

export class Frames {
  /** @param {Api} api */
  constructor(api) {
    this.api = api;
    /** @type {Map<number, Entry>} */
    this.kept = new Map(); // by frame id, the least recently used first: {key, pictures, asked, prediction}
    this.turn = 0;
  }

  /**
   * The pictures of a frame.
   *
   * @param {FrameInfo} info a frame as the server describes it.
   */
  load(info) {
    return this.#entry(info).pictures;
  }

  /**
   * What the network says about a frame: apart, because it takes longer, and nobody should wait for it.
   *
   * @param {FrameInfo} info
   */
  async prediction(info) {
    const entry = this.#entry(info);
    entry.asked ??= this.#fetchPrediction(info.media.prediction);
    try {
      entry.prediction = await entry.asked;
    } catch (error) {
      entry.asked = null;
      throw error;
    }
    return entry.prediction;
  }

  /**
   * The prediction if it is here already, else null.
   *
   * @param {FrameInfo} info
   */
  knownPrediction(info) {
    return this.#entry(info).prediction;
  }

  /**
   * Fetches ahead: pictures of all frames first, then predictions one by one, so that no picture queues behind them.
   *
   * @param {FrameInfo[]} infos
   */
  async prepare(infos) {
    const turn = ++this.turn;
    await Promise.allSettled(infos.map((info) => this.load(info)));
    for (const info of infos) {
      if (turn !== this.turn) return;
      await this.prediction(info).catch(() => {});
    }
  }

  /**
   * @param {FrameInfo} info
   * @returns {Entry}
   */
  #entry(info) {
    const key = JSON.stringify(info.media);
    const known = this.kept.get(info.id);
    this.kept.delete(info.id);
    const entry = known?.key === key ? known : { key, pictures: this.#fetch(info.media), asked: null, prediction: null };
    this.kept.set(info.id, entry);
    entry.pictures.catch(() => this.kept.get(info.id) === entry && this.kept.delete(info.id));
    for (const [id, old] of this.kept) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(id);
      old.pictures.then((pictures) => pictures.color?.close()).catch(() => {});
    }
    return entry;
  }

  /** @param {string | null} url */
  async #fetchPrediction(url) {
    if (!url) return null;
    const answer = await this.api.media(url);
    return new Uint8Array(await answer.arrayBuffer());
  }

  /**
   * @param {MediaAddresses} media
   * @returns {Promise<Pictures>}
   */
  async #fetch(media) {
    /** @type {string[]} */
    const unreadable = [];
    /**
     * @template T
     * @param {string | null} url
     * @param {(answer: Response) => Promise<T>} read
     * @returns {Promise<T | null>}
     */
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
    /** @param {Response} answer */
    const bytes = async (answer) => new Uint8Array(await answer.arrayBuffer());
    /** @type {string | null} */
    let labelsVersion = null;
    const [depth, labels, color] = await Promise.all([
      this.api.media(media.depth).then(async (answer) => ({
        width: headerNumber(answer, "X-Width"),
        height: headerNumber(answer, "X-Height"),
        unitM: headerNumber(answer, "X-Depth-Unit-M"),
        depth: new Uint16Array(await answer.arrayBuffer()),
      })),
      optional(media.labels, (answer) => {
        labelsVersion = answer.headers.get("X-Labels-Version");
        return bytes(answer);
      }),
      optional(media.color, async (answer) => createImageBitmap(await answer.blob())),
    ]);
    return { ...depth, labels: labels ?? new Uint8Array(depth.depth.length), labelsVersion, color, unreadable };
  }
}
