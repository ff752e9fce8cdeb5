from itertools import product

import numpy as np
import pandas as pd
import pytest

from facelib.data import FaceSet, load_faces
from facelib.data.conditions import ERAS, condition, eras
from facelib.data.labels import SEED_CLASSES, SEED_FILTER, binned, combined, independent, multi_class

# Every combination of the three attributes once, in the order of binary numbers.
COLUMNS = ["Male", "High_Cheekbones", "Big_Lips"]
TABLE = pd.DataFrame(list(product((False, True), repeat=3)), columns=COLUMNS)


def test_the_four_classes_of_the_seed():
    labels = combined(TABLE)
    assert labels.values.tolist() == [0, 3, 2, 2, 1, 1, 1, 1]
    assert labels.values.dtype == np.int32 and labels.classes == 4 and labels.kept.all()
    table = labels.counts()
    assert table["class"].tolist() == [0, 1, 2, 3] and table["name"].tolist() == list(SEED_CLASSES)
    assert table["faces"].tolist() == [1, 4, 2, 1] and table["share"].tolist() == [0.125, 0.5, 0.25, 0.125]
    assert labels.imbalance == 4.0


def test_a_face_set_is_labelled_row_for_row():
    faces = load_faces(n=200, size=16)
    labels = combined(faces)
    assert len(labels) == 200 and labels.kept.all()
    men = faces[labels.values == 1]
    assert men.attributes["Male"].all() and len(men) == faces.attributes["Male"].sum()
    cheeks = faces[labels.values == 2].attributes
    assert cheeks["High_Cheekbones"].all() and not cheeks["Male"].any()
    lips = faces[labels.values == 3].attributes
    assert lips["Big_Lips"].all() and not lips["High_Cheekbones"].any() and not lips["Male"].any()


def test_only_leaves_the_others_unlabelled():
    table = TABLE.assign(Attractive=[True, True, True, False, True, True, False, False])
    labels = combined(table, only=SEED_FILTER)
    assert labels.values.tolist() == [0, 3, 2, -1, 1, 1, -1, -1]
    assert labels.kept.tolist() == [True, True, True, False, True, True, False, False]
    counts = labels.counts()
    assert counts["class"].tolist() == [0, 1, 2, 3, -1] and counts["faces"].tolist() == [1, 2, 1, 1, 3]
    assert labels.imbalance == 2.0  # the three without a class do not count
    assert independent(table, ["Male"], only=SEED_FILTER).values[:, 0].tolist() == [0, 0, 0, -1, 1, 1, -1, -1]
    assert multi_class(table, ["Male"], only=SEED_FILTER).values.tolist() == [0, 0, 0, -1, 1, 1, -1, -1]


def test_only_names_a_column_that_is_not_there():
    with pytest.raises(ValueError, match="no attributes .'Attractive'.; this table has .*'Male'"):
        combined(TABLE, only=SEED_FILTER)
    with pytest.raises(ValueError, match="no face among 8 is left to label; only=.'Attractive': True"):
        independent(TABLE.assign(Attractive=False), ["Male"], only=SEED_FILTER)


def test_faces_that_match_no_class_are_counted():
    labels = combined(TABLE, {"man, big lips": {"Male": True, "Big_Lips": True}})
    assert labels.values.tolist() == [-1, -1, -1, -1, -1, 0, -1, 0]
    assert labels.counts().iloc[-1].tolist() == [-1, "no class", 6, 0.75]


def test_classes_that_overlap_or_are_empty_are_named():
    with pytest.raises(ValueError, match="classes 'man' and 'lips' overlap: 2 of 8 faces match both"):
        combined(TABLE, {"man": {"Male": True}, "cheeks": {"Male": False}, "lips": {"Male": True, "Big_Lips": True}})
    with pytest.raises(ValueError, match="no face among 4 is in .'man'."):
        combined(TABLE[~TABLE["Male"]])
    with pytest.raises(ValueError, match="classes is empty"):
        combined(TABLE, {})


def test_independent_has_an_input_for_each_attribute():
    labels = independent(TABLE, ["Big_Lips", "Male"])
    assert labels.values.tolist() == [[0, 0], [1, 0], [0, 0], [1, 0], [0, 1], [1, 1], [0, 1], [1, 1]]
    assert labels.values.dtype == np.int32 and labels.names == ("Big_Lips", "Male") and labels.classes == (2, 2)
    # Valid for an embedding of their own each: from 0, below the number of its classes.
    assert (labels.values.max(axis=0) < labels.classes).all() and (labels.values.min(axis=0) == 0).all()


def test_independent_counts_each_input():
    labels = independent(TABLE.iloc[:6], ["Male", "High_Cheekbones"])
    counts = labels.counts()
    assert counts["input"].tolist() == ["Male", "Male", "High_Cheekbones", "High_Cheekbones"]
    assert counts["name"].tolist() == ["not Male", "Male", "not High_Cheekbones", "High_Cheekbones"]
    assert counts["faces"].tolist() == [4, 2, 4, 2] and labels.imbalance == 2.0


def test_independent_refuses_an_attribute_that_all_faces_share():
    with pytest.raises(ValueError, match="Male has the same value in all 4 faces"):
        independent(TABLE.iloc[:4], ["Big_Lips", "Male"])


def test_multi_class_counts_combinations_in_binary():
    labels = multi_class(TABLE, COLUMNS)
    assert labels.values.tolist() == list(range(8)) and labels.classes == 8
    assert labels.names[0] == "not Male, not High_Cheekbones, not Big_Lips"
    assert labels.names[4] == "Male, not High_Cheekbones, not Big_Lips"
    assert labels.names[1] == "not Male, not High_Cheekbones, Big_Lips"


def test_multi_class_keeps_the_place_of_empty_combinations():
    table = TABLE.iloc[[7, 0, 7]]
    labels = multi_class(table, COLUMNS)
    assert labels.values.tolist() == [7, 0, 7] and labels.classes == 8
    assert labels.counts()["faces"].tolist() == [1, 0, 0, 0, 0, 0, 0, 2] and labels.imbalance == 2.0
    with pytest.raises(
        ValueError, match="6 of 8 combinations have no face: .'not Male, not High_Cheekbones, Big_Lips'"
    ):
        multi_class(table, COLUMNS, allow_empty=False)


@pytest.mark.parametrize("scheme", [independent, multi_class])
def test_bad_columns_are_named(scheme):
    with pytest.raises(ValueError, match="no attributes .'Smile'.; this table has .*'Male'"):
        scheme(TABLE, ["Male", "Smile"])
    with pytest.raises(ValueError, match="columns must be a list of attributes .* got 'Male'"):
        scheme(TABLE, "Male")
    with pytest.raises(ValueError, match=r"columns must be a list .* got \[\]"):
        scheme(TABLE, [])
    with pytest.raises(ValueError, match="columns must differ"):
        scheme(TABLE, ["Male", "Male"])
    with pytest.raises(ValueError, match="Male must be bool, got int64; .*table == 1"):
        scheme(TABLE.assign(Male=TABLE["Male"] * 2 - 1), ["Male"])


def test_too_many_combinations_are_refused():
    wide = pd.DataFrame({f"a{i}": [True, False] for i in range(11)})
    with pytest.raises(ValueError, match="columns must be at most 10, got 11: 2,048 classes"):
        multi_class(wide, list(wide))


def test_bins_hold_their_lower_edge():
    labels = binned([1, 56, 57, 72, 119, 0, 120, np.nan], [1, 57, 120])
    assert labels.values.tolist() == [0, 0, 1, 1, 1, -1, -1, -1] and labels.names == ("1 to 57", "57 to 120")
    assert binned([1, 2], [1, 2, 3], np.array(["old", "new"])).names == ("old", "new")
    for arguments, message in [
        (([1, 2], [1, 2]), "edges must be at least three rising numbers"),
        (([1, 2], [1, 3, 2]), "edges must be at least three rising numbers"),
        (([1, 2], [1, 2, 3], ("a",)), "names must be 2, one a class, got 1"),
        (([1, 1], [1, 2, 3]), r"no face among 2 is in \['2 to 3'\]"),
    ]:
        with pytest.raises(ValueError, match=message):
            binned(*arguments)


def test_portraits_are_labelled_by_era_and_drawn_faces_by_the_seeds_classes():
    congress = np.array([1, 56, 57, 72, 73, 95, 96, 119])
    attributes = pd.DataFrame({"Smiling": [True, False] * 4, "Modern": congress > 95})
    info = pd.DataFrame({"congress": congress})
    portraits = FaceSet(np.zeros((8, 16, 16, 3), np.uint8), np.arange(8).astype(str), attributes, info=info)
    assert eras(portraits).values.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert condition(portraits, "portraits").names == tuple(ERAS)
    assert condition(portraits, "portraits", "multi-class").classes == 4
    drawn = load_faces(n=200, size=16)
    assert condition(drawn, "synthetic").names == tuple(SEED_CLASSES)
    assert condition(drawn, "synthetic", "independent").classes == (2, 2, 2)
    assert condition(drawn, "synthetic", "multi-class").classes == 8
    for arguments, message in [
        ((drawn, "mnist"), "dataset must be one of .* to have classes, got 'mnist'"),
        ((drawn, "synthetic", "all"), "scheme must be one of"),
        ((drawn, "portraits"), "faces must be portraits"),
    ]:
        with pytest.raises(ValueError, match=message):
            condition(*arguments)
