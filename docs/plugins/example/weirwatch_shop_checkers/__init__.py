"""Checkers for the logs of a shop."""
