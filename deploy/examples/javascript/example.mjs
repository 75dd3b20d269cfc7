import { Affluenza } from "./affluenza.mjs";

const affluenza = new Affluenza({
  url: process.env.AFFLUENZA_URL,
  key: process.env.AFFLUENZA_KEY,
  source: "https://servizi.comune.example.it",
});

// In a server, do not await this within a request: catch and log errors instead.
const id = await affluenza.serviceUse({
  ente: process.env.AFFLUENZA_ENTE ?? "c_d612",
  portal: process.env.AFFLUENZA_PORTAL ?? "servizi-online",
  service: "pagamento-multe",
  kind: "payment",
  outcome: "completed",
  login: "spid-2",
  client: { ip: "203.0.113.77", user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0" },
});
console.log(`sent ${id}`);
