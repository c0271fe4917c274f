"""What is wrong with a search."""


class SearchError(Exception):
    """A search means nothing. ``str()`` tells the person what to do."""
