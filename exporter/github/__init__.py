"""GitHub's REST API as the collectors see it: endpoints, pages and records; nothing of HTTP."""
