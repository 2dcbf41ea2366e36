"""Changes of a model by command: each operation takes a document and gives a new one, checked as a whole."""
