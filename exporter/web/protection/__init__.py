"""Who may read the port: TLS, users and limits."""
