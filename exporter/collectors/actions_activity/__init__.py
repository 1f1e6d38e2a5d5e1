"""What Actions does, from the audit log: runs that wait, and jobs that start."""
