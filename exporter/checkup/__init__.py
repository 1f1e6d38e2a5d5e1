"""What `ghe-exporter check` does: ask once what each collector asks, and tell a person what to repair."""
