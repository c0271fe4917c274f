"""Name the reasons why a request has no principal. Pure: each exception is a sentence for a person, and its data.

The tree, by whose fault it is:

    AuthenticationError
      x MissingToken                 no credentials: challenged without an error code (RFC 6750 section 3.1)
          - UnsupportedScheme
          - QueryTokenNotAccepted
      x InvalidRequest               the request's fault: 400
          - SeveralTokens
          - MalformedAuthorization
      x InvalidToken                 the token's fault: 401
          - TokenTooLarge
          - OpaqueToken
          - MalformedToken
          - WrongAlgorithm
          - UnknownIssuer
          - UnknownKey
          - BadSignature
          - WrongType
              + IdToken
          - SenderConstrained
          - MissingClaim
          - BadClaim
          - WrongAudience
          - WrongApplication
          - Expired
          - NotYetValid
      x IssuerUnavailable            ours or the issuer's fault: 503, never a reason to log in again

No sentence holds a token. What it repeats of a request or a token has gone through `shown`.
"""

import re
from collections.abc import Iterable

_SHOWN_LENGTH = 80
_NOT_QUOTABLE = re.compile(r"[^\x20\x21\x23-\x5b\x5d-\x7e]")


def quotable(text: str) -> str:
    """``text`` as RFC 6750 section 3 lets an error_description be: printable ASCII without ``"`` and backslash."""
    return _NOT_QUOTABLE.sub("?", text)


def shown(value: object) -> str:
    """The value in a form that is safe to repeat to a stranger: short, quoted, ASCII."""
    text = quotable(str(value)[: _SHOWN_LENGTH + 1])
    return f"'{text[:_SHOWN_LENGTH]}...'" if len(text) > _SHOWN_LENGTH else f"'{text}'"


def _listed(values: Iterable[object]) -> str:
    first, *others = [*values] or ["nothing"]
    return shown(first) + (f" and {len(others)} more" if others else "")


class AuthenticationError(Exception):
    """A request has no principal. ``str()`` says what happened and what to do next."""


class MissingToken(AuthenticationError):
    def __init__(self, sentence: str = "Send an access token in an Authorization: Bearer header.") -> None:
        super().__init__(sentence)


class UnsupportedScheme(MissingToken):
    """The Authorization header begins with another word than Bearer. It is not repeated: it may be a key."""

    def __init__(self) -> None:
        super().__init__(
            "The Authorization header does not begin with the word Bearer. Send the word Bearer, one space, and an"
            " access token."
        )


class QueryTokenNotAccepted(MissingToken):
    """The access token stands in the query string, where RFC 6750 section 5.3 asks not to put it."""

    def __init__(self) -> None:
        super().__init__(
            "Access tokens in the query string are not accepted here. Send it in an Authorization: Bearer header."
        )


class InvalidRequest(AuthenticationError):
    """The request carries its access token in a way that RFC 6750 section 2 does not allow."""


class SeveralTokens(InvalidRequest):
    """More than one access token, or one sent by more than one method."""

    def __init__(self) -> None:
        super().__init__("The request has more than one access token. Send exactly one Authorization: Bearer header.")


class MalformedAuthorization(InvalidRequest):
    """What follows the scheme is not one access token."""

    def __init__(self) -> None:
        super().__init__("The Authorization header must be the word Bearer, one space, and one access token.")


class InvalidToken(AuthenticationError):
    """The access token is not acceptable, and will not become so by sending it again.

    ``proved`` is the issuer and the subject of a token whose signature was verified, and which is refused all the same.
    """

    proved: tuple[str, str] | None = None


class TokenTooLarge(InvalidToken):
    def __init__(self, length: int, limit: int) -> None:
        self.length = length
        self.limit = limit
        super().__init__(
            f"The token has {length} characters; at most {limit} are accepted. Ask the issuer for fewer claims."
        )


class OpaqueToken(InvalidToken):
    """Not a signed JWT: an opaque string, or an encrypted JWT, which only its issuer can read."""

    def __init__(self, parts: int) -> None:
        self.parts = parts
        super().__init__(
            "This is an opaque token, not a signed JWT. If Auth0 returned an opaque token: request it with an audience."
        )


class MalformedToken(InvalidToken):
    """``part`` is "header", "payload" or "signature"."""

    def __init__(self, part: str, problem: str) -> None:
        self.part = part
        self.problem = problem
        super().__init__(f"The {part} of the token {problem}. Send the token exactly as its issuer returned it.")


class WrongAlgorithm(InvalidToken):
    def __init__(self, algorithm: object, accepted: Iterable[str]) -> None:
        self.algorithm = algorithm
        self.accepted = tuple(accepted)
        super().__init__(
            f"The token is signed with {shown(algorithm)}, and {', '.join(self.accepted)} is what is accepted from its"
            " issuer. Change the algorithm at the issuer, or ask the administrator of this site to accept it."
        )


class UnknownIssuer(InvalidToken):
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(
            f"The issuer {shown(issuer)} is not trusted here. Issuers are compared exactly, with their final slash."
            " The resource metadata lists the trusted ones."
        )


class UnknownKey(InvalidToken):
    def __init__(self, issuer: str, key_id: str | None, algorithm: str) -> None:
        self.issuer = issuer
        self.key_id = key_id
        self.algorithm = algorithm
        key = "any key" if key_id is None else f"a key {shown(key_id)}"
        super().__init__(
            f"The issuer {shown(issuer)} does not publish {key} for {shown(algorithm)}. Request a new token."
        )


class BadSignature(InvalidToken):
    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        super().__init__(
            f"The signature is not one of the issuer {shown(issuer)} over this token. Request a new token."
        )


class WrongType(InvalidToken):
    """A token that the issuer signed for another purpose (RFC 8725 section 3.11)."""

    def __init__(self, type_: str) -> None:
        self.type = type_
        super().__init__(f"A token of the type {shown(type_)} is not an access token. Send the access token.")


class IdToken(WrongType):
    """An ID token tells an application who has logged in; it permits nothing (OpenID Connect Core section 2)."""

    def __init__(self) -> None:
        super().__init__("ID token")


class SenderConstrained(InvalidToken):
    """The token may be used only with a proof of possession (RFC 7800), which this site does not check."""

    def __init__(self) -> None:
        super().__init__(
            "The token is bound to its sender (cnf), which is not supported here. Request a plain bearer token,"
            " without DPoP or mutual TLS."
        )


class MissingClaim(InvalidToken):
    def __init__(self, claim: str, hint: str = "Ask the administrator of the issuer to add it.") -> None:
        self.claim = claim
        super().__init__(f"The token has no {claim} claim. {hint}")


class BadClaim(InvalidToken):
    def __init__(self, claim: str, problem: str) -> None:
        self.claim = claim
        self.problem = problem
        super().__init__(f"The {claim} claim {problem}. Ask the administrator of the issuer.")


class WrongAudience(InvalidToken):
    def __init__(self, audiences: Iterable[str], accepted: Iterable[str]) -> None:
        self.audiences = tuple(audiences)
        self.accepted = tuple(accepted)
        super().__init__(
            f"The token is for the audience {_listed(self.audiences)}. Request one for {_listed(self.accepted)}."
        )


class WrongApplication(InvalidToken):
    """The token was issued to an application whose tokens are not accepted from this issuer."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        super().__init__(
            f"The token was issued to the application {shown(client_id)}, which is not one of those that may connect."
            " Ask the administrator of this site to add it to the client_ids of the issuer."
        )


class Expired(InvalidToken):
    """``expired_at`` is in seconds since the epoch."""

    def __init__(self, expired_at: int, now: float) -> None:
        self.expired_at = expired_at
        super().__init__(f"The token expired {max(0, int(now - expired_at))} seconds ago. Request a new token.")


class NotYetValid(InvalidToken):
    """``valid_from`` is in seconds since the epoch."""

    def __init__(self, claim: str, valid_from: int, now: float) -> None:
        self.claim = claim
        self.valid_from = valid_from
        super().__init__(
            f"By its {claim} claim the token is valid only in {max(1, int(valid_from - now))} seconds."
            " Wait, or set the clocks of the issuer and of this site right."
        )


class IssuerUnavailable(AuthenticationError):
    """Whether the token is good cannot be told now. ``retry_after`` is in seconds."""

    def __init__(self, issuer: str, retry_after: int) -> None:
        self.issuer = issuer
        self.retry_after = retry_after
        super().__init__(
            f"The keys of the issuer {shown(issuer)} cannot be read at the moment. Your token may well be good:"
            f" try again in {retry_after} seconds."
        )
