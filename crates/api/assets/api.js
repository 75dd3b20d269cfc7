// Queries the aggregate API. The browser's own cache revalidates by ETag, so polling is cheap.

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
  }
}

/** Number of retries of a request, and the longest wait between them in seconds. */
const AGAIN_MAX = 3;
const WAIT_SECONDS_MAX = 10;

/** Number of concurrent requests. The API answers one request of a visitor at a time, and refuses those that wait too long. */
const AT_ONCE = 1;

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** The figures are not public, and there is no key. */
export class NeedsKey extends Error {}

export class Api {
  /** Kept in memory only; lost with the page. */
  #key = null;
  #running = 0;
  #waiting = [];
  get hasKey() { return this.#key !== null; }
  useKey(key) { this.#key = key || null; }

  /** Returns the JSON of an endpoint. */
  async get(path, parameters = {}) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
    return this.follow(`/v1/${path}?${query}`);
  }

  /** Returns the JSON of an address. Throws an ApiError for a problem; a busy API is asked again after its Retry-After. */
  async follow(address) {
    const headers = { Accept: "application/json" };
    if (this.#key) headers["X-API-Key"] = this.#key;
    return this.#inTurn(() => this.#ask(address, headers));
  }

  async #ask(address, headers) {
    for (let again = 0; ; again += 1) {
      // Answers to a key are not public, so the browser must not store them.
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
      // The next request takes the place of this one.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }
}
