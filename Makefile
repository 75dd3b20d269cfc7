# `make up` runs everything on this machine; `make test` checks it in minutes, `make test-all` with faults and years of
# data, too. All do all set-up.

DATA ?= .affluenza
ONCE ?=
# Of `make test`: which tests, by arguments of the test programs.
TESTS ?=
# Of `make chaos`: what goes wrong, and how often a process is killed.
SEED ?= clock
KILLS ?= 200
# Of `make powercut`: how often the power goes.
CUTS ?= 10
# Of `make outage`: for how many seconds Kafka stays away.
AWAY ?= 60
# Of `make bench-path`: the size of the log, how often each contender runs, and which (all).
SCALE ?= 0.5
ROUNDS ?= 5
CONTENDERS ?=
# Of `make bench-freshness`: events a second, and for how long.
RATE ?= 1000
SECONDS ?= 30
# Of `make bench-api`: a folder for its data, made and removed without, and how often each year is written (6: 105 million events).
KEEP ?=
TIMES ?=
LANG_OF_TABLES ?= en
CARGO ?= cargo
DENY_VERSION := 0.20.2
KUSTOMIZE_VERSION := v5.7.1
TOOLS := target/tools

.PHONY: up test test-all foreign foreign-clients test-features fmt lint unit docs deny audit deploy-check modi-check client-check pdf-check dcat-check bench bench-path bench-freshness bench-live bench-api bench-polling bench-scale bench-collect dist fuzz-http chaos outage powercut screenshots clean prerequisites prerequisites-test

# The same build as that of `make test`, which takes half of the time of an optimised one. `make dist` optimises.
up: prerequisites
	@deploy/prefetch >/dev/null 2>&1 &
	$(CARGO) build --workspace --locked
	target/debug/affluenza --data $(DATA) up --demo $(if $(ONCE),--once) --lang $(LANG_OF_TABLES)

test: prerequisites-test fmt lint unit docs deny

test-all: TESTS := -- --include-ignored
test-all: foreign-clients test

# Producers that are none of ours (Java's client, librdkafka, kafka-python): each codec, plain, idempotent, transactional. Needs
# python3 with venv.
foreign: prerequisites foreign-clients
	$(CARGO) test --locked -p affluenza --test it -- --include-ignored foreign::

foreign-clients: $(TOOLS)/foreign/installed

$(TOOLS)/foreign/installed: tests/it/foreign/requirements.txt
	python3 -m venv $(TOOLS)/foreign
	$(TOOLS)/foreign/bin/pip install --quiet --requirement tests/it/foreign/requirements.txt
	touch $@

prerequisites:
	@deploy/prerequisites

prerequisites-test:
	@deploy/prerequisites test

# What a build with TLS and traces adds: TLS, logins and certificates to a real Kafka, HTTPS, OTLP. Needs OpenSSL's headers
# (libssl-dev). Of the whole workspace, so that only what differs from `make test` is compiled again.
FEATURES := --workspace --features affluenza/test-tls,affluenza/otel
test-features: prerequisites foreign-clients
	$(CARGO) test --locked $(FEATURES) --test it --test trace -- secured::
	$(CARGO) test --locked $(FEATURES) --test it --test trace -- trace

fmt:
	$(CARGO) fmt --all --check

lint:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

unit:
	$(CARGO) test --workspace --locked $(TESTS)

docs:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked

deny: $(TOOLS)/bin/cargo-deny-$(DENY_VERSION)
	$< --locked --log-level error check licenses bans sources

audit: $(TOOLS)/bin/cargo-deny-$(DENY_VERSION)
	$< --locked check advisories

# A package for other machines of this kind: the program with TLS and SASL, units, manual pages, completions, licences and a
# bill of materials. Needs libssl-dev and pkg-config.
dist: prerequisites
	$(CARGO) build --release --locked -p affluenza --features tls,otel
	deploy/dist/make target/release/affluenza tls,otel target/dist

# The pictures of the README, from the demo. Needs chromium.
screenshots: prerequisites
	$(CARGO) build --release --locked
	deploy/screenshots/make target/release/affluenza

# What deploy/ holds for others to read, by their own tools. Needs python3 with venv, Go, and promtool
# (apt-get install --no-install-recommends prometheus).
deploy-check: $(TOOLS)/deploy/installed $(TOOLS)/bin/kustomize-$(KUSTOMIZE_VERSION)
	$(TOOLS)/deploy/bin/python deploy/check.py

$(TOOLS)/bin/kustomize-$(KUSTOMIZE_VERSION):
	GOBIN=$(abspath $(TOOLS))/bin go install sigs.k8s.io/kustomize/kustomize/v5@$(KUSTOMIZE_VERSION)
	cp $(TOOLS)/bin/kustomize $@

$(TOOLS)/deploy/installed: deploy/check.txt
	python3 -m venv $(TOOLS)/deploy
	$(TOOLS)/deploy/bin/pip install --quiet --requirement deploy/check.txt
	touch $@

# Contracts of the API and the collector against the Italian guidelines on interoperability (ModI). Needs npm.
# MODI=http://127.0.0.1:8080/openapi.json checks what a running server serves.
SPECTRAL_VERSION := 6.16.3
MODI ?= schemas/api.openapi.json schemas/collector.openapi.json
modi-check: $(TOOLS)/modi/spectral-$(SPECTRAL_VERSION)
	$(TOOLS)/modi/node_modules/.bin/spectral lint --fail-severity=warn --ruleset deploy/modi/ruleset.yaml $(MODI)

$(TOOLS)/modi/spectral-$(SPECTRAL_VERSION):
	npm install --prefix $(TOOLS)/modi --ignore-scripts --no-audit --no-fund --loglevel=error @stoplight/spectral-cli@$(SPECTRAL_VERSION)
	touch $@

# Clients that generators make of the contract that a running server serves, and requests made up from it. KEY is a reader's.
# Needs python3 with venv, npm and Java.
GENERATOR_VERSION := 2.41.0
API ?= http://127.0.0.1:8080
client-check: $(TOOLS)/clients/installed
	tests/api-clients/check $(abspath $(TOOLS))/clients $(API) $(KEY)

$(TOOLS)/clients/installed: tests/api-clients/requirements.txt
	python3 -m venv $(TOOLS)/clients
	$(TOOLS)/clients/bin/pip install --quiet --requirement $<
	npm install --prefix $(TOOLS)/clients --no-audit --no-fund --loglevel=error @openapitools/openapi-generator-cli@$(GENERATOR_VERSION)
	touch $@

# The report of the demo in every edition, as PDF and as slides, against PDF/UA-1 and PDF/A-2a. DATA is a folder that
# `make up` filled. Needs Java and Maven.
VERAPDF_VERSION := 1.28.2
pdf-check: $(TOOLS)/verapdf/greenfield-apps-$(VERAPDF_VERSION).jar
	$(CARGO) build --workspace --locked
	tests/pdf-check $< target/debug/affluenza $(DATA)

$(TOOLS)/verapdf/greenfield-apps-$(VERAPDF_VERSION).jar:
	mvn --quiet --batch-mode org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
		-Dartifact=org.verapdf.apps:greenfield-apps:$(VERAPDF_VERSION) -DoutputDirectory=$(dir $@)

# A catalogue of open data against what the Italian profile of DCAT demands. Needs python3 with venv.
PYSHACL_VERSION := 0.40.1
dcat-check: $(TOOLS)/dcat/pyshacl-$(PYSHACL_VERSION)
	$(TOOLS)/dcat/bin/pyshacl --shacl deploy/dcat/shapes.ttl --data-file-format json-ld schemas/examples/open-data-catalog.jsonld

$(TOOLS)/dcat/pyshacl-$(PYSHACL_VERSION):
	python3 -m venv $(TOOLS)/dcat
	$(TOOLS)/dcat/bin/pip install --quiet pyshacl==$(PYSHACL_VERSION)
	touch $@

# Built without optimisation: it runs for a second and would take minutes to optimise.
$(TOOLS)/bin/cargo-deny-$(DENY_VERSION):
	$(CARGO) install cargo-deny --version $(DENY_VERSION) --locked --debug --no-default-features --root $(TOOLS) --target-dir $(TOOLS)/build
	mv $(TOOLS)/bin/cargo-deny $@
	rm -rf $(TOOLS)/build

bench: prerequisites
	$(CARGO) bench --workspace --locked

# The whole path, against its limits and others: the OpenTelemetry Collector where Go can build it, Apache Flink where Maven can. SCALE=0.5 is 950,000 events.
bench-path: prerequisites
	SCALE=$(SCALE) ROUNDS=$(ROUNDS) CONTENDERS=$(CONTENDERS) $(CARGO) bench --locked -p affluenza --bench path

# The API on eleven years of data: each resource, many clients, one key that floods. KEEP=/folder keeps
# the data there for the next run.
bench-api: prerequisites
	KEEP=$(KEEP) TIMES=$(TIMES) $(CARGO) bench --locked -p affluenza --bench api

# 64 dashboards that poll the API once a second, without events and beside 1,000 events a second. Two minutes.
bench-polling: prerequisites
	POLLING=1 $(CARGO) bench --locked -p affluenza --bench api

# 29 to 8,000 bodies. ENTI=29,300 chooses sizes, EVENTS=5000000 is the events of a year at 8,000 bodies, BOUND=900 the seconds after
# which a step is given up. Hours.
ENTI ?=
EVENTS ?=
BOUND ?=
bench-scale: prerequisites
	ENTI=$(ENTI) EVENTS=$(EVENTS) BOUND=$(BOUND) $(CARGO) bench --locked -p affluenza --bench scale

# A collector with its own Kafka under load, on this machine. Needs wrk.
bench-collect: prerequisites
	$(CARGO) build --release --locked
	benches/collect/run

# Requests made up from the collector's description. Needs schemathesis (pip install schemathesis).
fuzz-http: prerequisites
	$(CARGO) build --locked
	tests/fuzz-http

# From an event's sending until it is counted. RATE=1000 is events a second.
bench-freshness: prerequisites
	FRESHNESS=1 RATE=$(RATE) SECONDS=$(SECONDS) $(CARGO) bench --locked -p affluenza --bench path

# An ordinary day: CPU of all processes, statements, merges and freshness at RATES events a second, in an empty month and in
# one of MONTH events. Half an hour.
RATES ?= 0,1,10,100,1000
MONTH ?= 1000000
bench-live: SECONDS := 60
bench-live: prerequisites
	LIVE=1 RATES=$(RATES) MONTH=$(MONTH) SECONDS=$(SECONDS) $(CARGO) bench --locked -p affluenza --bench path

# The power of a machine that runs `up` goes under load, and it comes back by itself. As root: it mounts loop devices. The
# user who builds is another one: `make powercut BINARY=...` builds nothing.
BINARY ?=
powercut:
	$(if $(BINARY),,$(CARGO) build --release --locked)
	tests/powercut.py $(or $(BINARY),target/release/affluenza) --cuts $(CUTS)

chaos: prerequisites
	CHAOS_SEED=$(SEED) CHAOS_KILLS=$(KILLS) $(CARGO) test --release --locked -p affluenza --test it -- --include-ignored chaos::

# Kafka away twice for AWAY seconds under a collector's load, and the collector killed meanwhile.
outage: prerequisites
	CHAOS_SEED=$(SEED) COLLECT_AWAY_SECONDS=$(AWAY) $(CARGO) test --locked -p affluenza --test it -- --include-ignored collect::accepted_events

clean:
	$(CARGO) clean
	rm -rf $(DATA)
