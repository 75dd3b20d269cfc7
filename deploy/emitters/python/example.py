"""Sends one event and prints what became of it."""

import os
import sys

from affluenza_emitter import Emitter

emitter = Emitter(
    url=os.environ["AFFLUENZA_URL"],
    key=os.environ["AFFLUENZA_KEY"],
    source="https://servizi.comune.example.it",
    spool=os.environ.get("AFFLUENZA_SPOOL", "affluenza-spool"),
)
# A page ends here. The thread delivers.
event_id = emitter.service_use({
    "ente": os.environ.get("AFFLUENZA_ENTE", "c_d612"),
    "portal": os.environ.get("AFFLUENZA_PORTAL", "servizi-online"),
    "service": os.environ.get("AFFLUENZA_SERVICE", "pagamento-diritti-anagrafe"),
    "kind": os.environ.get("AFFLUENZA_KIND", "payment"),
    "login": "spid-2",
    "client": {"ip": "203.0.113.77", "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
})
done = emitter.close()
for refused in done.refused:
    print(f"refused {refused['id']}: {refused['reason']} {refused['detail']}", file=sys.stderr)
if done.refused or done.left:
    sys.exit(done.problem or 1)
print(f"sent {event_id}")
