"""Errors that a user can mend: shown as one clear message, without a stack trace."""

from __future__ import annotations


class UserError(Exception):
    """Something the user gave (an option, a file, a model) is wrong; the message says what, and how to mend it."""
