// Reports the use of a portal to Affluenza. No dependencies: Node.js 18 or any runtime with fetch.

import { randomBytes } from "node:crypto";

const ATTEMPTS = 4;
const TIMEOUT_MS = 3000;

/** The collector refused the event; a retry would not help. */
export class Refused extends Error {
  constructor(reason, detail) {
    super(`the collector refused the event: ${reason}${detail ? ` (${detail})` : ""}`);
    this.reason = reason;
  }
}

export class Affluenza {
  /** url: the collector; key: the portal's key; source: this portal, as a URI. */
  constructor({ url, key, source }) {
    this.endpoint = `${url.replace(/\/+$/, "")}/v1/events`;
    this.key = key;
    this.source = source;
  }

  /** A page or area was visited. */
  access(data) {
    return this.emit("it.affluenza.access.v1", data);
  }

  /** A service was used; data.kind is "plain", "payment" or "booking". */
  serviceUse(data) {
    return this.emit("it.affluenza.service-use.v1", data);
  }

  /** Sends one event and returns its id. Throws Refused, or the last error after all attempts. */
  async emit(type, data) {
    const event = {
      specversion: "1.0",
      type,
      source: this.source,
      id: uuidv7(),
      time: new Date().toISOString(),
      data,
    };
    // Every attempt sends the same body: the same source and id count once.
    const body = JSON.stringify(event);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#post(body);
        return event.id;
      } catch (error) {
        if (error instanceof Refused || attempt === ATTEMPTS) throw error;
        await pause(error.retryAfterMs ?? 200 * 2 ** attempt * (0.5 + Math.random() / 2));
      }
    }
  }

  async #post(body) {
    const response = await fetch(this.endpoint, {
      method: "POST",
      headers: {
        "content-type": "application/cloudevents+json",
        authorization: `Bearer ${this.key}`,
      },
      body,
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const answer = await response.json().catch(() => ({}));
    if (response.status === 202) {
      const refused = answer.results?.find((result) => result.status === "refused");
      if (refused) throw new Refused(refused.reason, refused.detail);
      return;
    }
    const detail = answer.detail ?? answer.title ?? "";
    // 429 or a server error: retry. Any other status means that the request is wrong.
    if (response.status !== 429 && response.status < 500) {
      throw new Refused(`http-${response.status}`, detail);
    }
    const error = new Error(`the collector answered ${response.status} ${detail}`);
    const seconds = Number(response.headers.get("retry-after"));
    if (seconds > 0) error.retryAfterMs = Math.min(seconds, 5) * 1000;
    throw error;
  }
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A UUID that begins with the time, so that events sort by it. */
function uuidv7() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
