"""Keep the principals of verified tokens. Knows nothing of verification; holds digests, and no token."""

from collections import OrderedDict

from authz_app.policy.principal import Principal

MAX_PRINCIPALS = 10_000


class TokenCache:
    """Keeps the principals seen last, each until its token expires, and all until the keys or settings change.

    ``generation`` is that of the key sets: what was verified under another one counts for nothing, since its key may
    have been withdrawn. Belongs to one event loop.
    """

    def __init__(self, leeway: int, size: int = MAX_PRINCIPALS) -> None:
        self._leeway = leeway
        self._size = size
        self._generation = 0
        self._principals: OrderedDict[bytes, Principal] = OrderedDict()

    def __len__(self) -> int:
        return len(self._principals)

    def get(self, digest: bytes, generation: int, now: float) -> Principal | None:
        """The principal of the token with the SHA-256 ``digest``, if it still holds at ``now`` (epoch seconds)."""
        if generation != self._generation:
            self._principals.clear()
            self._generation = generation
        principal = self._principals.get(digest)
        if principal is None:
            return None
        if now >= principal.expires_at + self._leeway:
            del self._principals[digest]
            return None
        self._principals.move_to_end(digest)
        return principal

    def put(self, digest: bytes, generation: int, principal: Principal) -> None:
        """Keep a principal. ``generation`` is the one read before its key was looked up."""
        if generation != self._generation:
            return
        self._principals[digest] = principal
        if len(self._principals) > self._size:
            self._principals.popitem(last=False)
