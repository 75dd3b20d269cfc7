"""Runs the steps of conformance/cases.json: one JSON command a line on standard input, one result a line."""

import json
import os
import sys

from affluenza_emitter import Emitter

emitter = Emitter(
    os.environ["AFFLUENZA_URL"], os.environ["AFFLUENZA_KEY"], os.environ["AFFLUENZA_SOURCE"], os.environ["AFFLUENZA_SPOOL"],
    spool_max=int(os.environ["AFFLUENZA_SPOOL_MAX"]), timeout_seconds=float(os.environ["AFFLUENZA_TIMEOUT_SECONDS"]),
    background=False,
)
for line in sys.stdin:
    step = json.loads(line)
    if step["do"] == "emit":
        result = {"id": emitter.emit(step["type"], step["data"])}
    else:
        done = emitter.deliver()
        result = {"accepted": done.accepted, "refused": done.refused, "left": done.left, "problem": done.problem}
    print(json.dumps(result), flush=True)
