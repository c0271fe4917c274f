"""An app of the tests, with a tool that cannot be offered."""
