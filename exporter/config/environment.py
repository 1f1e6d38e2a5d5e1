"""The only reader of the environment."""

import os

PREFIX = "GHE_EXPORTER_"


def own_environment() -> dict[str, str]:
    """The variables of this program, by upper-case name."""
    return {name.upper(): value for name, value in os.environ.items() if name.upper().startswith(PREFIX)}
