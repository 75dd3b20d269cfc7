// Asks the aggregate API. The browser's own cache revalidates by ETag: polling costs nothing.

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
  }
}

/** How often a question is asked again, and how many seconds of waiting for that are bearable. */
const AGAIN_MAX = 3;
const WAIT_SECONDS_MAX = 10;

/** How many questions are under way at once: the API answers those of one visitor one after the other, and they wait there only so long. */
const AT_ONCE = 1;

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Not among what everybody may see. */
export class NeedsKey extends Error {}

export class Api {
  /** Held here and nowhere else; gone with the page. */
  #key = null;
  #running = 0;
  #waiting = [];
  get hasKey() { return this.#key !== null; }
  useKey(key) { this.#key = key || null; }

  /** The JSON of an endpoint; throws an ApiError where it answers with a problem. One that is busy says when to ask again. */
  async get(path, parameters = {}) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
    const headers = { Accept: "application/json" };
    if (this.#key) headers["X-API-Key"] = this.#key;
    return this.#inTurn(() => this.#ask(`/v1/${path}?${query}`, headers));
  }

  async #ask(address, headers) {
    for (let again = 0; ; again += 1) {
      const response = await fetch(address, { headers, credentials: "omit", cache: headers["X-API-Key"] ? "no-store" : "default" });
      if (response.ok) return response.json();
      const wait = Number(response.headers.get("Retry-After") ?? NaN);
      const isBusy = [429, 503].includes(response.status) && wait <= WAIT_SECONDS_MAX;
      if (!isBusy || again === AGAIN_MAX) throw new ApiError(response.status, await response.json().catch(() => ({})));
      await pause(wait);
    }
  }

  async #inTurn(work) {
    if (this.#running < AT_ONCE) this.#running += 1;
    else await new Promise((done) => this.#waiting.push(done));
    try {
      return await work();
    } finally {
      // The next takes over this one's place.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
