// Reports the use of a portal to Affluenza. Node.js 18, no dependencies.
//
// An event is first a file in a spool folder, so that no page waits for the collector and no event is lost with the
// process. A timer of each process delivers the spool.

import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, parse } from "node:path";

const EVENT_BYTES_MAX = 64 * 1024;
// Limits of a request are 1,000 events and 1 MiB.
const BATCH_EVENTS = 500;
const BATCH_BYTES = 900_000;
const PAUSE_MS_MAX = 60_000;

export class Emitter {
  #options;
  #endpoint;
  #timer;
  #failures = 0;
  #isClosed = false;

  /**
   * url: the collector; key: the portal's key; source: this portal, as a URI; spool: a folder for events that are not
   * delivered yet. With `background`, a timer delivers them. `log` is called with each error.
   */
  constructor({ url, key, source, spool, spoolMax = 10_000, timeoutMs = 3_000, intervalMs = 5_000, background = true, log = console.error }) {
    this.#options = { key: key.trim(), source, spool, spoolMax, timeoutMs, intervalMs, background, log };
    this.#endpoint = `${url.replace(/\/+$/, "")}/v1/events`;
  }

  /** A page or area was visited. */
  access(data) {
    return this.emit("it.affluenza.access.v1", data);
  }

  /** A service was used; data.kind is "plain", "payment" or "booking". */
  serviceUse(data) {
    return this.emit("it.affluenza.service-use.v1", data);
  }

  /** Puts an event into the spool and returns its id. Never throws for a full or missing disk: it logs an error and returns null. */
  emit(type, data) {
    const { source, spool, spoolMax, background, log } = this.#options;
    const id = uuid7();
    const body = JSON.stringify({ specversion: "1.0", type, source, id, time: new Date().toISOString(), data });
    const bytes = Buffer.byteLength(body);
    if (bytes > EVENT_BYTES_MAX) {
      log(`affluenza: event ${id} is not sent: it has ${bytes} bytes, at most ${EVENT_BYTES_MAX} are allowed`);
      return null;
    }
    try {
      mkdirSync(spool, { recursive: true, mode: 0o700 });
      if (this.#files().length >= spoolMax) {
        log(`affluenza: event ${id} is not sent: the spool ${spool} is full`);
        return null;
      }
      writeFileSync(join(spool, `${id}.draft`), body);
      renameSync(join(spool, `${id}.draft`), join(spool, `${id}.json`));
    } catch (error) {
      log(`affluenza: event ${id} is not sent: ${error.message}`);
      return null;
    }
    if (background) this.#plan(0);
    return id;
  }

  /**
   * Sends what is in the spool, until a request fails. Copies count once, so several processes may deliver. Returns
   * { accepted, refused, left, problem, retryAfterMs }. `problem` is the reason why events are left: `no-answer`, or
   * `http-` and the status.
   */
  async deliver() {
    const done = { accepted: 0, refused: [], left: 0, problem: null, retryAfterMs: 0 };
    for (let batch = this.#batch(); batch.length > 0; batch = this.#batch()) {
      const { status, retryAfterMs, answer } = await this.#post(batch.map(({ body }) => body).join("\n"));
      if (!Array.isArray(answer?.results)) {
        done.problem = status ? `http-${status}` : "no-answer";
        done.retryAfterMs = retryAfterMs;
        break;
      }
      const refused = new Map(answer.results.filter((result) => result.status === "refused").map((result) => [result.index, result]));
      batch.forEach(({ id }, at) => {
        const result = refused.get(at);
        if (result) {
          this.#setAside(id, result);
          done.refused.push({ id, reason: result.reason, pointer: result.pointer ?? "", detail: result.detail ?? "" });
        } else {
          rmSync(join(this.#options.spool, `${id}.json`), { force: true });
          done.accepted += 1;
        }
      });
      if (refused.size > 0) this.#dropOldRefused();
    }
    done.left = this.#files().length;
    return done;
  }

  /** Ends the timer and delivers once more. */
  close() {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    return this.deliver();
  }

  /** Returns the files of the spool, the oldest first. */
  #files() {
    try {
      return readdirSync(this.#options.spool).filter((name) => name.endsWith(".json")).sort();
    } catch (error) {
      if (error.code === "ENOENT") return [];
      throw error;
    }
  }

  #batch() {
    const batch = [];
    let size = 0;
    for (const name of this.#files().slice(0, BATCH_EVENTS)) {
      let body;
      try {
        body = readFileSync(join(this.#options.spool, name), "utf8");
      } catch (error) {
        // Another process has delivered it.
        if (error.code === "ENOENT") continue;
        throw error;
      }
      // An event is one line. A power cut may leave a file without content.
      body = body.replace(/[\r\n]+/g, " ").trim();
      if (body === "") {
        rmSync(join(this.#options.spool, name), { force: true });
        continue;
      }
      size += Buffer.byteLength(body) + 1;
      if (size > BATCH_BYTES) break;
      batch.push({ id: name.slice(0, -".json".length), body });
    }
    return batch;
  }

  #setAside(id, { reason, detail }) {
    const { spool, log } = this.#options;
    log(`affluenza: the collector refused event ${id}: ${reason} ${detail ?? ""}`);
    mkdirSync(join(spool, "refused"), { recursive: true });
    writeFileSync(join(spool, "refused", `${id}.txt`), `${reason}\n${detail ?? ""}\n`);
    try {
      renameSync(join(spool, `${id}.json`), join(spool, "refused", `${id}.json`));
    } catch (error) {
      if (error.code !== "ENOENT") throw error;
    }
  }

  /** Keeps as many refused events as the spool may hold, the newest. */
  #dropOldRefused() {
    const { spool, spoolMax } = this.#options;
    const folder = join(spool, "refused");
    const ids = [...new Set(readdirSync(folder).map((name) => parse(name).name))].sort().reverse();
    for (const id of ids.slice(spoolMax)) {
      for (const kind of ["json", "txt"]) rmSync(join(folder, `${id}.${kind}`), { force: true });
    }
  }

  /** Returns status (0: no answer), the time to wait, and the answer. */
  async #post(body) {
    const { key, timeoutMs } = this.#options;
    try {
      const response = await fetch(this.#endpoint, {
        method: "POST",
        headers: { "content-type": "application/x-ndjson", authorization: `Bearer ${key}` },
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(timeoutMs),
      });
      const seconds = Number(response.headers.get("retry-after")) || 0;
      const answer = await response.json().catch(() => null);
      return { status: response.status, retryAfterMs: seconds * 1000, answer };
    } catch {
      return { status: 0, retryAfterMs: 0, answer: null };
    }
  }

  /** Delivers after a pause, then at every interval. The timer keeps no process alive. */
  #plan(pauseMs) {
    if (this.#timer !== undefined && pauseMs === 0) return;
    this.#timer = setTimeout(async () => {
      let wait = this.#options.intervalMs;
      try {
        const { problem, retryAfterMs } = await this.deliver();
        this.#failures = problem ? this.#failures + 1 : 0;
        if (problem) wait = Math.min(PAUSE_MS_MAX, Math.max(retryAfterMs, 1000 * 2 ** Math.min(this.#failures, 6)));
      } catch (error) {
        this.#options.log(`affluenza: the spool cannot be read: ${error.message}`);
      }
      if (!this.#isClosed) this.#plan(wait);
    }, pauseMs);
    this.#timer.unref();
  }
}

/** A UUID that begins with the time, so that events sort by it. */
function uuid7() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
