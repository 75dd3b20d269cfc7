#!/usr/bin/env python3
"""Cuts the power of a small machine under load repeatedly and checks which events are left.

    tests/powercut.py target/release/affluenza --cuts 10        (as root: it mounts loop devices)

`up` keeps its data on an ext4 file system in a file. At the cut every process is stopped and the file is
copied: the copy has what the disk had, and nothing of what only the kernel's memory held. `up` starts on
the copy, and must recover unaided: every acknowledged event once, new events taken in, accounts balanced.
"""
import argparse
import collections
import contextlib
import datetime
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

READY_SECONDS_MAX = 60
SETTLE_SECONDS_MAX = 90
BATCH = 10
IMAGE_BYTES = 4 << 30
FACTS = "SELECT toString(identity), count() FROM usage_events WHERE ente = '{}' GROUP BY identity FORMAT TSV"

Facts = collections.namedtuple("Facts", "events doubled")


class Up:
    """A running `affluenza up`, observed through its output."""

    def __init__(self, binary, data, log):
        self.binary, self.data, self.log = binary, data, log
        with open(log, "w") as out:
            self.process = subprocess.Popen([binary, "--data", data, "up"], stdout=out, stderr=out)
        self.address = self.wait_for(r"(http://\S+/v1/events)", READY_SECONDS_MAX)

    def wait_for(self, pattern, seconds):
        until = time.monotonic() + seconds
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(pattern, self.log.read_text())
            if found:
                return found.group(1)
            time.sleep(0.2)
        raise SystemExit(f"timed out waiting for {pattern}\n{self.log.read_text()[-2000:]}")

    def send(self, key, ente, number):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        events = [{"specversion": "1.0", "type": "it.affluenza.access.v1", "source": f"https://{ente}.example.it", "time": now,
                   "id": f"{number}-{at}", "data": {"ente": ente, "portal": "servizi-online"}} for at in range(BATCH)]
        head = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents-batch+json"}
        request = urllib.request.Request(self.address, json.dumps(events).encode(), head)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status == 202
        except (OSError, urllib.error.URLError):
            return False

    def facts(self, ente):
        url = self.wait_for(r"ClickHouse +(http://\S+)", 5)
        password = pathlib.Path(self.data, "clickhouse/password").read_text().strip()
        head = {"X-ClickHouse-User": "affluenza", "X-ClickHouse-Key": password}
        request = urllib.request.Request(f"{url}/?database=affluenza", FACTS.format(ente).encode(), head)
        with urllib.request.urlopen(request, timeout=30) as answer:
            counts = [int(line.split(b"\t")[1]) for line in answer.read().splitlines()]
        return Facts(len(counts), sum(counts) - len(counts))

    def audit(self):
        return subprocess.run([self.binary, "--data", self.data, "audit"], capture_output=True, text=True)

    def family(self, of=None):
        of = of or self.process.pid
        lists = pathlib.Path(f"/proc/{of}/task").glob("*/children")
        return [of] + [pid for text in lists for child in text.read_text().split() for pid in self.family(int(child))]

    def signal_all(self, which):
        for pid in self.family():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, which)


@contextlib.contextmanager
def no_write_back():
    knob = pathlib.Path("/proc/sys/vm/dirty_writeback_centisecs")
    before = knob.read_text()
    knob.write_text("0")
    try:
        yield
    finally:
        knob.write_text(before)


@contextlib.contextmanager
def mounted(image, folder):
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)


def copy_of_the_disk(image, copy):
    for _ in range(10):
        subprocess.run(["cp", "--sparse=always", image, copy], check=True)
        if subprocess.run(["cmp", "--silent", image, copy]).returncode == 0:
            return
    raise SystemExit("the disk was never at rest")


def load(up, key, rate, over, acknowledged):
    number, due = 0, time.monotonic()
    while not over.is_set():
        number += 1
        if up.send(key, "c_d612", number):
            acknowledged.append(BATCH)
        due += BATCH / rate
        over.wait(max(0.0, due - time.monotonic()))


def before_the_cut(options, work, name):
    image, copy = work / "disk.img", work / f"{name}.img"
    with open(image, "wb") as file:
        file.truncate(IMAGE_BYTES)
    subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
    with mounted(image, work / "before") as disk:
        up = Up(options.binary, disk / "data", work / f"{name}-before.log")
        key = up.wait_for(r"(affluenza_[0-9a-f]{8}_[0-9a-f]+)", 5)
        over, acknowledged = threading.Event(), []
        portal = threading.Thread(target=load, args=(up, key, options.rate, over, acknowledged))
        portal.start()
        time.sleep(options.seconds * random.uniform(0.5, 1.5))
        over.set()
        portal.join()
        with no_write_back():
            up.signal_all(signal.SIGSTOP)
            copy_of_the_disk(image, copy)
        up.signal_all(signal.SIGKILL)
        up.process.wait()
        time.sleep(1)
    image.unlink()
    return copy, key, sum(acknowledged)


def after_the_cut(options, work, name, state):
    copy, key, acknowledged = state
    with mounted(copy, work / "after") as disk:
        began = time.monotonic()
        up = Up(options.binary, disk / "data", work / f"{name}-after.log")
        ready = time.monotonic() - began
        fresh = sum(BATCH for number in range(30) if up.send(key, "c_a564", number))
        until = time.monotonic() + SETTLE_SECONDS_MAX
        while time.monotonic() < until and (up.facts("c_a564").events < fresh or up.facts("c_d612").events < acknowledged):
            time.sleep(1)
        old, new, audit = up.facts("c_d612"), up.facts("c_a564"), up.audit()
        faults = {
            f"{acknowledged - old.events} acknowledged events are lost": old.events < acknowledged,
            f"{old.doubled + new.doubled} events are doubled": old.doubled + new.doubled > 0,
            f"of {fresh} new events {new.events} are stored": new.events != fresh or not fresh,
            f"the audit says: {audit.stdout[-300:]}": audit.returncode != 0,
            "up has ended": up.process.poll() is not None,
        }
        up.signal_all(signal.SIGKILL)
        up.process.wait()
        time.sleep(1)
    copy.unlink()
    faults = [fault for fault, is_so in faults.items() if is_so]
    print(f"{name}: {acknowledged} acknowledged, {old.events} stored, ready after {ready:.0f} s: {'; '.join(faults) or 'survived'}", flush=True)
    return not faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--cuts", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=40, help="of load before each cut, on average")
    parser.add_argument("--rate", type=int, default=400, help="events a second")
    parser.add_argument("--seed", type=int, default=2017)
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory(prefix="powercut-") as folder:
        work = pathlib.Path(folder)
        names = [f"cut {number} (seed {options.seed})" for number in range(1, options.cuts + 1)]
        survived = [after_the_cut(options, work, name, before_the_cut(options, work, name)) for name in names]
    print(f"survived {sum(survived)} of {len(survived)}")
    raise SystemExit(0 if all(survived) else 1)


if __name__ == "__main__":
    main()
