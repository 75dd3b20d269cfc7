// Runs the steps of conformance/cases.json: one JSON command a line on standard input, one result a line.
import { createInterface } from "node:readline";

import { Emitter } from "./index.mjs";

const { env } = process;
const emitter = new Emitter({
  url: env.AFFLUENZA_URL,
  key: env.AFFLUENZA_KEY,
  source: env.AFFLUENZA_SOURCE,
  spool: env.AFFLUENZA_SPOOL,
  spoolMax: Number(env.AFFLUENZA_SPOOL_MAX),
  timeoutMs: 1000 * Number(env.AFFLUENZA_TIMEOUT_SECONDS),
  background: false,
});
for await (const line of createInterface({ input: process.stdin })) {
  const step = JSON.parse(line);
  if (step.do === "emit") {
    console.log(JSON.stringify({ id: emitter.emit(step.type, step.data) }));
  } else {
    const { accepted, refused, left, problem } = await emitter.deliver();
    console.log(JSON.stringify({ accepted, refused, left, problem }));
  }
}
