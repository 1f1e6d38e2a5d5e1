"""Running collectors: with which client, when, what is kept, what is shown."""
