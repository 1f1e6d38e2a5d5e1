"""From environment and file to frozen settings."""
