"""The web endpoints; none of them ever calls GitHub."""
