"""What is read back from a run's own tables."""

import pytest

from ratescope.errors import InputError
from ratescope.evaluate import _read_table


def test_an_electrode_may_be_called_na(tmp_path):
    path = tmp_path / "fold_predictions.csv"
    path.write_text("electrode,specimen,file,measured\nNA,None,null,1.5\nE1,s1,a.tif,\n", encoding="utf-8")
    table = _read_table(path)
    assert table["electrode"].tolist() == ["NA", "E1"]
    assert (table["specimen"][0], table["file"][0], table["measured"][0]) == ("None", "null", 1.5)
    assert table["measured"].isna().tolist() == [False, True]


def test_a_number_that_was_spoilt_is_said_with_its_file(tmp_path):
    path = tmp_path / "fold_predictions.csv"
    path.write_text("electrode,measured,predicted\nE1,1.5,9x.0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"fold_predictions\.csv cannot be read \(.*9x\.0.*Copy the run again"):
        _read_table(path)
