"""Series made up from seeds, with what is odd in them known: the measure of the typed detectors."""
