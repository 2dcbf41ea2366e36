"""Lines that are structured by themselves: JSON objects, and logfmt."""
