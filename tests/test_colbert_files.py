from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from foolsgold.export.colbert_files import plain_line, write_lines

TEXTS = st.lists(st.text(st.characters(codec="utf-8")), max_size=8)


def test_number_and_text(tmp_path: Path) -> None:
    path = tmp_path / "corpus.tsv"
    write_lines(path, ['say "no"', "two\tcolumns", "a\r\nb", "", "é 🙂 שלום 你好"])
    assert path.read_bytes() == '0\tsay "no"\n1\ttwo columns\n2\ta  b\n3\t\n4\té 🙂 שלום 你好\n'.encode()


def test_a_space_for_each_separator_and_no_other_change() -> None:
    separators = "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\0"
    assert plain_line(f"a{separators}b") == "a" + " " * len(separators) + "b"
    assert plain_line("  ’tis\u00a0fine\u200b ") == "  ’tis\u00a0fine\u200b "


@given(TEXTS)
def test_whatever_the_texts_each_is_a_line_of_two_fields(texts: list[str]) -> None:
    lines = "".join(f"{plain_line(text)}\n" for text in texts)
    assert len(lines.splitlines()) == lines.count("\n") == len(texts)
    assert "\t" not in lines and "\0" not in lines
    assert [len(line) for line in lines.splitlines()] == [len(text) for text in texts]
