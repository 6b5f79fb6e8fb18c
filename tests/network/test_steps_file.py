"""Networks that train elsewhere, followed by the files that they write."""

import threading

import pytest

from ratescope.errors import TrainingError
from ratescope.network import steps_file
from ratescope.network.steps_file import followed, tell_in_file

NONE = "0 of 4 networks trained"


class Told:
    """Keeps what it is told, and lets somebody wait until something is."""

    def __init__(self):
        self.last, self.change = None, threading.Condition()

    def __call__(self, *said):
        with self.change:
            self.last = said
            self.change.notify_all()

    def becomes(self, *wanted):
        with self.change:
            return self.change.wait_for(lambda: self.last == wanted, timeout=10)


@pytest.fixture
def files(tmp_path):
    return [steps_file.steps_file(tmp_path / f"fold_{number}") for number in range(4)]


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(steps_file, "_EVERY_S", 0.005)


def test_steps_that_are_taken_elsewhere_are_told_here(files):
    told = Told()
    with followed(files, 100, told) as end:
        assert told.becomes(0, 400, NONE)
        tell_in_file(files[2])(30, 100, "fold 2: best 4 %")
        assert told.becomes(30, 400, f"{NONE}; fold 2: best 4 %")
        tell_in_file(files[0])(5, 100, "fold 0: warming up")
        assert told.becomes(35, 400, f"{NONE}; fold 0: warming up; fold 2: best 4 %")
        end(2)  # before its last step: its patience was over
        assert told.becomes(105, 400, "1 of 4 networks trained; fold 0: warming up")
        for place in (0, 1, 3):
            end(place)
        assert told.becomes(400, 400, "4 of 4 networks trained")


def test_of_many_networks_two_are_told_of_and_the_others_counted(files):
    told = Told()
    with followed(files, 100, told):
        for number, file in enumerate(files):
            tell_in_file(file)(10, 100, f"fold {number}")
        assert told.becomes(40, 400, f"{NONE}; fold 0; fold 1; 2 more in training")


def test_what_a_killed_training_said_counts_no_more_and_nothing_is_left_behind(files):
    told = Told()
    tell_in_file(files[1])(90, 100, "fold 1")
    with followed(files, 100, told) as end:
        assert told.last == (0, 400, NONE)
        tell_in_file(files[0])(10, 100, "fold 0")
        end(0)
        assert not files[0].exists()
        tell_in_file(files[3])(10, 100, "fold 3")
    assert not [file for file in files if file.exists()]


def test_a_file_that_cannot_be_read_stops_nobody(files):
    told = Told()
    with followed(files, 100, told):
        files[0].parent.mkdir(parents=True)
        files[0].write_bytes(b"\xff{")
        tell_in_file(files[1])(10, 100, "fold 1")
        assert told.becomes(10, 400, f"{NONE}; fold 1")


def test_a_training_tells_now_and_then_only(files, monkeypatch):
    monkeypatch.setattr(steps_file, "_EVERY_S", 60.0)
    tell = tell_in_file(files[0])
    tell(1, 100, "first")
    tell(2, 100, "second")
    assert '"first"' in files[0].read_text()


def test_a_training_that_nobody_waits_for_ends(files, monkeypatch):
    monkeypatch.setattr(steps_file, "is_awaited", lambda: False)
    with pytest.raises(TrainingError, match=r"whoever asked for this training has ended\. Go on with --resume"):
        tell_in_file(files[0])(1, 100, "fold 0")
    assert not files[0].exists()
