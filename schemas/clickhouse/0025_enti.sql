CREATE OR REPLACE VIEW enti{on_cluster}
(
    code String COMMENT 'IPA code',
    name String COMMENT 'Common name',
    kind LowCardinality(String) COMMENT 'comune, unione or citta-metropolitana',
    istat String COMMENT 'Istat code, digits with leading zeros; empty if not given',
    belfiore String COMMENT 'Belfiore (cadastral) code; empty if not given',
    zone LowCardinality(String) COMMENT 'IANA time zone of the local hours',
    inhabitants UInt32 COMMENT 'Number of inhabitants, of an ente with members their sum; 0 if not given. Sums over enti add comuni only, so that nobody counts twice',
    inhabitants_year UInt16 COMMENT 'Year of the count; 0 if not given',
    inhabitants_source LowCardinality(String) COMMENT 'Source of the count; empty if not given',
    members Array(String) COMMENT 'Codes of the comuni that form a unione or citta-metropolitana; empty if not given',
    aliases Array(String) COMMENT 'Other names for searches',
    valid_from Date32 COMMENT 'First day; 1900-01-01 if there is no beginning',
    valid_to Date32 COMMENT 'First day on which it no longer exists; 2299-12-31 if there is no end',
    successor String COMMENT 'Code of the succeeding ente; empty without a successor',
    patron String COMMENT 'Day of the patron saint, MM-DD; empty if not given'
)
AS
SELECT * EXCEPT version
FROM register_enti
WHERE version = (SELECT argMax(v.version, v.applied_at) FROM register_versions AS v)
COMMENT 'Public bodies of the current register.'
