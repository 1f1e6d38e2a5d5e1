"""What outlives a restart: the last good results in one SQLite file."""
