-- Ogni evento ricevuto è stato conteggiato?
-- The outcome of every record of the log. The balance must be 0; otherwise "affluenza audit" names the difference.
SELECT
    sum(l.records_read) AS records_read,
    sum(l.stored) AS stored,
    sum(l.duplicate) AS duplicate,
    sum(l.rejected) AS rejected,
    sum(l.quarantined) AS quarantined,
    sum(l.reports) AS reports,
    sum(l.erased) AS erased,
    toInt64(records_read) - stored - duplicate - rejected - quarantined - reports - erased AS balance,
    sum(l.control) AS control,
    sum(l.lost) AS lost,
    toInt64(sum(l.next_offset - l.first_offset)) - records_read - control - lost AS offsets_without_record
FROM ingest_ledger AS l FINAL
