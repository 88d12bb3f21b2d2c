//! The components that are built in.

use spanledger_component::Registry;

/// Everything the YAML can name.
pub fn built_in() -> Registry {
    Registry::default()
        .with_receiver::<spanledger_receiver_otlp::Otlp>()
        .with_receiver::<spanledger_receiver_nop::Nop>()
        .with_processor::<spanledger_processor_genai::Genai>()
        .with_connector::<spanledger_connector_genai_metrics::GenaiMetrics>()
        .with_exporter::<spanledger_exporter_debug::Debug>()
        .with_exporter::<spanledger_exporter_nop::Nop>()
        .with_exporter::<spanledger_exporter_otlp::Otlp>()
        .with_exporter::<spanledger_exporter_otlp::OtlpHttp>()
        .with_exporter::<spanledger_exporter_parquet::Parquet>()
        .with_exporter::<spanledger_exporter_prometheus::Prometheus>()
        .with_extension::<spanledger_extension_admin::Admin>()
        .with_extension::<spanledger_extension_health_check::HealthCheck>()
        .with_extension::<spanledger_extension_wal::Wal>()
}
