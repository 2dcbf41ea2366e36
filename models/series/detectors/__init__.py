"""Typed detectors of what is odd in a series of slots: each one concept, in numpy, over many series at once."""
