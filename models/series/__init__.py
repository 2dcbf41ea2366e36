"""Anomalies in a series of numbers, found row by row."""
