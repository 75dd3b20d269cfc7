CREATE MATERIALIZED VIEW facts_to_hours TO usage_hourly AS
{hours};
CREATE TABLE queue
(
    {columns}
)
ENGINE = Kafka
SETTINGS kafka_broker_list = '{brokers}', kafka_topic_list = '{topic}', kafka_group_name = '{group}', kafka_format = '{format}',
    kafka_num_consumers = 2, kafka_thread_per_consumer = 1, kafka_max_block_size = 65536, kafka_poll_max_batch_size = 65536,
    kafka_flush_interval_ms = {flush_ms};
CREATE MATERIALIZED VIEW queue_to_facts TO usage_events AS
{classification};
