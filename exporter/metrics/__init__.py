"""What a metric is and how it becomes bytes."""
