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

# How many failures within LOCKED_SECONDS lock: one name from one address, one address, one name from anywhere.
FAILURES = 5
FAILURES_OF_ADDRESS = 30
FAILURES_OF_NAME = 50
LOCKED_SECONDS = 900.0
SESSION_SECONDS = 12 * 3600.0
MAX_BYTES = 72  # what bcrypt reads of a password
COST = 12
MOST_COUNTED = 10_000


class Locked(Exception):
    """Too many failures; the seconds until one may try again."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"too many failed tries: wait {max(1, round(seconds / 60))} minutes")
        self.seconds = seconds


class Accounts:
    """Users by name with the bcrypt hash of their password; their sessions; their failures."""

    def __init__(self, users: Mapping[str, str], clock: Callable[[], float] = time.monotonic) -> None:
        self._users = dict(users)
        self._clock = clock
        self._sessions: dict[str, tuple[str, float]] = {}
        self._failures: dict[tuple[str, str], list[float]] = {}
        self._lock = threading.Lock()
        self._nobody = hashed(secrets.token_hex(16))

    def log_in(self, name: str, password: str, address: str) -> str | None:
        """A new session's token, None where name or password is wrong.  Raises Locked after too many failures."""
        name = name[:100]
        limits = {(name, address): FAILURES, ("", address): FAILURES_OF_ADDRESS, (name, ""): FAILURES_OF_NAME}
        now = self._clock()
        with self._lock:
            recent = {k: [t for t in self._failures.get(k, []) if now - t < LOCKED_SECONDS] for k in limits}
            for key, most in limits.items():
                if len(recent[key]) >= most:
                    raise Locked(LOCKED_SECONDS - (now - recent[key][-most]))
            # Counted before the hash is computed, so that tries at once cannot slip past the limit.
            for key in limits:
                self._failures[key] = [*recent[key], now]
            if len(self._failures) > MOST_COUNTED:
                self._failures = {k: v for k, v in self._failures.items() if now - v[-1] < LOCKED_SECONDS}
        # An unknown name costs as much as a known one.
        right = bcrypt.checkpw(password.encode()[:MAX_BYTES], self._users.get(name, self._nobody).encode())
        if not right or name not in self._users:
            return None
        token = secrets.token_urlsafe(32)
        with self._lock:
            for key in limits:
                self._failures[key] = self._failures.get(key, [])[:-1]
            self._sessions = {k: v for k, v in self._sessions.items() if v[1] > now}
            self._sessions[digest(token)] = (name, now + SESSION_SECONDS)
        return token

    def who(self, token: str | None) -> str | None:
        """The user whose session it is; None where it is none, or over."""
        if not token:
            return None
        with self._lock:
            name, until = self._sessions.get(digest(token), ("", 0.0))
        return name if name and until > self._clock() else None

    def log_out(self, token: str | None) -> None:
        """End the session; nothing where there is none."""
        with self._lock:
            self._sessions.pop(digest(token or ""), None)


def hashed(password: str) -> str:
    """The bcrypt hash to put into the settings."""
    return bcrypt.hashpw(password.encode()[:MAX_BYTES], bcrypt.gensalt(COST)).decode()


def digest(text: str) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()
