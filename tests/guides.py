#!/usr/bin/env python3
"""Runs set-ups of the guides as they are printed, with the real programs: nginx, rsyslog, syslog-ng, curl, Fluent Bit,
dbt, WordPress, Plone.

Usage: tests/guides.py PROGRAM [WORDPRESS]. Starts `PROGRAM up` in a temporary folder. A foreign program that is not installed
is named and left out. WORDPRESS is the folder of an installed site with the theme of Design Comuni, which `php -S` can serve.
Environment: PLONE is a virtual environment with Plone (pip install Plone==6.2.2); STEPS names functions to run instead of all.
Debian: apt-get install nginx rsyslog-kafka rsyslog-relp curl, and syslog-ng-core syslog-ng-mod-http, which cannot be installed
beside rsyslog. dbt: pip install dbt-core==1.10.23 dbt-clickhouse==1.9.8. Python's Kafka client: make foreign-clients."""

import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
TOP = pathlib.Path(__file__).resolve().parents[1]
GUIDES = "".join((TOP / "deploy/guides" / name).read_text() for name in ["logs.md", "cms.md", "kafka-clients.md", "analyst.md"])
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
PATIENCE = 120
# Made by `make foreign-clients`.
FOREIGN = "target/tools/foreign/bin/python"
PLONE = os.environ.get("PLONE", "PLONE")


def block(beginning):
    """Returns the block of the guide that begins with this text."""
    found = [text for text in re.findall(r"```\w*\n(.*?)\n```", GUIDES, re.S) if text.startswith(beginning)]
    assert len(found) == 1, f"{len(found)} blocks begin with {beginning}"
    return found[0]


def replaced(text, pairs):
    for old, new in pairs.items():
        assert old in text, f"{old} is not in {text}"
        text = text.replace(old, new)
    return text


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def eventually(what, holds):
    end = time.monotonic() + PATIENCE
    while not (value := holds()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.2)
    return value


class Place:
    """Folder with a running `up`."""

    def __init__(self, folder, stack):
        self.folder, self.stack = folder, stack
        # `up` knows readers from its next start on.
        self.reader_password = self.run("readers", "create", "anna").strip()
        self.start("up", [PROGRAM, "--data", folder / "data", "up"])
        screen = eventually("up is ready", lambda: re.search(r"running; Ctrl-C", self.log("up")) and self.log("up"))
        self.collector = re.search(r"^Collector +(\S+)", screen, re.M)[1]
        self.kafka = re.search(r"^Kafka +(\S+)", screen, re.M)[1]
        self.key = self.run("keys", "create", "guides", "--role", "writer", "--ente", "c_d612").split()[-1]

    def start(self, name, command):
        with open(self.folder / f"{name}.log", "wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder)
        self.stack.callback(stop, process)
        return process

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def run(self, *arguments):
        command = [PROGRAM, "--data", self.folder / "data", *arguments]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout

    def counted(self, outcome):
        """Number of records with this outcome, of all partitions. An audit fails while records wait."""
        command = [PROGRAM, "--data", self.folder / "data", "audit", "--format", "json"]
        audit = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
        return sum(partition[outcome] for partition in json.loads(audit)["partitions"]) if audit else 0

    def stores(self, events):
        """Waits until as many events are stored, each once."""
        eventually(f"{events} events are stored", lambda: self.counted("stored") >= events)
        assert self.counted("stored") == events

    def use(self):
        """Emits a service use and waits until it is stored."""
        stored = self.counted("stored")
        service = ["--ente", "firenze", "--portal", "servizi-online", "--service", "visure-anagrafiche", "--kind", "plain"]
        self.run("emit", *service, "--user-agent", FIREFOX)
        self.stores(stored + 1)

    def connection(self):
        return json.loads((self.folder / "data/endpoints.json").read_text())


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE)


class Nginx:
    """nginx with the configuration of the guide."""

    def __init__(self, place):
        self.place, self.port = place, free_port()
        self.log, self.events = place.folder / "access.log", place.folder / "affluenza.ndjson"
        printed = block("# /etc/nginx/conf.d/affluenza.conf")
        printed = replaced(printed, {"/var/log/nginx/affluenza.ndjson": str(self.events)})
        (place.folder / "affluenza-nginx.conf").write_text(printed)
        temporary = "".join(
            f"{kind}_temp_path {place.folder}/{kind};\n" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        )
        (place.folder / "nginx.conf").write_text(
            f"""daemon off; worker_processes 1; pid {place.folder}/nginx.pid; error_log {place.folder}/nginx.err; events {{}}
http {{
{temporary}
access_log {self.log};
include {place.folder}/affluenza-nginx.conf;
server {{ listen 127.0.0.1:{self.port}; location / {{ return 200; }} location /missing {{ return 404; }} }}
}}
"""
        )
        place.start("nginx", ["nginx", "-c", place.folder / "nginx.conf"])
        eventually("nginx listens", lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def ask(self, path, agent=FIREFOX):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers={"User-Agent": agent})
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(request, timeout=PATIENCE).close()

    def visit(self, pages):
        """Asks for pages, and for what is none."""
        for page in range(pages):
            self.ask(["/", "/tributi/2026", "/anagrafe/visure?id=1"][page % 3], FIREFOX if page % 4 else 'a "b" \\ è')
        self.ask("/style.css")
        self.ask("/missing")

    def ids(self):
        return [json.loads(line)["id"] for line in self.events.read_text().splitlines()]


def nginx_writes_events(place, nginx):
    nginx.visit(30)
    ids = eventually("nginx wrote", lambda: len(nginx.ids()) == 30 and nginx.ids())
    assert len(set(ids)) == 30
    command = block("affluenza check-events").replace("/etc/affluenza/register.toml", str(TOP / "deploy/register.toml"))
    command = replaced(command, {"affluenza check-events": f"{PROGRAM} check-events", "/var/log/nginx/affluenza.ndjson": str(nginx.events)})
    checked = subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    assert "30 events, 30 good, 0 would be refused" in checked and "warning" not in checked, checked


def curl_sends_events(place, nginx):
    command = replaced(
        block("split --lines=1000"),
        {"https://collect.example.it/v1/events": place.collector, "/var/log/nginx/affluenza.ndjson": str(nginx.events)},
    )
    for _ in range(2):
        subprocess.run(["bash", "-c", command], check=True, env={"KEY": place.key, "PATH": "/usr/bin:/bin"})
    eventually("each came twice", lambda: place.counted("duplicate") == 30)
    place.stores(30)
    services = {json.loads(line)["service"] for line in place.run("events", "--last", "30", "--format", "ndjson").splitlines()}
    assert {"dichiarazione-tari", "visure-anagrafiche"} < services, services


def syslog_ng_sends_events(place, nginx):
    printed = replaced(
        block("# /etc/syslog-ng/conf.d/affluenza.conf"),
        {
            "https://collect.example.it/v1/events": place.collector,
            "Bearer KEY": f"Bearer {place.key}",
            "/var/log/nginx/affluenza.ndjson": str(nginx.events),
            "mem-buf-size": f'dir("{place.folder}") mem-buf-size',
        },
    )
    configuration = place.folder / "syslog-ng.conf"
    configuration.write_text(f"@version: 3.38\n{printed}\n")
    files = [f"--{option}={place.folder}/syslog-ng.{option}" for option in ["persist-file", "pidfile", "control"]]
    place.start("syslog-ng", ["syslog-ng", "--foreground", "--stderr", "--no-caps", f"--cfgfile={configuration}", *files])
    nginx.visit(1500)
    place.stores(len(set(nginx.ids())))


def rsyslog(place, name, text):
    configuration = place.folder / f"{name}.conf"
    work = place.folder / f"{name}.work"
    work.mkdir()
    configuration.write_text(f'global(workDirectory="{work}" maxMessageSize="64k")\n{text}\n')
    place.start(name, ["rsyslogd", "-n", "-f", configuration, "-i", place.folder / f"{name}.pid"])


def rsyslog_writes_to_kafka(place, nginx):
    printed = block("# /etc/rsyslog.d/affluenza-kafka.conf")
    rsyslog(place, "kafka", replaced(printed, {"kafka-1:9092": place.kafka, "/var/log/nginx/affluenza.ndjson": str(nginx.events)}))
    nginx.visit(300)
    place.stores(len(set(nginx.ids())))


def fluent_bit_writes_to_kafka(place, nginx):
    """Writes, is killed, and goes on where it was."""
    folder = place.folder / "fluent-bit"
    folder.mkdir()
    configuration = folder / "affluenza.yaml"
    real = {"kafka-1:9092": place.kafka, "/var/log/nginx/affluenza.ndjson": str(nginx.events), "/var/lib/fluent-bit": str(folder)}
    configuration.write_text(replaced(block("# /etc/fluent-bit/affluenza.yaml"), real))
    for _ in range(2):
        shipper = place.start("fluent-bit", ["fluent-bit", "-c", configuration])
        nginx.visit(1500)
        place.stores(len(set(nginx.ids())))
        shipper.kill()
        shipper.wait()


def logs_are_collected_and_followed(place, nginx):
    port, folder = free_port(), place.folder / "collected"
    host = {'port="2514"': f'port="{port}"', "/var/log/affluenza/": f"{folder}/"}
    rsyslog(place, "host", replaced(block("# /etc/rsyslog.d/affluenza-host.conf"), host))
    eventually("the log host listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    web = {'target="log-host" port="2514"': f'target="127.0.0.1" port="{port}"', "/var/log/nginx/access.log": str(nginx.log)}
    rsyslog(place, "web", replaced(block("# /etc/rsyslog.d/affluenza-web.conf"), web))
    nginx.visit(20)
    place.stores(len(set(nginx.ids())))
    (collected,) = eventually("a file is there", lambda: list(folder.glob("*.log")))
    # Not in order: rsyslog has several workers.
    eventually("every line arrived unchanged", lambda: lines_of(collected) == lines_of(nginx.log))
    follow(place, collected, len(set(nginx.ids())), nginx.log.read_text().count("\n"))


def lines_of(file):
    return sorted(file.read_text().splitlines())


def follow(place, log, others, lines):
    """Follows a log with the command of the unit, which may be killed at any time."""
    (command,) = re.findall(r"^ExecStart=(.*)$", block("# /etc/systemd/system/affluenza-import.service"), re.M)
    command = replaced(
        command,
        {
            "/usr/bin/affluenza": str(PROGRAM),
            "--config /etc/affluenza/affluenza.toml": "",
            "/var/lib/affluenza": str(place.folder / "data"),
            # All requests of this test come from one address.
            "--follow": "--single-client --follow",
            "/var/log/nginx/access.log": str(log),
        },
    ).split()
    first = place.start("follow", command)
    place.stores(others + lines)
    first.kill()
    first.wait()
    place.start("follow", command)
    last = log.read_text().splitlines(keepends=True)[-1]
    with open(log, "a") as more:
        more.write(last)
    place.stores(others + lines + 1)


def curl_queries_clickhouse(place, _nginx):
    """Asks as the user that `up` prints."""
    place.use()
    real = {"http://127.0.0.1:8123": place.connection()["clickhouse"], ".affluenza/": f"{place.folder}/data/"}
    command = replaced(block('curl -sS "http://127.0.0.1:8123'), real)
    said = subprocess.run(["sh", "-c", command], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert re.search(r"c_d612 \S+ +[1-9] ", said), said


def dbt_runs_models(place, _nginx):
    """Runs the project as the reader that was created, and as a user that writes tables."""
    place.run("register", "apply")
    place.use()
    connection = place.connection()
    project = shutil.copytree(TOP / "deploy/dbt", place.folder / "dbt")
    port = connection["clickhouse"].rsplit(":", 1)[1]
    reader = {"=8123": f"={port}", "=...": f"={place.reader_password}"}
    said = dbt(place, project, replaced(block("export CLICKHOUSE_PORT"), reader), {})
    assert "All checks passed" in said and "Catalog written" in said and re.search(r"Firenze\W+[1-9]\b", said), said
    owner = {"=...": f"={(place.folder / 'data/clickhouse/password').read_text().strip()}"}
    said = dbt(place, project, replaced(block("export CLICKHOUSE_USER=affluenza"), owner), {"CLICKHOUSE_PORT": port})
    assert said.count("OK created sql table model `models`") == 2, said


def dbt(place, project, commands, environment):
    """Runs a block of commands and returns all output."""
    environment = os.environ | environment | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    with open(place.folder / "dbt.log", "w") as log:
        subprocess.run(["bash", "-ec", commands], check=True, cwd=project, env=environment, stdout=log, stderr=log)
    said = place.log("dbt")
    assert re.search(r"PASS=[1-9]\d* WARN=0 ERROR=0", said), said
    return said


def events(name, number):
    """Events of one client, one a line."""
    event = {"specversion": "1.0", "type": "it.affluenza.access.v1", "source": "https://clients.example.it", "time": "2026-03-26T10:00:00Z"}
    event["data"] = {"ente": "c_d612", "portal": "servizi-online"}
    return "".join(json.dumps(event | {"id": f"{name}-{one}"}) + "\n" for one in range(number))


def client_writes(place, name, command, folder):
    stored = place.counted("stored")
    environment = os.environ | {"KAFKA": place.kafka}
    sent = events(name, 500)
    with open(place.folder / f"{name}.log", "w") as log:
        subprocess.run(command, check=True, cwd=folder, env=environment, input=sent, stdout=log, stderr=log, text=True)
    assert "not sent" not in place.log(name), place.log(name)
    place.stores(stored + 500)


def java_writes_to_kafka(place, _nginx):
    (place.folder / "Send.java").write_text(block("import java.util.Properties"))
    # The jars that `up` fetched.
    jars = sorted(pathlib.Path.home().glob(".cache/affluenza/kafka-*"))[-1]
    client_writes(place, "java", ["java", "-cp", f"{jars}/*", "Send.java"], place.folder)


def python_writes_to_kafka(place, _nginx):
    head = "import json\nimport os\nimport sys\n\nfrom confluent_kafka import Producer\n\nproducer = Producer({"
    for name, settings in [("python", "\n"), ("transactions", '"bootstrap.servers"')]:
        (place.folder / f"{name}.py").write_text(block(head + settings))
        client_writes(place, name, [TOP / FOREIGN, f"{name}.py"], place.folder)


def go_writes_to_kafka(place, _nginx):
    folder = place.folder / "go"
    folder.mkdir()
    (folder / "main.go").write_text(block("package main"))
    for command in [["mod", "init", "portal"], ["get", "github.com/twmb/franz-go@v1.22.3"], ["mod", "tidy"], ["build", "-o", "send"]]:
        subprocess.run(["go", *command], check=True, cwd=folder, stderr=subprocess.DEVNULL)
    client_writes(place, "go", ["./send"], folder)


def wordpress_reports_uses(place, _nginx):
    """Copies the site, adds what the guide says, loads a page and stores an appointment by the theme's handler."""
    site, port, spool = place.folder / "wordpress", free_port(), place.folder / "spool"
    shutil.copytree(sys.argv[2], site)
    plugins = site / "wp-content/mu-plugins"
    shutil.rmtree(plugins, ignore_errors=True)
    shutil.copytree(TOP / "deploy/emitters/php", plugins / "affluenza-emitter")
    (plugins / "affluenza.php").write_text(block("<?php\n// wp-content/mu-plugins/affluenza.php"))
    real = {
        "https://collect.example.it": place.collector.removesuffix("/v1/events"),
        "'KEY'": f"'{place.key}'",
        "/var/lib/affluenza-spool": str(spool),
    }
    configuration, address = site / "wp-config.php", f"http://127.0.0.1:{port}"
    printed = replaced(block("define('AFFLUENZA_URL'"), real)
    printed += f"\ndefine('WP_HOME', '{address}');\ndefine('WP_SITEURL', '{address}');\n"
    configuration.write_text("<?php\n" + printed + configuration.read_text().removeprefix("<?php"))
    place.start("wordpress", ["php", "-d", "error_reporting=E_ERROR", "-S", f"127.0.0.1:{port}", "-t", site])
    eventually("php listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    page = urllib.request.urlopen(f"{address}/", timeout=PATIENCE).read().decode()
    assert re.search(r'<script async src="\S+/v1/visite.js" data-page="www">', page), page
    form = {"action": "save_appuntamento", "name": "Anna", "surname": "Rossi", "email": "anna@example.it", "moreDetails": ""}
    form |= {"service": '{"name": "Anagrafe"}', "office": '{"name": "URP"}'}
    handler = f"{address}/wp-admin/admin-ajax.php"
    answer = urllib.request.urlopen(handler, urllib.parse.urlencode(form).encode(), timeout=PATIENCE).read()
    assert json.loads(answer)["success"], answer
    stored = place.counted("stored")
    del real["'KEY'"]
    command = replaced(block("AFFLUENZA_URL=https://collect.example.it AFFLUENZA_KEY"), real | {"AFFLUENZA_KEY=KEY": f"AFFLUENZA_KEY={place.key}"})
    subprocess.run(["bash", "-ec", command], check=True, cwd=site)
    place.stores(stored + 1)
    (event,) = place.run("events", "--last", "1", "--format", "ndjson").splitlines()
    assert json.loads(event)["service"] == "prenotazione-anagrafe" and "Rossi" not in event, event


PLONE_SITE = """
import transaction
from AccessControl.SecurityManagement import newSecurityManager
from plone import api
from plone.dexterity.fti import DexterityFTI
from Products.CMFPlone.factory import addPloneSite
from zope.component.hooks import setSite

newSecurityManager(None, app.acl_users.getUserById("admin").__of__(app.acl_users))
site = addPloneSite(app, "Plone", distribution_name="classic", setup_content=False)
setSite(site)
kind = DexterityFTI("Segnalazione", global_allow=True, behaviors=("plone.basic", "plone.namefromtitle"))
site.portal_types._setObject("Segnalazione", kind)
api.portal.set_registry_record("plone.webstats_js", '''TAG''')
transaction.commit()
"""


def plone_reports_uses(place, _nginx):
    """Makes a site, adds what the guide says, loads a page and stores a report by Plone's REST interface."""
    programs, instance, port = pathlib.Path(PLONE) / "bin", place.folder / "plone", free_port()
    subprocess.run([programs / "mkwsgiinstance", "-d", instance, "-u", "admin:admin"], check=True, stdout=subprocess.DEVNULL)
    (instance / "affluenza_plone.py").write_text(block('"""Reports procedures that are stored as content'))
    include = instance / "etc/package-includes/affluenza-configure.zcml"
    include.parent.mkdir()
    include.write_text(block("<!-- etc/package-includes/affluenza-configure.zcml"))
    server = instance / "etc/zope.ini"
    server.write_text(replaced(server.read_text(), {"port = 8080": f"port = {port}"}))
    collector = place.collector.removesuffix("/v1/events")
    real = {"https://collect.example.it": collector, "=KEY": f"={place.key}", "/var/lib/affluenza-spool": str(place.folder / "spool-plone")}
    settings = dict(line.split("=", 1) for line in replaced(block("AFFLUENZA_URL=https://collect.example.it\nAFFLUENZA_KEY"), real).splitlines())
    environment = os.environ | settings | {"PYTHONPATH": f"{instance}:{TOP / 'deploy/emitters/python'}"}
    tag = block('<script async src="https://collect.example.it/v1/visite.js"').replace("https://collect.example.it", collector)
    (instance / "site.py").write_text(replaced(PLONE_SITE, {"TAG": tag}))
    with open(place.folder / "plone-site.log", "w") as log:
        command = [programs / "zconsole", "run", instance / "etc/zope.conf", instance / "site.py"]
        subprocess.run(command, check=True, env=environment, stdout=log, stderr=log)
    place.start("plone", ["env", *(f"{name}={value}" for name, value in environment.items()), programs / "runwsgi", server])
    eventually("Plone listens", lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    address = f"http://127.0.0.1:{port}/Plone"
    page = urllib.request.urlopen(address, timeout=PATIENCE).read().decode()
    assert tag in page, page
    stored = place.counted("stored")
    login = base64.b64encode(b"admin:admin").decode()
    headers = {"Authorization": f"Basic {login}", "Accept": "application/json", "Content-Type": "application/json", "User-Agent": FIREFOX}
    report = json.dumps({"@type": "Segnalazione", "title": "Buca in via Rossi"}).encode()
    urllib.request.urlopen(urllib.request.Request(address, report, headers), timeout=PATIENCE).close()
    place.stores(stored + 1)
    (event,) = place.run("events", "--last", "1", "--format", "ndjson").splitlines()
    assert json.loads(event)["service"] == "segnalazione-igiene-urbana" and "Rossi" not in event, event


STEPS = [
    (["nginx"], nginx_writes_events),
    (["curl"], curl_sends_events),
    (["syslog-ng"], syslog_ng_sends_events),
    (["rsyslogd"], rsyslog_writes_to_kafka),
    (["fluent-bit"], fluent_bit_writes_to_kafka),
    (["rsyslogd"], logs_are_collected_and_followed),
    (["java"], java_writes_to_kafka),
    ([TOP / FOREIGN], python_writes_to_kafka),
    (["go"], go_writes_to_kafka),
    (["dbt"], dbt_runs_models),
    (["curl"], curl_queries_clickhouse),
    (["php"], wordpress_reports_uses),
    ([f"{PLONE}/bin/runwsgi"], plone_reports_uses),
]


def main():
    only = os.environ.get("STEPS", "").split()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="affluenza-guides-")))
        place = Place(folder, stack)
        nginx = Nginx(place)
        for needs, step in STEPS:
            if only and step.__name__ not in only:
                continue
            missing = [str(need) for need in needs if not shutil.which(need)]
            if step is wordpress_reports_uses and len(sys.argv) < 3:
                missing.append("the folder of a WordPress")
            if missing:
                print(f"left out, without {', '.join(missing)}: {step.__name__}")
                continue
            try:
                step(place, nginx)
            except BaseException:
                for log in sorted(folder.glob("*.log")):
                    print(f"== {log.name}", *log.read_text(errors="replace").splitlines()[-20:], sep="\n")
                raise
            print(f"passed: {step.__name__}")
        assert "no dead letters" in place.run("dead-letters", "list")


main()
