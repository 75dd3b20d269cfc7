"""Reports the use of a portal to Affluenza. Python 3.9, standard library only.

An event is first a file in a spool folder, so that no page waits for the collector and no event is lost with the
process. A thread of each process delivers the spool.
"""

import http.client
import json
import logging
import os
import secrets
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional

_LOG = logging.getLogger("affluenza")
_EVENT_BYTES_MAX = 64 * 1024
# Limits of a request are 1,000 events and 1 MiB.
_BATCH_EVENTS = 500
_BATCH_BYTES = 900_000
_PAUSE_SECONDS_MAX = 60.0


@dataclass
class Delivery:
    """Result of a delivery. `problem` is the reason why `left` events are still in the spool: `no-answer`, or
    `http-` and the status."""

    accepted: int = 0
    refused: list = field(default_factory=list)
    left: int = 0
    problem: Optional[str] = None
    retry_after: float = 0.0


class Emitter:
    """`url`: the collector; `key`: the portal's key; `source`: this portal, as a URI; `spool`: a folder for events that
    are not delivered yet. With `background`, a thread delivers them."""

    def __init__(self, url: str, key: str, source: str, spool: str, *, spool_max: int = 10_000,
                 timeout_seconds: float = 3.0, interval_seconds: float = 5.0, background: bool = True):
        parts = urllib.parse.urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.netloc
        self._path = parts.path.rstrip("/") + "/v1/events"
        self._key = key.strip()
        self._source = source
        self._spool = Path(spool)
        self._spool_max = spool_max
        self._timeout = timeout_seconds
        self._interval = interval_seconds
        self._background = background
        self._work = threading.Event()
        self._closed = False
        self._thread_of = None

    def access(self, data: dict) -> Optional[str]:
        """A page or area was visited."""
        return self.emit("it.affluenza.access.v1", data)

    def service_use(self, data: dict) -> Optional[str]:
        """A service was used; data["kind"] is "plain", "payment" or "booking"."""
        return self.emit("it.affluenza.service-use.v1", data)

    def emit(self, event_type: str, data: dict) -> Optional[str]:
        """Puts an event into the spool and returns its id. Never raises for a full or missing disk: it logs an error
        and returns None."""
        event_id = _uuid7()
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        event = {"specversion": "1.0", "type": event_type, "source": self._source, "id": event_id, "time": now, "data": data}
        body = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if len(body) > _EVENT_BYTES_MAX:
            _LOG.error("event %s is not sent: it has %d bytes, at most %d are allowed", event_id, len(body), _EVENT_BYTES_MAX)
            return None
        try:
            self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
            if len(self._files()) >= self._spool_max:
                _LOG.error("event %s is not sent: the spool %s is full", event_id, self._spool)
                return None
            draft = self._spool / f"{event_id}.draft"
            draft.write_bytes(body)
            draft.rename(self._spool / f"{event_id}.json")
        except OSError as error:
            _LOG.error("event %s is not sent: %s", event_id, error)
            return None
        if self._background:
            self._start()
            self._work.set()
        return event_id

    def deliver(self) -> Delivery:
        """Sends what is in the spool, until a request fails. Copies count once, so several processes may deliver."""
        done = Delivery()
        while batch := self._batch():
            status, retry_after, answer = self._post(b"\n".join(body for _, body in batch))
            results = answer.get("results") if isinstance(answer, dict) else None
            if not isinstance(results, list):
                done.problem = f"http-{status}" if status else "no-answer"
                done.retry_after = retry_after
                break
            refused = {result["index"]: result for result in results if result.get("status") == "refused"}
            for at, (file, _) in enumerate(batch):
                if at in refused:
                    self._set_aside(file, refused[at])
                    done.refused.append({"id": file.stem, **{name: refused[at].get(name, "") for name in ("reason", "pointer", "detail")}})
                else:
                    file.unlink(missing_ok=True)
                    done.accepted += 1
            if refused:
                self._drop_old_refused()
        done.left = len(self._files())
        return done

    def close(self) -> Delivery:
        """Ends the thread and delivers once more."""
        self._closed = True
        self._work.set()
        return self.deliver()

    def _files(self) -> list:
        return sorted(self._spool.glob("*.json")) if self._spool.is_dir() else []

    def _batch(self) -> list:
        batch, size = [], 0
        for file in self._files()[:_BATCH_EVENTS]:
            try:
                body = file.read_bytes()
            except FileNotFoundError:
                continue  # Another process has delivered it.
            # An event is one line. A power cut may leave a file without content.
            body = body.replace(b"\r", b" ").replace(b"\n", b" ").strip()
            if not body:
                file.unlink(missing_ok=True)
                continue
            size += len(body) + 1
            if size > _BATCH_BYTES:
                break
            batch.append((file, body))
        return batch

    def _set_aside(self, file: Path, result: dict) -> None:
        _LOG.error("the collector refused event %s: %s %s", file.stem, result.get("reason"), result.get("detail"))
        folder = self._spool / "refused"
        folder.mkdir(exist_ok=True)
        (folder / f"{file.stem}.txt").write_text(f"{result.get('reason')}\n{result.get('detail')}\n", encoding="utf-8")
        try:
            file.rename(folder / file.name)
        except FileNotFoundError:
            pass

    def _drop_old_refused(self) -> None:
        """Keeps as many refused events as the spool may hold, the newest."""
        folder = self._spool / "refused"
        for event_id in sorted({file.stem for file in folder.iterdir()}, reverse=True)[self._spool_max:]:
            for kind in ("json", "txt"):
                (folder / f"{event_id}.{kind}").unlink(missing_ok=True)

    def _post(self, body: bytes) -> tuple:
        """Returns status (0: no answer), seconds to wait, and the answer."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, timeout=self._timeout)
        headers = {"content-type": "application/x-ndjson", "authorization": f"Bearer {self._key}"}
        try:
            connection.request("POST", self._path, body, headers)
            response = connection.getresponse()
            text = response.read()
            wait = response.headers.get("retry-after", "")
            status = response.status
        except (OSError, http.client.HTTPException) as error:
            _LOG.warning("the collector does not answer: %s", error)
            return 0, 0.0, None
        finally:
            connection.close()
        try:
            answer = json.loads(text)
        except ValueError:
            answer = None
        return status, float(wait) if wait.isdigit() else 0.0, answer

    def _start(self) -> None:
        # A thread does not survive a fork, so each process has its own.
        if self._thread_of != os.getpid():
            self._thread_of = os.getpid()
            threading.Thread(target=self._run, name="affluenza", daemon=True).start()

    def _run(self) -> None:
        failures = 0
        while not self._closed:
            self._work.wait(self._interval)
            self._work.clear()
            try:
                done = self.deliver()
            except Exception as error:  # The thread must go on.
                _LOG.error("the events are not delivered: %s", error)
                done = Delivery(problem="spool")
            failures = failures + 1 if done.problem else 0
            if failures:
                time.sleep(min(_PAUSE_SECONDS_MAX, max(done.retry_after, 2.0 ** min(failures, 6))))


def _uuid7() -> str:
    """A UUID that begins with the time, so that events sort by it."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
