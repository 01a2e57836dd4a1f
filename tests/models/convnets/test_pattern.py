"""The notation read and printed, and what is said of text that is no pattern."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.convnets.pattern import (
    Activation,
    BatchNormalization,
    Convolution,
    Dense,
    DropoutPlace,
    Pool,
    ResponseNormalization,
    layer_names,
    notation,
    parse_pattern,
)

RELU = Activation("relu")


def test_the_lectures_pattern_is_read():
    """[[CONV → RELU]·N → POOL]·M → [FC → RELU]·K → FC with N = 2, M = 2, K = 1."""
    block = (Convolution(16), RELU, Convolution(16), RELU, Pool())
    expected = (*block, *block, Dense(64), RELU, Dense())
    assert parse_pattern("INPUT → [[CONV 16 → RELU]·2 → POOL]·2 → [FC 64 → RELU]·1 → FC") == expected
    assert parse_pattern("[ [CONV 16->RELU]*2->POOL ]*2\n -> [FC 64->RELU] -> FC") == expected


def test_no_repetition_leaves_a_part_out():
    assert parse_pattern("[CONV 8 → RELU]*1 → [FC 64 → RELU]*0 → FC") == (Convolution(8), RELU, Dense())


def test_what_a_layer_is_told():
    assert parse_pattern("CONV 96 11x11 stride 4 padding 0 groups 2 unbiased → FC")[0] == Convolution(
        96, 11, 4, 0, 2, bias=False
    )
    assert parse_pattern("POOL average 3×3 stride 2 padding 1 ceil → FC")[0] == Pool(3, 2, 1, average=True, ceil=True)
    assert parse_pattern("POOL all → BN → LRN → DROPOUT → DROPOUT .3 → FC 7 unbiased") == (
        Pool(None),
        BatchNormalization(),
        ResponseNormalization(),
        DropoutPlace(0.5),
        DropoutPlace(0.3),
        Dense(7, bias=False),
    )


LAYERS = st.one_of(
    st.builds(
        Convolution,
        st.integers(1, 999),
        st.integers(1, 11),
        st.integers(1, 4),
        st.none() | st.integers(0, 5),
        st.integers(1, 4),
        st.booleans(),
    ),
    st.builds(Pool, st.integers(1, 5), st.none() | st.integers(1, 4), st.integers(0, 2), st.booleans(), st.booleans()),
    st.builds(Pool, st.none(), average=st.booleans()),
    st.builds(DropoutPlace, st.sampled_from([0.1, 0.25, 0.5, 0.7])),
    st.sampled_from([RELU, Activation("scaled_tanh"), BatchNormalization(), ResponseNormalization()]),
)


@given(st.lists(LAYERS, max_size=8))
def test_what_is_printed_is_read_back(layers):
    pattern = (*layers, Dense(5), RELU, Dense(bias=False))
    assert parse_pattern(notation(pattern)) == pattern


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[CONV 8 → RELU → FC", r"^\[ has no other bracket in"),
        ("CONV 8 → RELU]*2 → FC", r"^\] has no other bracket in"),
        ("CONV → FC", r"^CONV needs the number of its features, as in CONV 16, got 'CONV'"),
        ("CONF 8 → FC", "^'CONF 8' is no layer: did you mean CONV?"),
        ("[CONV 8 → POOL?]*2 → FC", r"^'POOL\?' is no layer: did you mean POOL\?"),
        ("CONV 8 → → FC", "^'' is no layer: there are CONV, POOL, FC"),
        ("CONV 8 3x5 → FC", "^windows are square, as 3x3, got 'CONV 8 3x5'"),
        ("CONV 8 stride → FC", "^'nothing' is no number of at least 1 in 'CONV 8 stride'"),
        ("CONV 8 stride 0 → FC", "^'0' is no number of at least 1"),
        ("CONV 8 9 → FC", "^'CONV 8 9' gives its features twice"),
        ("POOL groups 2 → FC", "^POOL takes no groups, got 'POOL groups 2'"),
        ("POOL all stride 3 ceil → FC", "^POOL all is one window .*, got 'POOL all stride 3 ceil'"),
        ("POOL padding 1 average all → FC", "^POOL all is one window .*, got 'POOL padding 1 average all'"),
        ("POOL 8 → FC", "^POOL takes no number, got 'POOL 8'"),
        ("RELU 8 → FC", "^RELU takes no number, got 'RELU 8'"),
        ("DROPOUT 1.5 → FC", "^'1.5' is no rate of at least 0 and below 1"),
        ("CONV 8 → RELU", "^the last layer must be FC, the scores of the classes, got RELU"),
        ("", "^'' is no layer"),
        ("[CONV 8]*0", "^the last layer must be FC, the scores of the classes, got no layer"),
        ("FC → RELU → FC", "^FC needs the number of its units, as in FC 64"),
        ("FC 8 → CONV 8 → FC", "^CONV 8 cannot follow FC, which leaves no image"),
    ],
)
def test_what_is_no_pattern_is_refused_in_one_line(text, said):
    with pytest.raises(ValueError, match=said) as refusal:
        parse_pattern(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "beside"),
    [
        ("[CONV 4]2 -> FC", "]2"),
        ("[CONV 4] 2 -> FC", "] 2"),
        ("[CONV 4]* → FC", "]*"),
        ("[CONV 4]x2 → FC", "]x2"),
        ("[CONV 4]*2 stride 2 → FC", "]*2 stride"),
        ("[CONV 4]*2*3 → FC", "]*2*3"),
        ("[[CONV 4 → POOL]2 → RELU]*2 → FC", "]2"),
        ("[CONV 4][RELU] → FC", "4]["),
        ("CONV [4 → RELU] → FC", "CONV ["),
        ("2[CONV 4] → FC", "2["),
        ("[CONV 4]*2 [RELU] → FC", "]*2 [RELU"),
    ],
)
def test_what_stands_beside_a_bracket_is_an_arrow_or_a_repetition(text, beside):
    """Anything else became part of the layer next to it: [CONV 4]2 was CONV 42."""
    said = f"beside a bracket type -> or, to repeat what it encloses, ]*2: got {beside!r} in {text!r}"
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        parse_pattern(text)


def test_names_count_the_layers_with_weights():
    pattern = parse_pattern("[CONV 8 → RELU]*2 → POOL → POOL → DROPOUT → FC 9 → RELU → FC")
    assert layer_names(pattern) == (
        "conv1", "relu1", "conv2", "relu2", "pool2", "pool2_2", "dropout2", "fc3", "relu3", "fc4",
    )  # fmt: skip
