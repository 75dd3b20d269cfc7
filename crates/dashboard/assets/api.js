// Asks the aggregate API. The browser's own cache revalidates by ETag: polling costs nothing.

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
  }
}

/** Not among what everybody may see. */
export class NeedsKey extends Error {}

export class Api {
  /** Held here and nowhere else; gone with the page. */
  #key = null;
  get hasKey() { return this.#key !== null; }
  useKey(key) { this.#key = key || null; }

  /** The JSON of an endpoint; throws an ApiError where it answers with a problem. */
  async get(path, parameters = {}) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
    const headers = { Accept: "application/json" };
    if (this.#key) headers["X-API-Key"] = this.#key;
    const response = await fetch(`/v1/${path}?${query}`, { headers, credentials: "omit", cache: this.#key ? "no-store" : "default" });
    if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
    return response.json();
  }
}
