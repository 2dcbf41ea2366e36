"""The scoring of the Numenta Anomaly Benchmark, and what is known of a threshold on series that did not choose it."""
