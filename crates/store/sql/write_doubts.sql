INSERT INTO months_in_doubt (month, stream, kafka_partition, first_offset, next_offset, since, held_until, settled, version)
SELECT doubt.1, doubt.2, doubt.3, doubt.4, doubt.5, toDateTime(doubt.6, 'UTC'), {state}, doubt.7 + 1
FROM (
    SELECT arrayJoin(arrayZip(
        {month:Array(UInt32)}, {stream:Array(String)}, {kafka_partition:Array(UInt32)}, {first_offset:Array(UInt64)},
        {next_offset:Array(UInt64)}, {since:Array(UInt32)}, {version:Array(UInt64)})) AS doubt)
