/** The way through the frames: those visited, in order, and those the server has set aside for this tab next. */

/** @import { Api } from "./api.js" */
/** @import { Filter, FrameInfo, Order, Progress } from "./types" */

const AHEAD = 8;

export class Trail {
  /**
   * @param {Api} api
   * @param {Order} [order]
   * @param {Filter} [filter]
   */
  constructor(api, order = "confidence", filter = "todo") {
    this.api = api;
    this.order = order;
    this.filter = filter;
    /** @type {number[]} */
    this.visited = []; // ids
    this.position = -1;
    /** @type {FrameInfo[]} */
    this.ahead = []; // frames as the server describes them
    /** @type {Map<number, FrameInfo>} */
    this.infos = new Map(); // the newest word on every frame met, by id
    this.words = 0; // that came about single frames
    /** @type {Map<number, number>} */
    this.newestWord = new Map(); // which of them was the last, by id
    /** @type {Promise<Progress> | null} */
    this.asking = null;
    this.heldByOthers = 0;
    /** @type {string | null} */
    this.ranking = null; // which confidence the server orders by
    /** @type {Map<number, string | null>} */
    this.cameIn = new Map(); // the ranking by which each frame came, by id
    this.onRenewed = () => {};
  }

  /** @returns {number | null} */
  get current() {
    return this.visited[this.position] ?? null;
  }

  /** @param {FrameInfo} frame */
  learn(frame) {
    this.infos.set(frame.id, frame);
    this.newestWord.set(frame.id, ++this.words);
    this.ahead = this.ahead.map((known) => (known.id === frame.id ? frame : known));
  }

  /**
   * Starts again with another order or filter; the frames visited so far are forgotten.
   *
   * @param {Order} order
   * @param {Filter} filter
   */
  restart(order, filter) {
    this.order = order;
    this.filter = filter;
    this.visited = [];
    this.position = -1;
    this.ahead = [];
  }

  /**
   * Asks the server for the frames behind the current one; one question at a time.
   *
   * @param {(id: number) => boolean} decided whether a frame needs no look any more, as far as this page knows.
   * @returns {Promise<Progress>} the progress that came with the answer.
   */
  async refill(decided) {
    while (this.asking) await this.asking.catch(() => {});
    this.asking = this.#ask(decided);
    try {
      return await this.asking;
    } finally {
      this.asking = null;
    }
  }

  /**
   * @param {(id: number) => boolean} decided
   * @returns {Promise<Progress>}
   */
  async #ask(decided) {
    const { order, filter, current: after } = this;
    const ranking = after === null ? null : (this.cameIn.get(after) ?? null);
    const { words } = this;
    const answer = await this.api.next({ order, filter, after, count: AHEAD, ranking });
    if (order !== this.order || filter !== this.filter) return answer.progress;
    this.heldByOthers = answer.held_by_others;
    if (this.ranking !== null && this.ranking !== answer.ranking) await this.#renew();
    this.ranking = answer.ranking;
    // What was learned of a frame since the question, a decision, say, is newer than the answer.
    let frames = answer.frames.map((frame) => ((this.newestWord.get(frame.id) ?? 0) > words ? (this.infos.get(frame.id) ?? frame) : frame));
    if (order === "confidence" && ranking !== null && ranking !== answer.ranking) {
      // They begin with the worst of all: those seen in this visit were left undecided on purpose.
      const unseen = frames.filter((frame) => !this.visited.includes(frame.id));
      frames = unseen.length ? unseen : frames;
    } else if (this.current !== after) {
      // The person went on meanwhile: what lies before the frame now shown is over.
      const here = frames.findIndex((frame) => frame.id === this.current);
      frames = here < 0 ? [] : frames.slice(here + 1);
    }
    for (const frame of frames) this.infos.set(frame.id, frame);
    this.ahead = frames.filter((frame) => frame.id !== this.current && !decided(frame.id));
    for (const { id } of this.ahead) this.cameIn.set(id, answer.ranking);
    return answer.progress;
  }

  /** Asks anew for what is known of the frame shown, which keeps its place. */
  async #renew() {
    if (this.current !== null) this.learn(await this.api.frame(this.current));
    this.onRenewed();
  }

  /**
   * One step forward: along what was visited, then to what lies ahead; null at the end.
   *
   * @param {(id: number) => boolean} decided whether a frame was decided since it came, and needs no look any more.
   * @returns {number | null}
   */
  forward(decided) {
    if (this.position + 1 < this.visited.length) {
      this.position++;
      this.ahead = this.ahead.filter((frame) => frame.id !== this.current); // or it would come twice
      return this.current;
    }
    let frame = this.ahead.shift();
    while (frame && decided(frame.id)) frame = this.ahead.shift();
    if (!frame) return null;
    this.visited.push(frame.id);
    this.position = this.visited.length - 1;
    return frame.id;
  }

  /** @returns {number | null} */
  back() {
    if (this.position <= 0) return null;
    this.position--;
    return this.current;
  }

  /**
   * Jumps to a frame that was visited; frames from elsewhere are put behind the current one.
   *
   * @param {number} id
   */
  goTo(id) {
    const at = this.visited.lastIndexOf(id);
    if (at >= 0) {
      this.position = at;
    } else {
      this.visited.splice(++this.position, 0, id);
    }
    return id;
  }

  /**
   * Frames around the current one, for the ribbon: `before` ids behind, the current, and those ahead.
   *
   * @param {number} before
   */
  around(before) {
    const start = Math.max(0, this.position - before);
    return { ids: [...this.visited.slice(start), ...this.ahead.map((frame) => frame.id)], current: this.position - start };
  }
}
