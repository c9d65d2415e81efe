/** Calls to the server: one function each. What goes wrong is one of four kinds of error, because each is met differently. */

/** @import { Answer, Decision, Filter, FrameInfo, Handout, Order, Progress, Seen, Session } from "./types" */

const PATIENCE_MS = 20000;
const RETRY_MS = 1000;

/** No answer at all: try again. */
export class Gone extends Error {}

/** The address of another run of the server: the person must open the new one. */
export class Locked extends Error {}

/** A frame is not as it was seen: `frame` is the frame as it is now, `seen` what the action said it was. */
export class Conflict extends Error {
  /**
   * @param {string} message
   * @param {{frame?: FrameInfo, seen?: {revision: number | null, labels_version: string | null}}} both
   */
  constructor(message, { frame, seen }) {
    super(message);
    this.frame = frame;
    this.seen = seen;
  }
}

/** The server says no, in a sentence. `passing`: it may say yes later (disk full, database busy, read-only folder). */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {number} status
   */
  constructor(message, status) {
    super(message);
    this.status = status;
    this.passing = [403, 503, 507].includes(status) || status === 500;
  }
}

/** A random name for an action or a tab; also where the page is not served from this machine (no `randomUUID` there). */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Repeats some work until the server answers it; what the server says, be it no, ends it.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function untilAnswered(work) {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Gone || error instanceof Locked)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/**
 * @typedef {object} Options of a call.
 * @property {string} [method]
 * @property {object} [json] sent as JSON.
 * @property {Uint8Array} [body] sent as it is.
 * @property {string} [request] name of the action.
 * @property {boolean} [keepalive]
 */

export class Api {
  /**
   * @param {string} client name of this tab.
   * @param {() => string} token the secret of the server's run, asked for anew for every call: another tab may have
   *   been opened at the address of a later run.
   */
  constructor(client, token) {
    this.client = client;
    this.token = token;
    this.reviewer = "";
  }

  /** @returns {Promise<Session>} */
  session() {
    return this.#json("/api/session");
  }

  /** @returns {Promise<Progress & {reviewers: Record<string, {accepted: number, rejected: number}>}>} */
  progress() {
    return this.#json("/api/progress");
  }

  /**
   * @param {number} id
   * @returns {Promise<FrameInfo>}
   */
  frame(id) {
    return this.#json(`/api/frame/${id}`);
  }

  /**
   * The next frames behind `after`, leased to this tab.
   *
   * @param {{order: Order, filter: Filter, after: number | null, count: number, ranking: string | null}} asked
   * @returns {Promise<Handout>}
   */
  next({ order, filter, after, count, ranking }) {
    return this.#json("/api/next", { method: "POST", json: { order, filter, after, count, ranking } });
  }

  /**
   * @param {number} id
   * @returns {Promise<{history: import("./types").HistoryEvent[]}>}
   */
  history(id) {
    return this.#json(`/api/frame/${id}/history`);
  }

  /** Ends this tab's leases; still sent while the tab closes. */
  release() {
    return this.#json("/api/release", { method: "POST", json: {}, keepalive: true });
  }

  /**
   * @param {number} id
   * @param {Decision | null} decision
   * @param {Partial<Seen>} seen the frame's revision and labels as they were seen.
   * @param {string} request
   * @returns {Promise<Answer>}
   */
  decide(id, decision, { revision, version }, request) {
    const json = { decision, expected_revision: revision, expected_labels: version };
    return this.#json(`/api/frame/${id}/decision`, { method: "POST", json, request });
  }

  /**
   * @param {number} id
   * @param {Uint8Array} labels
   * @param {Partial<Seen>} seen
   * @param {string} request
   * @returns {Promise<Answer>}
   */
  putLabels(id, labels, { revision, version }, request) {
    const asked = new URLSearchParams({ expected_revision: String(revision), ...(version && { expected_labels: version }) });
    return this.#json(`/api/frame/${id}/labels?${asked}`, { method: "PUT", body: labels, request });
  }

  /**
   * @param {number} id
   * @param {Partial<Seen>} seen
   * @param {string} request
   * @returns {Promise<Answer>}
   */
  undo(id, { revision, version }, request) {
    const json = { frame: id, expected_revision: revision, expected_labels: version };
    return this.#json("/api/undo", { method: "POST", json, request });
  }

  /**
   * A picture of a frame, as the answer that holds its bytes and its size.
   *
   * @param {string} url
   */
  media(url) {
    return this.#fetch(url, {});
  }

  /**
   * @param {string} url
   * @param {Options} [options]
   */
  async #json(url, options = {}) {
    const answer = await this.#fetch(url, options);
    return answer.json();
  }

  /**
   * @param {string} url
   * @param {Options} options
   */
  async #fetch(url, { method = "GET", json, body, request, keepalive = false }) {
    /** @type {Record<string, string>} */
    const headers = { "X-Reviewer": encodeURIComponent(this.reviewer), "X-Client": this.client, "X-Token": this.token() };
    if (request) headers["X-Request"] = request;
    if (json) headers["Content-Type"] = "application/json";
    else if (body) headers["Content-Type"] = "application/octet-stream";
    let answer;
    try {
      answer = await fetch(url, {
        method,
        headers,
        body: json ? JSON.stringify(json) : /** @type {BodyInit | undefined} */ (body),
        keepalive,
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
    } catch {
      throw new Gone("The server does not answer.");
    }
    if (answer.ok) return answer;
    throw await this.#error(answer);
  }

  /** @param {Response} answer */
  async #error(answer) {
    const said = await answer.json().catch(() => ({}));
    const sentence = typeof said.error === "string" ? said.error : `The server answered ${answer.status}.`;
    if (answer.status === 401) return new Locked(sentence);
    if (answer.status === 409) return new Conflict(sentence, said);
    return new Refused(sentence, answer.status);
  }
}
