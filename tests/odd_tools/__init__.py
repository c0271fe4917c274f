"""An app of the tests, with tools of many signatures."""
