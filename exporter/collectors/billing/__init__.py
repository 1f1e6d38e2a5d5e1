"""Usage and spend of the current month, from whichever billing platform the enterprise is on."""
