"""Two Python clients that portals use: confluent-kafka, which wraps librdkafka, and kafka-python.

Runs as `python producers.py BOOTSTRAP TOPIC COMMAND`.
"""

import json
import os
import sys
import threading
import time

import confluent_kafka
import kafka
from confluent_kafka import admin

BOOTSTRAP, TOPIC, COMMAND = sys.argv[1:4]
# Additional settings of librdkafka, such as credentials.
MORE = json.loads(os.environ.get("CLIENT_SETTINGS", "{}"))
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
EVENTS = 3
EVENT_TIME = "2025-05-14T10:00:00+02:00"
TYPE = "it.affluenza.access.v1"


def structured(portal, event_id):
    event = {
        "specversion": "1.0",
        "type": TYPE,
        "source": f"https://{portal}.example.it",
        "id": str(event_id),
        "time": EVENT_TIME,
        "data": {"ente": "c_d612", "portal": portal},
    }
    return json.dumps(event).encode(), []


def binary(portal, event_id):
    headers = {
        "ce_specversion": "1.0",
        "ce_type": TYPE,
        "ce_source": f"https://{portal}.example.it",
        "ce_id": str(event_id),
        "ce_time": EVENT_TIME,
        "content-type": "application/json",
    }
    data = json.dumps({"ente": "c_d612", "portal": portal}).encode()
    return data, [(name, value.encode()) for name, value in headers.items()]


FORMS = {"structured": structured, "binary": binary}


class Librdkafka:
    """confluent-kafka."""

    name = "librdkafka"

    def __init__(self, codec, **settings):
        names = {name.replace("_", "."): value for name, value in settings.items()}
        names |= {"bootstrap.servers": BOOTSTRAP, "compression.type": codec, "linger.ms": 20} | MORE
        self.producer = confluent_kafka.Producer(names)

    @staticmethod
    def modes():
        return {"plain": {}, "idempotent": {"enable_idempotence": True}}

    def send(self, key, value, headers, partition=None):
        more = {} if partition is None else {"partition": partition}
        self.producer.produce(TOPIC, value, key, headers=headers, **more)

    def flush(self):
        if self.producer.flush(60) > 0:
            sys.exit("not everything was acknowledged")

    def begin(self):
        self.producer.begin_transaction()

    def commit(self):
        self.producer.commit_transaction()

    def abort(self):
        self.producer.abort_transaction()

    def init(self):
        self.producer.init_transactions(60)

    def close(self):
        self.flush()


class KafkaPython:
    """kafka-python."""

    name = "kafka-python"

    def __init__(self, codec, **settings):
        codec = None if codec == "none" else codec
        self.producer = kafka.KafkaProducer(
            bootstrap_servers=BOOTSTRAP, compression_type=codec, linger_ms=20, **settings
        )

    @staticmethod
    def modes():
        return {"plain": {"enable_idempotence": False}, "idempotent": {"enable_idempotence": True}}

    def send(self, key, value, headers, partition=None):
        self.producer.send(TOPIC, value=value, key=key, headers=headers, partition=partition)

    def flush(self):
        self.producer.flush(60)

    def begin(self):
        self.producer.begin_transaction()

    def commit(self):
        self.producer.commit_transaction()

    def abort(self):
        self.producer.abort_transaction()

    def init(self):
        self.producer.init_transactions()

    def close(self):
        self.producer.close()


CLIENTS = [Librdkafka, KafkaPython]


def send(client, codec, mode, partition=None):
    for form, make in FORMS.items():
        portal = f"{client.name}-{codec}-{mode}-{form}"
        for event_id in range(EVENTS):
            value, headers = make(portal, event_id)
            client.send(f"{portal}{event_id}".encode(), value, headers, partition)
    client.flush()


def everything(kind):
    for codec in CODECS:
        for mode, settings in kind.modes().items():
            client = kind(codec, **settings)
            send(client, codec, mode)
            client.close()
        client = kind(codec, transactional_id=f"{TOPIC}-{kind.name}-{codec}")
        client.init()
        client.begin()
        send(client, codec, "commit")
        client.commit()
        client.begin()
        send(client, codec, "abort")
        client.abort()
        client.close()


def all_of_both():
    failures = []

    def run(kind):
        try:
            everything(kind)
        except BaseException as failure:
            failures.append(f"{kind.name}: {failure!r}")

    threads = [threading.Thread(target=run, args=[kind]) for kind in CLIENTS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit("; ".join(failures))


def odd_ones():
    """Sends a record without a time, and a tombstone."""
    client = kafka.KafkaProducer(bootstrap_servers=BOOTSTRAP)
    value, _ = structured("kafka-python-none-untimed-structured", 0)
    client.send(TOPIC, key=b"untimed", value=value, timestamp_ms=-1).get(60)
    client.send(TOPIC, key=b"tombstone", value=None).get(60)
    client.close()


def leave_open(kind, partition):
    name = f"{TOPIC}-{kind.name}-open"
    client = kind("zstd", transactional_id=name, transaction_timeout_ms=45000)
    client.init()
    client.begin()
    send(client, "zstd", "open", partition)


def open_ones():
    """Leaves a transaction of each client open, and sends a record of another producer behind each."""
    for partition, kind in enumerate(CLIENTS, start=1):
        leave_open(kind, partition)
    behind = Librdkafka("none")
    for partition in range(3):
        portal = f"librdkafka-none-behind{partition}-structured"
        value, headers = structured(portal, 0)
        behind.send(b"behind", value, headers, partition)
    behind.flush()
    os._exit(0)


def other_assignor(group):
    """Joins `group` with another partition assignor, until the input ends."""
    settings = {
        "bootstrap.servers": BOOTSTRAP,
        "group.id": group,
        "partition.assignment.strategy": "range",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }
    consumer = confluent_kafka.Consumer(settings)
    joined = threading.Event()
    consumer.subscribe([TOPIC], on_assign=lambda *_: joined.set())
    while not joined.is_set():
        consumer.poll(0.1)
    print("joined", flush=True)
    ended = threading.Thread(target=sys.stdin.read)
    ended.start()
    while ended.is_alive():
        consumer.poll(0.1)
    consumer.close()


def compacted():
    """Creates the topic so that Kafka compacts it within seconds."""
    settings = {
        "cleanup.policy": "compact",
        "segment.ms": "200",
        "min.cleanable.dirty.ratio": "0.01",
        "max.compaction.lag.ms": "500",
    }
    client = admin.AdminClient({"bootstrap.servers": BOOTSTRAP})
    topic = admin.NewTopic(TOPIC, 1, 1, config=settings)
    client.create_topics([topic])[TOPIC].result(60)


def holes():
    """Counts the offsets of partition 0 that hold no record."""
    settings = {"bootstrap.servers": BOOTSTRAP, "group.id": "holes", "enable.partition.eof": True}
    consumer = confluent_kafka.Consumer(settings)
    place = confluent_kafka.TopicPartition(TOPIC, 0, confluent_kafka.OFFSET_BEGINNING)
    consumer.assign([place])
    records = 0
    while True:
        message = consumer.poll(60)
        if message.error() is not None:
            break
        records += 1
    low, high = consumer.get_watermark_offsets(place, 60)
    consumer.close()
    return high - low - records


def compact():
    """Sends records of one key until Kafka has removed more of them."""
    before = holes()
    producer = Librdkafka("none")
    while holes() <= before:
        # A record rolls the segment, so that the cleaner may compact the previous one.
        value, _ = structured("librdkafka-none-compacted-structured", time.time_ns())
        producer.send(b"one key", value, [])
        producer.flush()


def set_policy(policy):
    """Sets the cleanup policy of the topic."""
    change = admin.ConfigEntry(
        "cleanup.policy", policy, incremental_operation=admin.AlterConfigOpType.SET
    )
    topic = admin.ConfigResource("TOPIC", TOPIC, incremental_configs=[change])
    client = admin.AdminClient({"bootstrap.servers": BOOTSTRAP})
    client.incremental_alter_configs([topic])[topic].result(60)


def transaction():
    """Commits one transaction and aborts another."""
    client = Librdkafka("zstd", transactional_id=f"{TOPIC}-{os.getpid()}")
    client.init()
    client.begin()
    send(client, "zstd", "commit")
    client.commit()
    client.begin()
    send(client, "zstd", "abort")
    client.abort()


match COMMAND:
    case "all":
        all_of_both()
    case "compacted":
        compacted()
    case "policy":
        set_policy(sys.argv[4])
    case "transaction":
        transaction()
    case "compact":
        compact()
    case "odd":
        odd_ones()
    case "open":
        open_ones()
    case "other-assignor":
        other_assignor(sys.argv[4])
    case _:
        sys.exit(f"unknown command {COMMAND}")
