"""Flink's list state of one key, in memory."""


class ListState:
    def __init__(self, entries=()):
        self.entries = list(entries)

    def get(self):
        return iter(list(self.entries)) if self.entries else None

    def add(self, entry):
        self.entries.append(entry)

    def update(self, entries):
        self.entries = list(entries)

    def clear(self):
        self.entries = []
