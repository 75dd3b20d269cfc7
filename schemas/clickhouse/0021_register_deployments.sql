CREATE TABLE IF NOT EXISTS register_deployments{local}{on_cluster}
(
    version String COMMENT 'Version of the register',
    ente String COMMENT 'Ente that offers the service',
    service String COMMENT 'Offered service',
    nature LowCardinality(String) COMMENT 'Intended kind of use at this ente',
    valid_from Date32 COMMENT 'First day; 1900-01-01 if there is no beginning',
    valid_to Date32 COMMENT 'First day on which it is no longer offered; 2299-12-31 if there is no end'
)
ENGINE = {replicated}MergeTree({path})
ORDER BY (version, ente, service, valid_from){no_window}
COMMENT 'Online services of each ente, of every applied register. The view deployments has those of the current register.'
