"""HTTP on the port; the only folder that knows the server library."""
