"""An app of the bench: `echo`, and as many other tools beside it as it is told to have."""
