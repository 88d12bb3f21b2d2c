//! The components that are built in.

use spanledger_component::Registry;

/// Everything the YAML can name.
pub fn built_in() -> Registry {
    Registry::default()
        .with_receiver::<spanledger_receiver_otlp::OtlpFactory>()
        .with_receiver::<spanledger_receiver_nop::NopFactory>()
        .with_processor::<spanledger_processor_genai::Factory>()
        .with_connector::<spanledger_connector_genai_metrics::GenaiMetrics>()
        .with_exporter::<spanledger_exporter_debug::DebugFactory>()
        .with_exporter::<spanledger_exporter_nop::NopFactory>()
        .with_exporter::<spanledger_exporter_parquet::Parquet>()
        .with_exporter::<spanledger_exporter_prometheus::Prometheus>()
        .with_extension::<spanledger_extension_admin::AdminFactory>()
        .with_extension::<spanledger_extension_health_check::HealthCheckFactory>()
        .with_extension::<spanledger_extension_wal::WalFactory>()
}
