"""An app of the tests, with tools that do what tests need."""
