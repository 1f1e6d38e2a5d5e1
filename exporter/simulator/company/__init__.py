"""What a simulated company has and how it changes with time."""
