"""An app of the tests, whose tools are generated."""
