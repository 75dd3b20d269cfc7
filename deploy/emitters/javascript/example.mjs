// Sends one event and prints what became of it.
import { Emitter } from "affluenza-emitter";

const { env } = process;
const emitter = new Emitter({
  url: env.AFFLUENZA_URL,
  key: env.AFFLUENZA_KEY,
  source: "https://servizi.comune.example.it",
  spool: env.AFFLUENZA_SPOOL ?? "affluenza-spool",
});
// A page ends here. The timer delivers.
const id = emitter.serviceUse({
  ente: env.AFFLUENZA_ENTE ?? "c_d612",
  portal: env.AFFLUENZA_PORTAL ?? "servizi-online",
  service: env.AFFLUENZA_SERVICE ?? "pagamento-diritti-anagrafe",
  kind: env.AFFLUENZA_KIND ?? "payment",
  login: "spid-2",
  client: { ip: "203.0.113.77", user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
});
const done = await emitter.close();
for (const { id, reason, detail } of done.refused) console.error(`refused ${id}: ${reason} ${detail}`);
if (done.refused.length > 0 || done.left > 0) {
  console.error(done.problem ?? "");
  process.exit(1);
}
console.log(`sent ${id}`);
