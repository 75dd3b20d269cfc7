CREATE TABLE flink_texts (Body String) ENGINE = Null;
CREATE MATERIALIZED VIEW facts_to_hours TO usage_hourly AS
{hours};
CREATE MATERIALIZED VIEW flink_texts_to_facts TO usage_events AS
{classification};
