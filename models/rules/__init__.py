"""Judging lines one by one: content rules, values that are new in a field, and findings that are allowed."""
