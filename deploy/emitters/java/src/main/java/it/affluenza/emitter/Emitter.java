package it.affluenza.emitter;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Reports the use of a portal to Affluenza. Java 17, standard library only.
 *
 * <p>An event is first a file in a spool folder, so that no page waits for the collector and no event is lost with the
 * process. A thread delivers the spool after {@link #start}.
 */
public final class Emitter implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(Emitter.class.getName());
    private static final SecureRandom RANDOM = new SecureRandom();
    private static final int EVENT_BYTES_MAX = 64 * 1024;
    // Limits of a request are 1,000 events and 1 MiB.
    private static final int BATCH_EVENTS = 500;
    private static final int BATCH_BYTES = 900_000;
    private static final long INTERVAL_SECONDS = 5;
    private static final long PAUSE_SECONDS_MAX = 60;

    private final HttpClient client;
    private final URI endpoint;
    private final String key;
    private final String source;
    private final Path spool;
    private final int spoolMax;
    private final Duration timeout;
    private ScheduledExecutorService background;
    private int failures;

    /** url: the collector; key: the portal's key; source: this portal, as a URI; spool: a folder for events that are not delivered yet. */
    public Emitter(String url, String key, String source, Path spool) {
        this(url, key, source, spool, 10_000, Duration.ofSeconds(3));
    }

    /** spoolMax: most events in the spool; timeout: longest wait for an answer. */
    public Emitter(String url, String key, String source, Path spool, int spoolMax, Duration timeout) {
        this.endpoint = URI.create(url.replaceAll("/+$", "") + "/v1/events");
        this.key = key.strip();
        this.source = source;
        this.spool = spool;
        this.spoolMax = spoolMax;
        this.timeout = timeout;
        this.client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(timeout).build();
    }

    /** A page or area was visited. */
    public String access(Map<String, ?> data) {
        return emit("it.affluenza.access.v1", data);
    }

    /** A service was used; kind is "plain", "payment" or "booking". */
    public String serviceUse(Map<String, ?> data) {
        return emit("it.affluenza.service-use.v1", data);
    }

    /** Puts an event into the spool and returns its id. Never throws for a full or missing disk: it logs an error and returns null. */
    public String emit(String type, Map<String, ?> data) {
        String id = uuid7();
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("specversion", "1.0");
        event.put("type", type);
        event.put("source", source);
        event.put("id", id);
        event.put("time", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
        event.put("data", data);
        byte[] body = Json.write(event).getBytes(StandardCharsets.UTF_8);
        if (body.length > EVENT_BYTES_MAX) {
            return notSent(id, "it has " + body.length + " bytes, at most " + EVENT_BYTES_MAX + " are allowed");
        }
        try {
            Files.createDirectories(spool);
            if (files().size() >= spoolMax) {
                return notSent(id, "the spool " + spool + " is full");
            }
            Path draft = Files.write(spool.resolve(id + ".draft"), body);
            Files.move(draft, spool.resolve(id + ".json"), StandardCopyOption.ATOMIC_MOVE);
        } catch (IOException | java.io.UncheckedIOException error) {
            return notSent(id, error.toString());
        }
        return id;
    }

    /** Sends what is in the spool, until a request fails. Copies count once, so several processes may deliver. */
    public synchronized Delivery deliver() throws IOException, InterruptedException {
        int accepted = 0;
        List<Delivery.Refused> refused = new ArrayList<>();
        for (List<Pending> batch = batch(); !batch.isEmpty(); batch = batch()) {
            Answer answer = post(batch);
            if (answer.results == null) {
                String problem = answer.status == 0 ? "no-answer" : "http-" + answer.status;
                return new Delivery(accepted, refused, files().size(), problem, answer.retryAfterSeconds);
            }
            for (int at = 0; at < batch.size(); at++) {
                Map<?, ?> result = answer.results.get(at);
                Path file = batch.get(at).file();
                if (result == null) {
                    Files.deleteIfExists(file);
                    accepted++;
                } else {
                    refused.add(setAside(file, result));
                }
            }
            if (!answer.results.isEmpty()) {
                dropOldRefused();
            }
        }
        return new Delivery(accepted, refused, files().size(), null, 0);
    }

    /** Starts a thread that delivers every few seconds. It keeps no process alive. */
    public synchronized Emitter start() {
        background = Executors.newSingleThreadScheduledExecutor(work -> {
            Thread thread = new Thread(work, "affluenza");
            thread.setDaemon(true);
            return thread;
        });
        background.schedule(this::run, 0, TimeUnit.SECONDS);
        return this;
    }

    /** Ends the thread and delivers once more. */
    @Override
    public void close() throws IOException {
        try {
            if (background != null) {
                background.shutdownNow();
                background.awaitTermination(timeout.toSeconds() + 1, TimeUnit.SECONDS);
            }
            deliver();
        } catch (InterruptedException interrupted) {
            // The events stay in the spool.
            Thread.currentThread().interrupt();
        }
    }

    private void run() {
        long pause = INTERVAL_SECONDS;
        try {
            Delivery done = deliver();
            failures = done.problem() == null ? 0 : failures + 1;
            if (failures > 0) {
                pause = Math.min(PAUSE_SECONDS_MAX, Math.max(done.retryAfterSeconds(), 1L << Math.min(failures, 6)));
            }
        } catch (IOException | RuntimeException error) {
            LOG.log(System.Logger.Level.ERROR, "the events are not delivered", error);
        } catch (InterruptedException closed) {
            return;
        }
        if (!background.isShutdown()) {
            background.schedule(this::run, pause, TimeUnit.SECONDS);
        }
    }

    /** Returns the files of the spool, the oldest first. */
    private List<Path> files() throws IOException {
        if (!Files.isDirectory(spool)) {
            return List.of();
        }
        try (Stream<Path> all = Files.list(spool)) {
            return all.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        }
    }

    /** An event of the spool. */
    private record Pending(Path file, byte[] body) {}

    private List<Pending> batch() throws IOException {
        List<Pending> batch = new ArrayList<>();
        long size = 0;
        for (Path file : files().stream().limit(BATCH_EVENTS).toList()) {
            byte[] body;
            try {
                body = Files.readAllBytes(file);
            } catch (NoSuchFileException deliveredByAnother) {
                continue;
            }
            // An event is one line. A power cut may leave a file without content.
            body = new String(body, StandardCharsets.UTF_8).replaceAll("[\\r\\n]+", " ").strip().getBytes(StandardCharsets.UTF_8);
            if (body.length == 0) {
                Files.deleteIfExists(file);
                continue;
            }
            size += body.length + 1;
            if (size > BATCH_BYTES) {
                break;
            }
            batch.add(new Pending(file, body));
        }
        return batch;
    }

    private Delivery.Refused setAside(Path file, Map<?, ?> result) throws IOException {
        Delivery.Refused refused = new Delivery.Refused(
                id(file), text(result, "reason"), text(result, "pointer"), text(result, "detail"));
        LOG.log(System.Logger.Level.ERROR, "the collector refused event {0}: {1} {2}", refused.id(), refused.reason(), refused.detail());
        Path folder = Files.createDirectories(spool.resolve("refused"));
        Files.writeString(folder.resolve(refused.id() + ".txt"), refused.reason() + "\n" + refused.detail() + "\n");
        try {
            Files.move(file, folder.resolve(file.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        } catch (NoSuchFileException setAsideByAnother) {
            LOG.log(System.Logger.Level.DEBUG, "another process delivered event {0}", refused.id());
        }
        return refused;
    }

    /** Keeps as many refused events as the spool may hold, the newest. */
    private void dropOldRefused() throws IOException {
        Path folder = spool.resolve("refused");
        List<String> ids;
        try (Stream<Path> all = Files.list(folder)) {
            ids = all.map(Emitter::id).distinct().sorted(Comparator.reverseOrder()).skip(spoolMax).toList();
        }
        for (String id : ids) {
            Files.deleteIfExists(folder.resolve(id + ".json"));
            Files.deleteIfExists(folder.resolve(id + ".txt"));
        }
    }

    private static String id(Path file) {
        return file.getFileName().toString().replaceFirst("\\.[a-z]+$", "");
    }

    private static String text(Map<?, ?> result, String name) {
        return result.get(name) instanceof String text ? text : "";
    }

    /** Status (0: no answer), and the refused events by index; null without results. */
    private record Answer(int status, long retryAfterSeconds, Map<Integer, Map<?, ?>> results) {}

    private Answer post(List<Pending> batch) throws InterruptedException {
        ByteArrayOutputStream lines = new ByteArrayOutputStream();
        for (Pending event : batch) {
            lines.writeBytes(event.body());
            lines.write('\n');
        }
        HttpRequest request = HttpRequest.newBuilder(endpoint)
                .timeout(timeout)
                .header("content-type", "application/x-ndjson")
                .header("authorization", "Bearer " + key)
                .POST(BodyPublishers.ofByteArray(lines.toByteArray()))
                .build();
        HttpResponse<String> response;
        try {
            response = client.send(request, BodyHandlers.ofString());
        } catch (IOException noAnswer) {
            LOG.log(System.Logger.Level.WARNING, "the collector does not answer: {0}", noAnswer.toString());
            return new Answer(0, 0, null);
        }
        long wait = response.headers().firstValue("retry-after")
                .filter(seconds -> seconds.matches("[0-9]{1,6}")).map(Long::valueOf).orElse(0L);
        if (!(Json.read(response.body()) instanceof Map<?, ?> answer && answer.get("results") instanceof List<?> results)) {
            return new Answer(response.statusCode(), wait, null);
        }
        Map<Integer, Map<?, ?>> refused = new HashMap<>();
        for (Object result : results) {
            if (result instanceof Map<?, ?> one && "refused".equals(one.get("status")) && one.get("index") instanceof Number index) {
                refused.put(index.intValue(), one);
            }
        }
        return new Answer(response.statusCode(), wait, refused);
    }

    private static String notSent(String id, String cause) {
        LOG.log(System.Logger.Level.ERROR, "event {0} is not sent: {1}", id, cause);
        return null;
    }

    /** A UUID that begins with the time, so that events sort by it. */
    private static String uuid7() {
        byte[] bytes = new byte[16];
        RANDOM.nextBytes(bytes);
        long now = System.currentTimeMillis();
        for (int at = 5; at >= 0; at--, now >>= 8) {
            bytes[at] = (byte) now;
        }
        bytes[6] = (byte) (bytes[6] & 0x0f | 0x70);
        bytes[8] = (byte) (bytes[8] & 0x3f | 0x80);
        return HexFormat.of().formatHex(bytes).replaceFirst("(.{8})(.{4})(.{4})(.{4})", "$1-$2-$3-$4-");
    }
}
