package it.affluenza.emitter;

import java.nio.file.Path;
import java.util.Map;

/** Sends one event and prints what became of it. */
final class Example {
    private Example() {}

    public static void main(String[] arguments) throws Exception {
        Map<String, String> env = System.getenv();
        Emitter emitter = new Emitter(
                env.get("AFFLUENZA_URL"), env.get("AFFLUENZA_KEY"), "https://servizi.comune.example.it",
                Path.of(env.getOrDefault("AFFLUENZA_SPOOL", "affluenza-spool")));
        // A page ends here. In a portal, start() makes a thread that delivers.
        String id = emitter.serviceUse(Map.of(
                "ente", env.getOrDefault("AFFLUENZA_ENTE", "c_d612"),
                "portal", env.getOrDefault("AFFLUENZA_PORTAL", "servizi-online"),
                "service", env.getOrDefault("AFFLUENZA_SERVICE", "pagamento-diritti-anagrafe"),
                "kind", env.getOrDefault("AFFLUENZA_KIND", "payment"),
                "login", "spid-2",
                "client", Map.of("ip", "203.0.113.77", "user_agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")));
        Delivery done = emitter.deliver();
        done.refused().forEach(one -> System.err.println("refused " + one.id() + ": " + one.reason() + " " + one.detail()));
        if (!done.refused().isEmpty() || done.left() > 0) {
            System.err.println(done.problem());
            System.exit(1);
        }
        System.out.println("sent " + id);
    }
}
