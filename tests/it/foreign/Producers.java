// The official Java client as portals use it: every codec, with plain, idempotent and transactional
// producers, and structured and binary events. Runs as `java Producers.java BOOTSTRAP TOPIC
// COMMAND`, with the client's jars on the class path.

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;

import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.ByteArraySerializer;

class Producers {
    static final List<String> CODECS = List.of("none", "gzip", "snappy", "lz4", "zstd");
    static final int EVENTS = 3;
    static String bootstrap;
    static String topic;

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        topic = args[1];
        switch (args[2]) {
            case "all" -> all();
            case "open" -> open();
            case "elsewhere" -> elsewhere();
            default -> throw new IllegalArgumentException(args[2]);
        }
    }

    static void all() throws Exception {
        for (String codec : CODECS) {
            try (KafkaProducer<byte[], byte[]> plain = producer(codec, Map.of("enable.idempotence", "false"))) {
                send(plain, codec, "plain");
            }
            try (KafkaProducer<byte[], byte[]> idempotent = producer(codec, Map.of())) {
                send(idempotent, codec, "idempotent");
            }
            Map<String, String> name = Map.of("transactional.id", topic + "-java-" + codec);
            try (KafkaProducer<byte[], byte[]> transactional = producer(codec, name)) {
                transactional.initTransactions();
                transactional.beginTransaction();
                send(transactional, codec, "commit");
                transactional.commitTransaction();
                transactional.beginTransaction();
                send(transactional, codec, "abort");
                transactional.abortTransaction();
            }
        }
    }

    /// Leaves a transaction open.
    static void open() throws Exception {
        Map<String, String> name = Map.of("transactional.id", topic + "-java-open", "transaction.timeout.ms", "45000");
        KafkaProducer<byte[], byte[]> transactional = producer("zstd", name);
        transactional.initTransactions();
        transactional.beginTransaction();
        for (int id = 0; id < EVENTS; id++) {
            transactional.send(structured(0, "java-zstd-open-structured", id)).get();
        }
        Runtime.getRuntime().halt(0);
    }

    /// Sends with the codec of the topic and with the codec of the brokers.
    static void elsewhere() throws Exception {
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", bootstrap))) {
            ConfigResource ofTopic = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            ConfigResource ofBrokers = new ConfigResource(ConfigResource.Type.BROKER, "");
            for (String codec : CODECS.subList(1, CODECS.size())) {
                set(admin, ofTopic, codec);
                try (KafkaProducer<byte[], byte[]> plain = producer("none", Map.of())) {
                    send(plain, codec, "topic");
                }
            }
            set(admin, ofTopic, null);
            set(admin, ofBrokers, "zstd");
            try (KafkaProducer<byte[], byte[]> plain = producer("none", Map.of())) {
                send(plain, "zstd", "broker");
            } finally {
                set(admin, ofBrokers, null);
            }
        }
    }

    static void set(Admin admin, ConfigResource where, String codec) throws Exception {
        AlterConfigOp.OpType change = codec == null ? AlterConfigOp.OpType.DELETE : AlterConfigOp.OpType.SET;
        AlterConfigOp alter = new AlterConfigOp(new ConfigEntry("compression.type", codec), change);
        admin.incrementalAlterConfigs(Map.of(where, List.of(alter))).all().get();
        if (codec == null) {
            return;
        }
        while (true) {
            ConfigEntry found = admin.describeConfigs(List.of(where)).all().get().get(where).get("compression.type");
            if (found != null && codec.equals(found.value())) {
                return;
            }
        }
    }

    static KafkaProducer<byte[], byte[]> producer(String codec, Map<String, String> more) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("compression.type", codec);
        settings.put("linger.ms", "20");
        settings.putAll(more);
        return new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static void send(KafkaProducer<byte[], byte[]> producer, String codec, String mode) throws ExecutionException, InterruptedException {
        for (int id = 0; id < EVENTS; id++) {
            producer.send(structured(null, "java-" + codec + "-" + mode + "-structured", id));
            producer.send(binary("java-" + codec + "-" + mode + "-binary", id));
        }
        producer.flush();
    }

    static String data(String portal) {
        return "{\"ente\":\"c_d612\",\"portal\":\"" + portal + "\"}";
    }

    static ProducerRecord<byte[], byte[]> structured(Integer partition, String portal, int id) {
        String event = "{\"specversion\":\"1.0\",\"type\":\"it.affluenza.access.v1\",\"source\":\"https://" + portal + ".example.it\",\"id\":\""
            + id + "\",\"time\":\"2025-05-14T10:00:00+02:00\",\"data\":" + data(portal) + "}";
        return new ProducerRecord<>(topic, partition, key(portal, id), event.getBytes(StandardCharsets.UTF_8));
    }

    static ProducerRecord<byte[], byte[]> binary(String portal, int id) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key(portal, id), data(portal).getBytes(StandardCharsets.UTF_8));
        Map<String, String> headers = Map.of("ce_specversion", "1.0", "ce_type", "it.affluenza.access.v1", "ce_source",
            "https://" + portal + ".example.it", "ce_id", String.valueOf(id), "ce_time", "2025-05-14T10:00:00+02:00", "content-type", "application/json");
        headers.forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        return record;
    }

    static byte[] key(String portal, int id) {
        return (portal + id).getBytes(StandardCharsets.UTF_8);
    }
}
