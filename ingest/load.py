"""A file becomes a document: one text, its blocks, its title and date.  Knows file formats, not passages.

Each format's library gives blocks (heading, paragraph, item, row); `assemble` lays them out as one text.  The wording
is the source's own: only markup goes, and white space is evened out.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from assistant.dates import first_date
from assistant.errors import DocumentError
from assistant.schema import Block, BlockKind, Document, Span

Piece = tuple[BlockKind, str]

DROPPED_TAGS = (
    "script",
    "style",
    "nav",
    "noscript",
    "template",
    "svg",
    "math",
    "iframe",
    "object",
    "form",
    "button",
    "select",
)
BLOCK_TAGS = ("p", "div", "section", "article", "main", "header", "footer", "aside", "blockquote", "pre", "figure", "figcaption",
              "address", "dl", "dt", "dd", "ul", "ol", "table", "body", "html", "hr", "details", "summary")  # fmt: skip
HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
ITEM = re.compile(r"^\s*(?:[-*•–▪◦‣·]|o(?=\s+[A-Z\d])|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+(?=\S)")
MARKDOWN_LINK = re.compile(r"!?\[([^\[\]\n]{1,500})\]\((?:[^()\s]|\([^()\s]*\)){0,2000}(?:\s+\"[^\"\n]*\")?\)")
MARKDOWN_MARKS = re.compile(r"(?<!\w)(\*\*|__)(?=\S)(.{1,500}?)(?<=\S)\1(?!\w)")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
LABEL = re.compile(
    r"\b(?:press|media|news|public|joint)\s+(?:and\s+\w+\s+)?(?:release|statement|notice|information|communiqu\w+|bulletin|advisory|update)\b"
    r"|^(?:statement|notice|release|communiqu\w+|bulletin)\b.{0,30}$|\bfor immediate\b|\bembargo\w*|^(?:issued|published|ref|date|contact|from)\b[.:]?|\bnews from\b",
    re.IGNORECASE,
)
BODY = re.compile(
    r"\b(?:office|unit|department|committee|court|ministry|university|institute|board|bank|council|agency|association|federation|society|foundation|union|commission|platform|coalition|parliament|senate|government|network|international|ltd|inc|plc|gmbh)\b(?!.*\b(?:to|will|is|are|says?|wins?|opens?|closes?|votes?|welcomes?|condemns?|urges?|calls?|finds?|rules?|cuts?|raises?)\b)",
    re.IGNORECASE,
)
MAX_ARCHIVE_BYTES = 200_000_000
MAX_PDF_PAGES = 500
MAX_PDF_DRAWING = 20_000_000  # bytes of drawing on all pages; a page of text takes some ten thousand
TITLE_CHARS = 250


def load(path: Path, max_bytes: int, max_chars: int) -> Document:
    """Read one file.  Raises DocumentError where it is missing, empty, too large, damaged or of no known format."""
    reader = LOADERS.get(path.suffix.lower())
    if not path.exists():
        raise DocumentError(f"{path} does not exist: check the path")
    if not path.is_file():
        raise DocumentError(f"{path} is not a file: name a file or a folder of files")
    if reader is None:
        raise DocumentError(f"{path} is of no known format: give {', '.join(sorted(LOADERS))}")
    try:
        if path.stat().st_size > max_bytes:
            raise DocumentError(
                f"{path} is larger than {max_bytes:,} bytes: split it, or raise RELEASE_ASSISTANT_MAX_FILE_BYTES"
            )
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"cannot read {path}: {error.strerror}; mend its permissions") from None
    try:
        pieces = list(reader(data))
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from None
    except RecursionError:
        raise DocumentError(f"{path} is nested too deeply: save it again as plain text") from None
    except Exception as error:
        raise DocumentError(
            f"{path} cannot be read as {path.suffix.lower()}: {_reason(error)}; save it again, or as .txt"
        ) from error
    document = assemble(path.name, pieces)
    if not document.text:
        raise DocumentError(f"{path} holds no text: nothing to answer from")
    if len(document.text) > max_chars:
        raise DocumentError(
            f"{path} has {len(document.text):,} characters, more than {max_chars:,}: split it, or raise RELEASE_ASSISTANT_MAX_DOCUMENT_CHARS"
        )
    return document


def assemble(name: str, pieces: list[Piece]) -> Document:
    """Lay blocks out as one text: a blank line between blocks, none between the items of a list or the rows of a table."""
    parts: list[str] = []
    blocks: list[Block] = []
    at = 0
    before: BlockKind | None = None
    for kind, raw in pieces:
        text = _tidy(raw)
        if not text:
            continue
        if before is not None:
            gap = "\n" if kind == before and kind in ("item", "row") else "\n\n"
            parts.append(gap)
            at += len(gap)
        parts.append(text)
        blocks.append(Block(kind, Span(at, at + len(text))))
        at += len(text)
        before = kind
    text = "".join(parts)
    title, issuer = masthead(text, blocks)
    laid_out = tuple(replace(b, kind="heading") if b.span == title else b for b in blocks)
    return Document(name, text, laid_out, title, first_date(text[:2000]), issuer)


def masthead(text: str, blocks: list[Block]) -> tuple[Span | None, Span | None]:
    """Where the title and the issuer stand among the lines before the first paragraph of prose.

    The title is the first line of five words or more that is no date line, no label ("Press release, for immediate
    use") and no name that the text takes up again; the issuer is a line before it that the text takes up again, or that
    bears the name of a kind of body.
    """
    lines: list[Span] = []
    for block in blocks[:12]:
        line = text[block.span.start : block.span.end]
        if block.kind == "paragraph" and (
            len(line.split()) >= 22 or (len(line.split()) >= 10 and line[-1] in ".!?" and not line.isupper())
        ):
            break
        if block.kind in ("heading", "paragraph"):
            lines.append(block.span)
    body = text[lines[-1].end :].casefold() if lines else ""
    titles: list[Span] = []
    issuers: list[Span] = []
    for span in lines:
        line = text[span.start : span.end]
        name = re.sub(r"\s*\([^)]*\)$", "", re.split(r"\s+[–—|·-]\s+|,\s", line)[0])
        acronym = re.search(r"\(([A-Z]{2,8})\)", line)
        if (LABEL.search(line) and len(line.split()) <= 12) or (
            first_date(line) is not None and len(line.split()) <= 8
        ):
            name = re.split(r"\s+[|–—·]\s+", line)[0]
            if name != line and not LABEL.search(name) and len(name.split()) >= 2 and name.casefold() in body:
                issuers.append(Span(span.start, span.start + len(name)))
        elif (
            (len(name) > 2 and name.casefold() in body)
            or (acronym and acronym.group(1).casefold() in body)
            or (len(line.split()) <= 9 and BODY.search(line))
        ):
            issuers.append(Span(span.start, span.start + len(name)))
        else:
            titles.append(span)
    title = next((t for t in titles if len(text[t.start : t.end].split()) >= 5), None) or next(iter(titles), None)
    if title is None:
        title = next((b.span for b in blocks[:12] if b.kind == "heading"), None)
    issuer = next((i for i in issuers if title is None or i.start < title.start), None)
    return title, issuer


def read_txt(data: bytes) -> Iterator[Piece]:
    """Plain text: blank lines part blocks; a short line of its own without a full stop is a heading; Markdown links lose their target."""
    text = _decode(data)
    text = MARKDOWN_LINK.sub(r"\1", text)
    text = MARKDOWN_MARKS.sub(r"\2", text)
    first = True
    for chunk in re.split(r"\n[ \t]*(?:\n[ \t]*)+", text):
        lines = [line.strip() for line in chunk.split("\n") if line.strip()]
        for kind, line in _lines(lines, first):
            yield kind, line
            first = False


def _lines(lines: list[str], first: bool) -> Iterator[Piece]:
    """The pieces of one chunk of plain text: items and rows line by line, wrapped prose joined, headings alone."""
    prose: list[str] = []
    item: list[str] = []
    for number, line in enumerate(lines):
        marked = re.match(r"#{1,6}\s+(.*)", line)
        row = line.count("|") >= 2 or line.count("\t") >= 1
        kind: BlockKind = "heading" if marked else "item" if ITEM.match(line) else "row" if row else "paragraph"
        if kind == "row" and re.fullmatch(r"[|\s:+-]+", line):
            continue
        if item and kind == "paragraph" and line[0].islower():
            item.append(line)  # an item that was wrapped by its editor
            continue
        if item:
            yield "item", " ".join(item)
            item = []
        if kind == "paragraph":
            alone = number == 0 and len(lines) == 1
            lead = number == 0 and len(lines) > 1 and _looks_like_heading(line) and (first or len(line) < 60)
            if (alone and _looks_like_heading(line)) or (first and alone and _looks_like_title(line)) or lead:
                yield "heading", line
                first = False
                continue
            # A line that was wrapped by its editor goes on in the next one; a short line stands for itself.
            if prose and not _wraps(prose[-1], lines):
                yield "paragraph", " ".join(prose)
                prose = []
            prose.append(line)
            continue
        if prose:
            yield "paragraph", " ".join(prose)
            prose = []
        if kind == "item":
            item = [line]
        else:
            yield (
                kind,
                marked.group(1) if marked else " | ".join(c.strip() for c in re.split(r"\||\t", line) if c.strip()),
            )
    if item:
        yield "item", " ".join(item)
    if prose:
        yield "paragraph", " ".join(prose)


def _wraps(line: str, lines: list[str]) -> bool:
    longest = max(len(x) for x in lines)
    return 40 <= longest <= 120 and len(line) > 0.6 * longest


def _looks_like_heading(line: str) -> bool:
    if len(line) > 120 or line[-1] in '.!?,;:”"…' or not re.search(r"[^\W\d_]", line) or ITEM.match(line):
        return False
    words = re.findall(r"[^\W\d_]+", line)
    if "@" in line or "http" in line or (first_date(line) is not None and len(words) <= 6):
        return False
    capitals = sum(w[0].isupper() for w in words)
    return line.isupper() or (
        len(words) <= 14 and words[0][0].isupper() and (capitals >= len(words) / 2 or len(words) <= 8)
    )


def _looks_like_title(line: str) -> bool:
    return len(line) <= TITLE_CHARS and line[-1] not in ".;:," and first_date(line) is None


def read_html(data: bytes) -> Iterator[Piece]:
    """HTML: block elements part blocks; navigation, scripts, styles and hidden elements are left out."""
    from bs4 import BeautifulSoup, Comment, Tag
    from bs4.element import NavigableString, PreformattedString

    soup = BeautifulSoup(data, "html.parser")
    for tag in soup.find_all(DROPPED_TAGS):
        tag.decompose()
    for tag in soup.find_all(_unseen):
        tag.decompose()
    root = soup.find("main") or soup.find("article") or soup.body or soup
    buffer: list[str] = []
    pieces: list[Piece] = []

    def flush(kind: BlockKind = "paragraph") -> None:
        text = re.sub(r"\s+", " ", "".join(buffer)).strip()
        buffer.clear()
        if text:
            pieces.append((kind, text))

    def walk(node: Any) -> None:
        for child in node.children:
            if isinstance(child, (Comment, PreformattedString)):
                continue
            if isinstance(child, NavigableString):
                buffer.append(str(child))
            elif isinstance(child, Tag):
                if child.name in HEADINGS:
                    flush()
                    walk(child)
                    flush("heading")
                elif child.name == "li":
                    flush()
                    walk(child)
                    flush("item")
                elif child.name == "tr":
                    flush()
                    cells = [re.sub(r"\s+", " ", c.get_text(" ")).strip() for c in child.find_all(["td", "th"])]
                    pieces.append(("row", " | ".join(c for c in cells if c)))
                elif child.name == "br":
                    buffer.append(" ")
                elif child.name in BLOCK_TAGS:
                    flush()
                    walk(child)
                    flush()
                elif child.name not in ("head", "title", "img"):
                    walk(child)

    walk(root)
    flush()
    if not any(kind == "heading" for kind, _ in pieces) and soup.title and soup.title.get_text(strip=True):
        pieces.insert(0, ("heading", soup.title.get_text(" ", strip=True)))
    yield from pieces


def _unseen(tag: Any) -> bool:
    attributes = tag.attrs or {}
    style = str(attributes.get("style", "")).replace(" ", "").lower()
    hidden = "hidden" in attributes or attributes.get("aria-hidden") == "true"
    return hidden or "display:none" in style or "visibility:hidden" in style


def read_md(data: bytes) -> Iterator[Piece]:
    """Markdown, by way of HTML; raw HTML in it is shown as its text, less scripts and styles."""
    from markdown_it import MarkdownIt

    text = _decode(data)
    yield from read_html(MarkdownIt("commonmark").enable("table").render(text).encode("utf-8", "surrogatepass"))


def read_docx(data: bytes) -> Iterator[Piece]:
    """Word: headings, paragraphs, list items and table rows in their order."""
    import io

    from docx import Document as Docx
    from docx.table import Table

    _check_archive(data)
    for item in Docx(io.BytesIO(data)).iter_inner_content():
        if isinstance(item, Table):
            for row in item.rows:
                cells: list[str] = []
                for cell in row.cells:
                    if not cells or cell.text != cells[-1]:  # a merged cell is given once for each column
                        cells.append(cell.text)
                yield "row", " | ".join(" ".join(c.split()) for c in cells if c.strip())
            continue
        style = (item.style.name or "").lower() if item.style is not None else ""
        if style.startswith(("heading", "title")):
            yield "heading", item.text
        elif style.startswith("list") or (item._p.pPr is not None and item._p.pPr.numPr is not None):
            yield "item", item.text
        else:
            yield "paragraph", item.text


def read_pdf(data: bytes) -> Iterator[Piece]:
    """PDF with a text layer: lines joined to paragraphs, words broken at a line's end mended."""
    import io
    import logging

    from pypdf import PdfReader

    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise DocumentError("it is encrypted: save it without a password")
    if len(reader.pages) > MAX_PDF_PAGES:
        raise DocumentError(f"it has more than {MAX_PDF_PAGES} pages: split it")
    drawn, pages = 0, []
    for page in reader.pages:
        contents = page.get_contents()
        drawn += len(contents.get_data()) if contents is not None else 0
        if drawn > MAX_PDF_DRAWING:
            raise DocumentError("its pages unpack to more than 20 MB of drawing: save its text as .txt")
        pages.append(page.extract_text() or "")
    text = "\n".join(pages)
    if not text.strip():
        raise DocumentError("it has no text layer: run text recognition on it first")
    yield from read_txt(_paragraphs(text).encode("utf-8", "surrogatepass"))


def _paragraphs(text: str) -> str:
    """Part the lines of a PDF at those that end a sentence well before the margin."""
    lines = [line.strip() for line in text.split("\n")]
    margin = max((len(line) for line in lines), default=0)
    out: list[str] = []
    for line in lines:
        out.append(line)
        if line and line[-1] in '.!?”"' and len(line) < 0.75 * margin:
            out.append("")
    joined = "\n".join(out)
    return re.sub(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])", "", joined)


def _check_archive(data: bytes) -> None:
    import io

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MAX_ARCHIVE_BYTES:
            raise DocumentError("it unpacks to more than 200 MB: it is no ordinary document")


def _decode(data: bytes) -> str:
    """UTF-8, or what a byte order mark says.  Raises DocumentError for anything else, and for binary data."""
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    encoding = next((e for mark, e in marks if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DocumentError(f"it is not {encoding} at byte {error.start:,}: save it as UTF-8") from None
    if "\x00" in text:
        raise DocumentError("it holds NUL characters, so it is no text: save it as UTF-8 text")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _tidy(text: str) -> str:
    """Control characters out (they are no wording), every run of white space one space."""
    return re.sub(r"\s+", " ", CONTROL.sub(" ", text).encode("utf-8", "replace").decode("utf-8")).strip()


def _reason(error: Exception) -> str:
    return re.sub(r"\s+", " ", str(error)).strip()[:160] or type(error).__name__


LOADERS: dict[str, Callable[[bytes], Iterator[Piece]]] = {
    ".txt": read_txt,
    ".md": read_md,
    ".html": read_html,
    ".htm": read_html,
    ".docx": read_docx,
    ".pdf": read_pdf,
}
