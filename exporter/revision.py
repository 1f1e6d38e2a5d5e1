"""Which commit this is; written over when an image or a package is built."""

REVISION = "unknown"
