"""A GitHub Enterprise Server as its management console sees it: replication, maintenance, license and nodes."""
