//! Life cycle of a Kafka.

use std::time::Instant;

use affluenza_engine::{EngineError, ExitStatus, Kafka, KafkaSettings};

use crate::{jars, procs, runtime, wire};

pub fn life() {
    let dir = tempfile::tempdir().unwrap();
    let jars = jars();
    let settings = KafkaSettings {
        heap_mib: 256,
        ..KafkaSettings::new(dir.path().join("kafka"))
    };
    runtime().block_on(async {
        let begin = Instant::now();
        let kafka = Kafka::start(&settings, &jars).await.unwrap();
        eprintln!("kafka: first start {:?}", begin.elapsed());
        assert_eq!(wire::create_topic(&kafka, "kept"), 0);
        // Ctrl-C in our terminal must not reach the engine.
        assert_ne!(
            procs::session(kafka.pid()),
            procs::session(std::process::id())
        );

        let second = Kafka::start(&settings, &jars).await.unwrap_err();
        let me = std::process::id();
        assert!(matches!(second, EngineError::InUse { pid: Some(pid), .. } if pid == me));
        assert!(second.to_string().contains(&format!("process {me}")));

        let port = kafka
            .bootstrap()
            .rsplit(':')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let elsewhere = KafkaSettings {
            port: Some(port),
            ..KafkaSettings::new(dir.path().join("other"))
        };
        let taken = Kafka::start(&elsewhere, &jars).await.unwrap_err();
        assert!(matches!(taken, EngineError::PortTaken { port: p, .. } if p == port));

        let java = procs::watch(kafka.pid());
        let begin = Instant::now();
        kafka.stop().await.unwrap();
        eprintln!("kafka: stop {:?}", begin.elapsed());
        java.wait();
        assert_eq!(procs::in_folder(&settings.dir), []);

        // A configured port stays the same, and the data persists in any case.
        let settings = KafkaSettings {
            port: Some(port),
            ..settings
        };
        let begin = Instant::now();
        let kafka = Kafka::start(&settings, &jars).await.unwrap();
        eprintln!("kafka: second start {:?}", begin.elapsed());
        assert_eq!(kafka.bootstrap(), format!("127.0.0.1:{port}"));
        assert!(wire::has_topic(&kafka, "kept"));

        let exited = kafka.exited();
        procs::kill_nine(kafka.pid());
        let exit = exited.await;
        assert_eq!(exit.status, ExitStatus::Signal(9));
        assert!(
            exit.to_string()
                .starts_with("Kafka ended unexpectedly (killed by signal 9)")
        );
        assert!(!exit.last_lines.is_empty());
        assert!(matches!(kafka.stop().await, Err(EngineError::Exited(_))));
        assert_eq!(procs::in_folder(&settings.dir), []);
    });
}
