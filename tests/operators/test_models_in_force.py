"""The model in force, with broadcast state as a dictionary."""

import copy
import json

import pytest

from models.document import ModelError
from operators.models_in_force import ModelInForce
from tests.models.model_example import document


class Context:
    """What a broadcast process function is given."""

    def __init__(self, state=None):
        self.state = {} if state is None else state

    def get_broadcast_state(self, descriptor):
        return Broadcast(self.state)


class Broadcast:
    def __init__(self, values):
        self.get, self.put = values.get, values.__setitem__


def version(number, **more):
    return json.dumps(copy.deepcopy(document()) | {"version": number} | more)


def test_the_model_of_the_job_is_in_force_from_the_first_element_on():
    models = ModelInForce(version(3))
    found, changed = models.current(Context())
    assert (found.version, changed) == (3, True)
    assert models.current(Context())[1] is False


def test_a_broadcast_model_reaches_broadcast_state_and_is_in_force_from_the_next_element_on():
    models, ctx = ModelInForce(version(3)), Context()
    models.current(ctx)
    models.update(version(4), ctx)
    assert json.loads(ctx.state["hdfs"])["version"] == 4
    found, changed = models.current(ctx)
    assert (found.version, changed) == (4, True)
    assert models.current(ctx) == (found, False)


def test_a_model_that_comes_before_the_first_element_is_new_to_that():
    models, ctx = ModelInForce(version(3)), Context()
    models.update(version(4), ctx)
    found, changed = models.current(ctx)
    assert (found.version, changed) == (4, True)


def test_the_same_version_again_changes_nothing():
    models, ctx = ModelInForce(version(3)), Context()
    before, _ = models.current(ctx)
    models.update(version(3), ctx)
    assert models.current(ctx) == (before, False)


def test_after_a_restore_what_is_in_broadcast_state_wins():
    models = ModelInForce(version(3))
    found, changed = models.current(Context({"hdfs": version(5)}))
    assert (found.version, changed) == (5, True)


def test_another_model_is_kept_and_not_put_in_force():
    models, ctx = ModelInForce(version(3)), Context()
    models.current(ctx)
    models.update(version(9, id="other"), ctx)
    assert set(ctx.state) == {"other"}
    found, changed = models.current(ctx)
    assert (found.id, found.version, changed) == ("hdfs", 3, False)


def test_a_broken_model_names_where_it_is_wrong():
    with pytest.raises(ModelError, match=r"\$\.version"):
        ModelInForce(version(3)).update(version(0), Context())
