"""Says what is wrong with a search."""


class SearchError(Exception):
    """Raised for a search without a meaning. ``str()`` tells the person what to do."""
