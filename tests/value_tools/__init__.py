"""An app whose functions return, and are described by, what Python and Django have besides JSON."""
