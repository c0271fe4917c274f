"""States the version of the product, once: `pyproject.toml` reads it here, everything else from the settings."""

VERSION = "0.1.0"
