"""Files become one text: the wording stays, the markup goes, faults are one line."""

import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import DocumentError
from data import resource
from ingest.load import _tidy, assemble, load, read_txt

LIMITS = (10_000_000, 2_000_000)


def test_the_release_keeps_its_wording_and_loses_its_markup() -> None:
    document = load(resource("release.txt"), *LIMITS)
    assert document.slice(document.title) == (
        "BELARUS: PRISONER RELEASES WELCOME, BUT REPRESSION CONTINUES AND ACCOUNTABILITY REMAINS URGENT"
    )
    assert document.slice(document.date) == "19 December 2025"
    assert "as noted by UN experts, those released" in document.text
    assert "Our report 'Paths to accountability for Belarus' provides" in document.text
    assert "IAPB’s latest Progress Report" in document.text
    assert "](" not in document.text
    assert "#" not in document.text


def test_the_title_and_the_issuer_are_told_from_labels_and_date_lines(write) -> None:
    text = "RIVER WATCH\nPress release – for immediate use\n\nOslo, 3 May 2024\n\nDam on the Otter frees 37 fish, but 212 stay behind\n\nRiver Watch today welcomed the opening of the dam on the river Otter, which had been shut for more than eleven years without a reason.\n"
    document = load(write("a.txt", text), *LIMITS)
    assert document.slice(document.title) == "Dam on the Otter frees 37 fish, but 212 stay behind"
    assert document.slice(document.issuer) == "RIVER WATCH"
    assert document.slice(document.date) == "3 May 2024"


def test_html_leaves_out_what_is_no_text(write) -> None:
    page = write(
        "a.html",
        "<html><head><title>T</title><style>p{color:red}</style></head><body><nav>Home About</nav><script>steal()</script>"
        "<h1>Dam opens</h1><p>The dam <b>opened</b> on&nbsp;3 May 2024.</p><p hidden>ghost</p><p style='display: none'>ghost</p>"
        "<ul><li>one</li><li>two</li></ul><table><tr><th>Year</th><th>Cost</th></tr><tr><td>2023</td><td>5</td></tr></table>"
        "<!-- note --></body></html>",
    )
    document = load(page, *LIMITS)
    assert document.text == "Dam opens\n\nThe dam opened on 3 May 2024.\n\none\ntwo\n\nYear | Cost\n2023 | 5"
    assert document.slice(document.title) == "Dam opens"


def test_markdown_keeps_lists_tables_and_link_text(write) -> None:
    document = load(
        write(
            "a.md",
            "# Title\n\nSee [the report](https://x.test/a_(b)).\n\n- one\n- two\n\n| A | B |\n|---|---|\n| 1 | 2 |\n",
        ),
        *LIMITS,
    )
    assert document.text == "Title\n\nSee the report.\n\none\ntwo\n\nA | B\n1 | 2"


def test_docx_and_pdf(tmp_path: Path) -> None:
    from docx import Document as Docx
    from reportlab.pdfgen import canvas

    made = Docx()
    made.add_heading("Harbour closes", 1)
    made.add_paragraph("The harbour closes on 4 June 2024.")
    made.add_paragraph("first", style="List Bullet")
    table = made.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Ships", "12"
    made.save(str(tmp_path / "a.docx"))
    document = load(tmp_path / "a.docx", *LIMITS)
    assert document.text == "Harbour closes\n\nThe harbour closes on 4 June 2024.\n\nfirst\n\nShips | 12"

    page = canvas.Canvas(str(tmp_path / "a.pdf"))
    for number, line in enumerate(
        ("The harbour closes on 4 June 2024 and the authori-", "ty opens it again a week later.")
    ):
        page.drawString(72, 700 - 14 * number, line)
    page.save()
    document = load(tmp_path / "a.pdf", *LIMITS)
    assert document.text == "The harbour closes on 4 June 2024 and the authority opens it again a week later."


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.txt", b"", "holds no text"),
        ("blank.txt", b" \n\t\n ", "holds no text"),
        ("latin.txt", "é".encode("latin-1"), "is not utf-8"),
        ("nul.txt", b"a\x00b", "NUL"),
        ("a.xls", b"x", "no known format"),
        ("broken.docx", b"PK not a zip", "cannot be read as .docx"),
        ("broken.pdf", b"%PDF-1.4 nothing", "cannot be read as .pdf"),
    ],
)
def test_bad_files_are_refused_in_one_line(write, name: str, content: bytes, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as caught:
        load(write(name, content), *LIMITS)
    assert "\n" not in str(caught.value)


def test_missing_and_oversized_files_are_refused(write, tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="does not exist"):
        load(tmp_path / "none.txt", *LIMITS)
    with pytest.raises(DocumentError, match="larger than 3 bytes"):
        load(write("a.txt", "four"), 3, 100)
    with pytest.raises(DocumentError, match="more than 3"):
        load(write("a.txt", "four"), 100, 3)


def test_a_docx_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 250_000_000)
    (tmp_path / "bomb.docx").write_bytes(buffer.getvalue())
    with pytest.raises(DocumentError, match="200 MB"):
        load(tmp_path / "bomb.docx", *LIMITS)


def test_a_pdf_bomb_is_refused_before_it_is_drawn(tmp_path: Path) -> None:
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, NameObject

    writer = PdfWriter()
    stream = DecodedStreamObject()
    stream.set_data(b"BT (again and again) Tj ET\n" * 200_000)
    shared = writer._add_object(stream.flate_encode())
    for _ in range(100):  # one stream of 5 MB, drawn a hundred times
        writer.add_blank_page(200, 200)[NameObject("/Contents")] = shared
    writer.write(tmp_path / "bomb.pdf")
    assert (tmp_path / "bomb.pdf").stat().st_size < 200_000
    with pytest.raises(DocumentError, match="20 MB of drawing"):
        load(tmp_path / "bomb.pdf", *LIMITS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_mark_and_crlf_give_the_same_text(write, encoding: str) -> None:
    text = "A title\r\n\r\nIt’s “so”.\r\n"
    assert load(write("a.txt", text.encode(encoding)), *LIMITS).text == "A title\n\nIt’s “so”."


@given(st.text(max_size=400))
def test_plain_text_loses_no_letter(text: str) -> None:
    kept = text.replace("\x00", "")
    try:
        document = assemble("a.txt", list(read_txt(kept.encode("utf-8", "surrogatepass"))))
    except DocumentError:
        return  # lone surrogates are no UTF-8
    for block in document.blocks:
        assert document.slice(block.span) == _tidy(document.slice(block.span))
    letters = [c for c in kept if c.isalnum()]
    if "[" not in kept and "_" not in kept and "*" not in kept:
        assert [c for c in document.text if c.isalnum()] == letters
