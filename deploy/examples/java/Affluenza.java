// Reports the use of a portal to Affluenza. Java 17, standard library only.

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

public final class Affluenza {
    private static final int ATTEMPTS = 4;
    private static final Duration TIMEOUT = Duration.ofSeconds(3);
    private static final Pattern REASON = Pattern.compile("\"reason\"\\s*:\\s*\"([a-z0-9-]+)\"");
    private static final SecureRandom RANDOM = new SecureRandom();

    private final HttpClient client =
            HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(TIMEOUT).build();
    private final URI endpoint;
    private final String key;
    private final String source;

    /** The collector refused the event; a retry would not help. */
    public static final class Refused extends RuntimeException {
        public final String reason;

        Refused(String reason) {
            super("the collector refused the event: " + reason);
            this.reason = reason;
        }
    }

    /** url: the collector; key: the portal's key; source: this portal, as a URI. */
    public Affluenza(String url, String key, String source) {
        this.endpoint = URI.create(url.replaceAll("/+$", "") + "/v1/events");
        this.key = key;
        this.source = source;
    }

    /** A page or area was visited. */
    public String access(Map<String, ?> data) throws IOException, InterruptedException {
        return emit("it.affluenza.access.v1", data);
    }

    /** A service was used; kind is "plain", "payment" or "booking". */
    public String serviceUse(Map<String, ?> data) throws IOException, InterruptedException {
        return emit("it.affluenza.service-use.v1", data);
    }

    /** Sends one event and returns its id. Call it outside of a request, such as from an executor. */
    public String emit(String type, Map<String, ?> data) throws IOException, InterruptedException {
        String id = uuid7();
        Map<String, Object> event = new LinkedHashMap<>();
        event.put("specversion", "1.0");
        event.put("type", type);
        event.put("source", source);
        event.put("id", id);
        event.put("time", Instant.now().truncatedTo(ChronoUnit.MILLIS).toString());
        event.put("data", data);
        // Every attempt sends the same body: the same source and id count once.
        HttpRequest request = HttpRequest.newBuilder(endpoint)
                .timeout(TIMEOUT)
                .header("content-type", "application/cloudevents+json")
                .header("authorization", "Bearer " + key)
                .POST(BodyPublishers.ofString(json(event)))
                .build();
        for (int attempt = 1; ; attempt++) {
            long pause = (long) (200 * Math.pow(2, attempt) * (0.5 + RANDOM.nextDouble() / 2));
            IOException trouble;
            try {
                HttpResponse<String> response = client.send(request, BodyHandlers.ofString());
                int status = response.statusCode();
                if (status == 202) {
                    Matcher refused = REASON.matcher(response.body());
                    if (refused.find()) {
                        throw new Refused(refused.group(1));
                    }
                    return id;
                }
                // 429 or a server error: retry. Any other status means that the request is wrong.
                if (status != 429 && status < 500) {
                    throw new Refused("http-" + status);
                }
                pause = response.headers().firstValue("retry-after").map(Affluenza::millis).orElse(pause);
                trouble = new IOException("the collector answered " + status);
            } catch (IOException noAnswer) {
                trouble = noAnswer;
            }
            if (attempt == ATTEMPTS) {
                throw trouble;
            }
            Thread.sleep(pause);
        }
    }

    private static long millis(String seconds) {
        return seconds.matches("[0-9]{1,4}") ? Math.min(5, Long.parseLong(seconds)) * 1000 : 1000;
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

    /** Encodes maps, strings, numbers and booleans as JSON. */
    private static String json(Object value) {
        if (value instanceof Map<?, ?> map) {
            StringBuilder text = new StringBuilder("{");
            map.forEach((name, field) -> text.append(text.length() > 1 ? "," : "")
                    .append(json(name.toString())).append(':').append(json(field)));
            return text.append('}').toString();
        }
        if (value == null || value instanceof Number || value instanceof Boolean) {
            return String.valueOf(value);
        }
        StringBuilder text = new StringBuilder("\"");
        for (char c : value.toString().toCharArray()) {
            if (c < ' ' || c == '"' || c == '\\') {
                text.append(String.format("\\u%04x", (int) c));
            } else {
                text.append(c);
            }
        }
        return text.append('"').toString();
    }

    public static void main(String[] arguments) throws Exception {
        Affluenza affluenza = new Affluenza(
                System.getenv("AFFLUENZA_URL"), System.getenv("AFFLUENZA_KEY"), "https://servizi.comune.example.it");
        String id = affluenza.serviceUse(Map.of(
                "ente", System.getenv().getOrDefault("AFFLUENZA_ENTE", "c_d612"),
                "portal", System.getenv().getOrDefault("AFFLUENZA_PORTAL", "servizi-online"),
                "service", "pagamento-multe",
                "kind", "payment",
                "outcome", "completed",
                "login", "spid-2",
                "client", Map.of("ip", "203.0.113.77", "user_agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")));
        System.out.println("sent " + id);
    }
}
