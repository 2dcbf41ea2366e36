"""A made-up but lively log of a small web shop, with known anomalies: for the demonstration, tests and benchmarks."""
