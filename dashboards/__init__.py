"""Dashboards for Grafana; `generate.py` writes the JSON beside it."""
