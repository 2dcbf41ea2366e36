"""Models for tests of stores."""

from __future__ import annotations

import copy

from models.document import ModelDocument
from tests.models.model_example import document


def model(most=3, name="hdfs", version=1):
    """A model with lone surrogates, control characters and accents in it; ``most`` tells one from the next."""
    data = copy.deepcopy(document())
    data["id"], data["version"] = name, version
    data["automata"][0]["states"][0]["max"] = most
    return ModelDocument.from_json(data)


def most_of(found):
    """What :func:`model` was called with."""
    return found.automata[0].states[0].max
