//! Problems in the settings of traces, with and without the feature `otel`.

use affluenza_http::telemetry::trace::TraceConfig;

#[test]
fn each_problem_of_traces_has_its_line() {
    assert!(TraceConfig::default().problems().is_empty());
    let wrong = TraceConfig {
        endpoint: "localhost:4318".into(),
        share: 2.0,
    };
    let expected = if cfg!(feature = "otel") { 2 } else { 3 };
    assert_eq!(wrong.problems().len(), expected);
}
