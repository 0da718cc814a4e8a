"""Log-in: who may open the page, and how often one may try.  Knows names, hashes and cookies, not pages.

Sessions and failures are in memory: a restart logs everybody out and forgets every failure.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable, Mapping

import bcrypt

FAILURES = 5  # of one name from one address
FAILURES_OF_ADDRESS = 30
LOCKED_SECONDS = 900.0
SESSION_SECONDS = 12 * 3600.0
MAX_BYTES = 72  # what bcrypt reads of a password


class Locked(Exception):
    """Too many failures; the seconds until one may try again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many failed tries: wait {seconds / 60:.0f} minutes")
        self.seconds = seconds


class Accounts:
    """Users by name with the bcrypt hash of their password; their sessions; their failures."""

    def __init__(self, users: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._users = dict(users)
        self._clock = clock
        self._sessions: dict[str, tuple[str, float]] = {}
        self._failures: dict[tuple[str, str], list[float]] = {}
        self._lock = threading.Lock()
        self._nobody = bcrypt.hashpw(secrets.token_bytes(16), bcrypt.gensalt(10)).decode()

    def log_in(self, name: str, password: str, address: str) -> str | None:
        """A new session's token, None where name or password is wrong.  Raises Locked after too many failures."""
        counters = (((name[:100], address), FAILURES), (("", address), FAILURES_OF_ADDRESS))
        now = self._clock()
        with self._lock:
            for key, most in counters:
                recent = [t for t in self._failures.get(key, []) if now - t < LOCKED_SECONDS]
                if len(recent) >= most:
                    raise Locked(LOCKED_SECONDS - (now - recent[-most]))
            # Counted before the hash is computed, so that tries at once cannot slip past the limit.
            for key, _ in counters:
                self._failures[key] = [*(t for t in self._failures.get(key, []) if now - t < LOCKED_SECONDS), now]
            if len(self._failures) > 10_000:
                self._failures = {k: v for k, v in self._failures.items() if now - v[-1] < LOCKED_SECONDS}
        # An unknown name costs as much as a known one.
        right = bcrypt.checkpw(password.encode()[:MAX_BYTES], self._users.get(name, self._nobody).encode())
        if not right or name not in self._users:
            return None
        token = secrets.token_urlsafe(32)
        with self._lock:
            for key, _ in counters:
                self._failures[key] = self._failures.get(key, [])[:-1]
            self._sessions = {k: v for k, v in self._sessions.items() if v[1] > now}
            self._sessions[_digest(token)] = (name, now + SESSION_SECONDS)
        return token

    def who(self, token: str | None) -> str | None:
        """The user whose session it is; None where it is none, or over."""
        if not token:
            return None
        with self._lock:
            name, until = self._sessions.get(_digest(token), ("", 0.0))
        return name if name and until > self._clock() else None

    def log_out(self, token: str | None) -> None:
        with self._lock:
            self._sessions.pop(_digest(token or ""), None)


def hashed(password: str) -> str:
    """The bcrypt hash to put into the settings."""
    return bcrypt.hashpw(password.encode()[:MAX_BYTES], bcrypt.gensalt(12)).decode()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
