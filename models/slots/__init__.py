"""Counts in time slots: lines of a template, values of a field, numbers in a field, by event time; and what is judged
on them. See docs/slots.md.
"""
