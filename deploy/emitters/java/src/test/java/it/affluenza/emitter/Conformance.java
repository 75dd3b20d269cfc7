package it.affluenza.emitter;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs the steps of conformance/cases.json: one JSON command a line on standard input, one result a line. */
final class Conformance {
    private Conformance() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> env = System.getenv();
        Emitter emitter = new Emitter(
                env.get("AFFLUENZA_URL"), env.get("AFFLUENZA_KEY"), env.get("AFFLUENZA_SOURCE"), Path.of(env.get("AFFLUENZA_SPOOL")),
                Integer.parseInt(env.get("AFFLUENZA_SPOOL_MAX")),
                Duration.ofMillis((long) (1000 * Double.parseDouble(env.get("AFFLUENZA_TIMEOUT_SECONDS")))));
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Map<?, ?> step = (Map<?, ?>) Json.read(line);
            System.out.println(Json.write(step.get("do").equals("emit") ? emit(emitter, step) : deliver(emitter)));
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> emit(Emitter emitter, Map<?, ?> step) {
        String id = emitter.emit((String) step.get("type"), (Map<String, ?>) step.get("data"));
        return Collections.singletonMap("id", id);
    }

    private static Map<String, Object> deliver(Emitter emitter) throws Exception {
        Delivery done = emitter.deliver();
        List<Map<String, String>> refused = done.refused().stream()
                .map(one -> Map.of("id", one.id(), "reason", one.reason(), "pointer", one.pointer(), "detail", one.detail()))
                .toList();
        Map<String, Object> result = new LinkedHashMap<>();
        result.put("accepted", done.accepted());
        result.put("refused", refused);
        result.put("left", done.left());
        result.put("problem", done.problem());
        return result;
    }
}
