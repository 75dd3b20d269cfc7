// Queries the aggregate API. All questions that a page asks at once are one request.

export class ApiError extends Error {
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? String(status));
    this.status = status;
  }
}

/** The session has ended, and the next request is public. */
export class SessionEnded extends ApiError {}

/** Number of retries of a question, and the longest wait between them in seconds. */
const AGAIN_MAX = 3;
const WAIT_SECONDS_MAX = 10;
/** Largest number of questions of a request. */
const QUESTIONS_MAX = 40;

const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** The figures are not public, and there is no key. */
export class NeedsKey extends Error {}

export class Api {
  /** Promises of the questions that the next request asks. */
  #asked = new Map();
  /** True during a session, which is a cookie that no script can read. */
  hasKey;
  /** Text of all answers since this was emptied. */
  read = "";
  constructor(hasSession) { this.hasKey = hasSession; }

  /** Begins a session with a key. Throws an ApiError for a wrong one. */
  async signIn(key) {
    await this.#session({ method: "POST", headers: { "X-API-Key": key } });
    this.hasKey = true;
  }
  /** Ends the session. */
  async signOut() {
    await this.#session({ method: "DELETE" });
    this.hasKey = false;
  }
  async #session(request) {
    const response = await fetch("/pages/session", request);
    if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
  }

  /** Returns the JSON of a resource. Throws an ApiError for a problem; a busy API is asked again. */
  get(path, parameters = {}) {
    const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null));
    return this.follow(`${path}?${query}`);
  }

  /** Returns the JSON of an address of the API. */
  follow(address) {
    const question = address.replace("/v1/", "");
    if (!this.#asked.has(question)) {
      if (this.#asked.size === 0) setTimeout(() => this.#send());
      this.#asked.set(question, Promise.withResolvers());
    }
    return this.#asked.get(question).promise;
  }

  #send() {
    const asked = [...this.#asked];
    this.#asked.clear();
    for (let at = 0; at < asked.length; at += QUESTIONS_MAX) this.#ask(asked.slice(at, at + QUESTIONS_MAX));
  }

  async #ask(asked) {
    try {
      for (let again = 0; asked.length > 0; again += 1) {
        const answers = await this.#answers(asked.map(([question]) => question));
        const isBusy = ({ status, retry_after: wait }) =>
          [429, 503].includes(status) && wait !== null && wait <= WAIT_SECONDS_MAX && again < AGAIN_MAX;
        answers.forEach(({ status, body }, at) => {
          if (status === 200 || status === 202) asked[at][1].resolve(body);
          else if (!isBusy(answers[at])) asked[at][1].reject(new ApiError(status, body));
        });
        asked = asked.filter((_, at) => isBusy(answers[at]));
        await pause(Math.max(0, ...answers.filter(isBusy).map((answer) => answer.retry_after)));
      }
    } catch (error) {
      for (const [, { reject }] of asked) reject(error);
    }
  }

  /** Returns the status and the body of each answer. */
  async #answers(questions) {
    const query = new URLSearchParams(questions.map((question) => ["ask", question]));
    // Answers in a session are not public, so the browser must not store them.
    const response = await fetch(`/pages/answers?${query}`, { cache: this.hasKey ? "no-store" : "default" });
    if (response.ok) {
      const text = await response.text();
      this.read += text;
      return JSON.parse(text);
    }
    throw new (response.status === 401 ? SessionEnded : ApiError)(response.status, await response.json().catch(() => ({})));
  }
}
