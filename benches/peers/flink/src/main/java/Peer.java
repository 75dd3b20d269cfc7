import java.io.FileReader;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Collectors;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.jdbc.JdbcConnectionOptions.JdbcConnectionOptionsBuilder;
import org.apache.flink.connector.jdbc.JdbcExecutionOptions;
import org.apache.flink.connector.jdbc.core.datastream.sink.JdbcSink;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.runtime.minicluster.MiniCluster;
import org.apache.flink.runtime.minicluster.MiniClusterConfiguration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

/**
 * Writes the records of a topic, unchanged, to a table, until it is terminated. The connectors are
 * Flink's own; their settings are in flink.properties.
 */
public final class Peer {
    public static void main(String[] arguments) throws Exception {
        var settings = new Properties();
        try (var file = new FileReader(arguments[0])) {
            settings.load(file);
        }
        var flink = Configuration.fromMap(withPrefix(settings, "flink."));
        var job = job(settings, flink);
        var size = new MiniClusterConfiguration.Builder().setConfiguration(flink);
        var cluster = new MiniCluster(size.setNumSlotsPerTaskManager(2).build());
        cluster.start();
        // SIGTERM ends the run as planned: the exit code is 0 instead of 143.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> Runtime.getRuntime().halt(0)));
        System.out.println("ready");
        System.in.read();
        cluster.submitJob(job).get();
        var result = cluster.requestJobResult(job.getJobID()).get();
        result.getSerializedThrowable().ifPresent(Throwable::printStackTrace);
        Runtime.getRuntime().halt(1);
    }

    private static StreamGraph job(Properties settings, Configuration flink) {
        var kafka = new Properties();
        kafka.putAll(withPrefix(settings, "kafka."));
        var source =
                KafkaSource.<String>builder()
                        .setTopics(settings.getProperty("topic"))
                        .setStartingOffsets(
                                OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
                        .setValueOnlyDeserializer(new SimpleStringSchema())
                        .setProperties(kafka)
                        .build();
        var clickhouse =
                new JdbcConnectionOptionsBuilder()
                        .withUrl(settings.getProperty("url"))
                        .withUsername(settings.getProperty("user"))
                        .withPassword(settings.getProperty("password"))
                        .build();
        var batches =
                JdbcExecutionOptions.builder()
                        .withBatchSize(Integer.parseInt(settings.getProperty("rows")))
                        .withBatchIntervalMs(Long.parseLong(settings.getProperty("wait_ms")))
                        .build();
        var sink =
                JdbcSink.<String>builder()
                        .withQueryStatement(
                                settings.getProperty("insert"),
                                (statement, text) -> statement.setString(1, text))
                        .withExecutionOptions(batches)
                        .buildAtLeastOnce(clickhouse);
        var environment = StreamExecutionEnvironment.getExecutionEnvironment(flink);
        environment.setParallelism(2);
        environment.fromSource(source, WatermarkStrategy.noWatermarks(), "topic").sinkTo(sink);
        return environment.getStreamGraph();
    }

    /** Returns the settings whose names begin with a prefix, under the rest of the name. */
    private static Map<String, String> withPrefix(Properties settings, String prefix) {
        return settings.stringPropertyNames().stream()
                .filter(name -> name.startsWith(prefix))
                .collect(
                        Collectors.toMap(
                                name -> name.substring(prefix.length()), settings::getProperty));
    }

    private Peer() {}
}
