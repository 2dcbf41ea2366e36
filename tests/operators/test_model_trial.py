"""Trying a model in a process of its own: what comes back, and that nothing holds it up."""

import copy
import os
import signal
import threading

import pytest

from models.errors import UserError
from operators.model_trial import ModelTrial
from tests.models.model_example import document


def changed(**keys):
    return copy.deepcopy(document()) | keys


def test_a_right_model_comes_back():
    assert ModelTrial()(document(), "the model").to_json()["version"] == 3


def test_one_process_serves_for_all_documents_and_another_once_it_is_gone():
    trial = ModelTrial()
    trial.prepare()
    first = trial._process
    assert first is not None
    for _ in range(2):
        assert trial(document(), "the model").to_json()["version"] == 3
        with pytest.raises(UserError, match=r"\$\.version"):
            trial(changed(version=0), "the model")
    assert trial._process is first
    first.kill()
    first.wait()
    assert trial(document(), "the model").to_json()["version"] == 3
    second = trial._process
    trial.close()
    assert second is not None
    assert second.poll() is not None


def test_one_that_had_to_be_given_up_is_no_hindrance_to_the_next():
    trial = ModelTrial(0.001)
    with pytest.raises(UserError, match=r"given up after 0\.001 s"):
        trial(document(), "the model")
    trial._seconds = 30
    assert trial(document(), "the model").to_json()["version"] == 3
    trial.close()


def test_what_is_wrong_is_told_of_the_model_by_its_name():
    with pytest.raises(UserError, match=r"^model hdfs version 3: \$\.id: "):
        ModelTrial()(changed(id="a\n"), "model hdfs version 3")


def test_a_process_that_dies_meanwhile_is_told_of():
    trial = ModelTrial()
    trial.prepare()
    process = trial._process
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    threading.Timer(0.3, process.kill).start()
    with pytest.raises(UserError, match="cannot be tried: the process that does it ended with -9"):
        trial(document(), "the model")
    assert trial(document(), "the model").to_json()["version"] == 3
    trial.close()
