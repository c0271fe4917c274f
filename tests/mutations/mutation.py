"""One check of the product, taken out, and the test that must fail then."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutation:
    """``old`` stands once in the file at ``path``; with ``new`` in its place, ``taken_out`` is what is missing.

    ``test`` is the pytest id of what fails then. ``database`` is the one that it runs on.
    """

    promise: int
    taken_out: str
    path: str
    old: str
    new: str
    test: str
    database: str = "sqlite"

    def apply(self, root: Path) -> str:
        """Change the file below ``root``; returns the text that it had.

        Raises:
            LookupError: the file has the old text not once.
        """
        file = root / self.path
        text = file.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise LookupError(f"{self.path} has this {text.count(self.old)} times, and not once: {self.old}")
        file.write_text(text.replace(self.old, self.new), encoding="utf-8")
        return text

    @property
    def row(self) -> str:
        """The row of the table in docs/contributing.md."""
        file, _, name = self.test.partition("::")
        return f"| {self.promise} | {self.taken_out} | `{self.path}` | `{name}` in `{file}` |"
