"""Tools of each recording level, for secrets to pass through."""
