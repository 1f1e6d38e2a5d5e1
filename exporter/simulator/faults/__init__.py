"""What can go wrong on the way to the exporter."""
