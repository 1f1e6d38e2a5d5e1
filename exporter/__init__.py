"""Prometheus exporter for GitHub Enterprise."""

__version__ = "0.1.0"
