"""``evcam target``."""

import json

import pytest


@pytest.mark.parametrize(("name", "magic"), [("board.pdf", b"%PDF"), ("board.svg", b"<?xml")])
def test_draws_the_board(process, board, tmp_path, name, magic):
    outcome = process("target", board, "--out", tmp_path / name)
    assert (outcome.code, outcome.err) == (0, "")
    assert "100 %" in outcome.out
    assert (tmp_path / name).read_bytes().startswith(magic)


def test_json_repeats_the_target(run, board, tmp_path):
    data = json.loads(run("target", board, "--out", tmp_path / "b.svg", "--json").out)
    assert data["target"]["rows"] == 11
    assert data["out"] == str(tmp_path / "b.svg")


def test_other_suffix_is_refused(run, board, tmp_path):
    outcome = run("target", board, "--out", tmp_path / "board.docx")
    assert (outcome.code, len(outcome.error_lines)) == (1, 1)
    assert ".pdf" in outcome.err


def test_the_target_file_is_never_overwritten(run, board):
    svg = board.rename(board.with_suffix(".svg"))
    assert run("target", svg, "--out", svg, "--force").code == 1
    assert svg.read_text().startswith("type:")
