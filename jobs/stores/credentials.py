"""Credentials for Elasticsearch, from options and the environment; nothing here ever shows a secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jobs.stores.base import StoreError

API_KEY = "WEIRWATCH_ES_API_KEY"
USERNAME = "WEIRWATCH_ES_USERNAME"
PASSWORD = "WEIRWATCH_ES_PASSWORD"  # noqa: S105  (the name of a variable)
CA_FILE = "WEIRWATCH_ES_CA_FILE"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are, and whom we trust: an API key, or a name and a password; a file of certificates of authorities."""

    api_key: str | None = field(default=None, repr=False)
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    @property
    def given(self) -> bool:
        """Whether there is anything to log in with."""
        return self.api_key is not None or self.username is not None


def find_credentials(
    api_key_file: str | None = None,
    username: str | None = None,
    password_file: str | None = None,
    ca_file: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Credentials:
    """Credentials from options, or else from environment variables.

    A user from an option may have his password in the environment; apart from that, an option that says who we are puts
    aside what the environment says of it.

    Args:
        api_key_file: file with an API key, since others see the options of a process.
        username: the user.
        password_file: file with the password.
        ca_file: certificates of authorities, PEM.
        environment: the process's own when None.

    Raises:
        StoreError: a file cannot be read, or they do not fit together.
    """
    variables = os.environ if environment is None else environment
    ca = ca_file or variables.get(CA_FILE) or None
    if ca is not None and not Path(ca).is_file():
        raise StoreError(f"{ca}: no such file; name a file with the authority's certificate (PEM)")
    if api_key_file is not None:
        if username is not None or password_file is not None:
            raise StoreError("give either an API key or a user and password, not both")
        return Credentials(api_key=_checked_key(_secret(api_key_file), api_key_file), ca_file=ca)
    if username is None and password_file is None and variables.get(API_KEY):
        if variables.get(USERNAME):
            raise StoreError(f"{API_KEY} and {USERNAME} are both set; unset one of them")
        return Credentials(api_key=_checked_key(variables[API_KEY].strip(), API_KEY), ca_file=ca)
    user = username or variables.get(USERNAME) or None
    password = _secret(password_file) if password_file is not None else variables.get(PASSWORD) or None
    if user is None and password_file is not None:
        raise StoreError(f"there is a password but no user; add --username or set {USERNAME}")
    if user is not None and password is None:
        raise StoreError(f"there is no password for user {user}; add --password-file or set {PASSWORD}")
    if any("\ud800" <= c <= "\udfff" for c in f"{user}{password}"):
        raise StoreError("the user or the password is no UTF-8 text; set it again")
    return Credentials(username=user, password=password if user else None, ca_file=ca)


def _secret(path: str) -> str:
    """The first line of a file."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise StoreError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise StoreError(f"{path}: is no UTF-8 text") from None
    if not lines or not lines[0].strip():
        raise StoreError(f"{path}: its first line is empty; it should hold the secret")
    return lines[0].strip()


def _checked_key(key: str, origin: str) -> str:
    """An API key in the encoded form that Elasticsearch gives out."""
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise StoreError(f"{origin}: is no API key; take the one that Elasticsearch calls 'encoded'")
    return key
