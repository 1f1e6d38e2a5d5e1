"""HTTP on the listening socket: the only package that knows the event loop and the parser."""
