package it.affluenza.emitter;

import java.util.List;

/**
 * Result of a delivery.
 *
 * @param accepted events that the collector has
 * @param refused events that it refused, each with its reason
 * @param left events that are still in the spool
 * @param problem reason why events are left: {@code no-answer}, or {@code http-} and the status; otherwise null
 * @param retryAfterSeconds seconds that the collector asks to wait, or 0
 */
public record Delivery(int accepted, List<Refused> refused, int left, String problem, long retryAfterSeconds) {
    /** An event that the collector refused. A retry would not help. */
    public record Refused(String id, String reason, String pointer, String detail) {}
}
