"""The exporter's metrics about itself."""
