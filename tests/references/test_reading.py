"""Whatever people export, the papers in it are found; whatever they send, nothing is raised."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.references import read
from digest.references.reading import MOST_BYTES, MOST_ENTRIES

BIB = rb"""% a library
@string{pub = "Nobody's Press"}
@article{dblp, title={Attention {I}s Enough}, journal={CoRR}, volume={abs/1706.03762}}
@misc{own, eprint = "2606.00001v3", archivePrefix = "arXiv", title = {One}}
@misc{old, eprint={9901001}, archivePrefix={hep-th}}
@article{noted, doi={10.1000/a\_b}, title={x}, note={arXiv:2606.00003v2 [cs]}}
@article{scholar, title={T}, journal={arXiv preprint arXiv:2606.00004}}
@article{doi, doi={https://doi.org/10.1000/Ab(C)1}, journal=pub}
@inproceedings{untold, title = {Caf{\'e}s and $\alpha$-fish
    in {T}okyo}, booktitle = {Nowhere}}
@misc{own, eprint = {2606.00005}}
"""

RIS = b"""TY  - JOUR\r
TI  - A title that is long\r
and goes on below\r
AU  - Example, Ada\r
ER  - \r
\r
TY  - UNPB\r
T1  - On fish\r
M1  - arXiv:2606.00001\r
DO  - 10.1000/Fish\r
ER  - \r
TY  - JOUR\r
UR  - https://doi.org/10.1000/two\r
"""

CSL = b"""[{"id": "a", "title": "Fish", "DOI": "10.1000/FISH"},
 {"id": "b", "title": "Birds", "URL": "https://arxiv.org/abs/2606.00001v2", "DOI": "10.1000/b"},
 {"id": "c", "title": "<i>Bees</i> &amp; wasps of the world"},
 {"id": "d"}, 7]"""

RDF = b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
 <bib:Article rdf:about="https://example.org/one">
  <z:itemType>journalArticle</z:itemType>
  <dcterms:isPartOf><bib:Journal><dc:title>A Journal</dc:title>
   <dc:identifier>DOI 10.1000/one</dc:identifier></bib:Journal></dcterms:isPartOf>
  <dc:title>One</dc:title>
 </bib:Article>
 <z:Attachment rdf:about="#item_2"><z:itemType>attachment</z:itemType>
  <dc:title>Full Text PDF of something</dc:title></z:Attachment>
 <rdf:Description rdf:about="http://arxiv.org/abs/2606.00001">
  <z:itemType>preprint</z:itemType>
  <dcterms:abstract>Unlike 10.1000/other, arXiv:2606.99999 and so on.</dcterms:abstract>
  <dc:title>Two</dc:title>
 </rdf:Description>
 <bib:Book rdf:about="#item_9"><z:itemType>book</z:itemType>
  <dcterms:isPartOf><bib:Series><dc:title>Series</dc:title></bib:Series></dcterms:isPartOf>
  <dc:title>Fish &amp; chips</dc:title></bib:Book>
</rdf:RDF>"""

CSV = b"""\xef\xbb\xbf"Key","Item Type","Title","DOI","Url","Extra"
"A","journalArticle","One, and more","10.1000/one","",""
"B","preprint","Two","","http://arxiv.org/abs/2606.00001","arXiv:2606.00001 [cs]"
"C","book","Three
lines","","",""
"""

LIST = b"""10.1103/PhysRevX.1.2, 2606.00001v2
https://arxiv.org/pdf/hep-th/9901001v1.pdf
https://www.biorxiv.org/content/10.1101/2026.01.02.123456v2.full
- (see https://doi.org/10.1016/S0140-6736(05)12345-6).
Sorting fish by their songs
fish
https://huggingface.co/papers/2606.00009
arXiv:2606.00010 [cs.LG]; arXiv:math.GT/0309136
https://example.org/a/page/of/no/paper
"""


def test_bibtex_of_every_dialect_is_understood():
    found = read(BIB, "library.bib")

    assert found.form == "BibTeX"
    assert found.ids == (
        "arxiv:1706.03762",
        "arxiv:2606.00001",
        "arxiv:hep-th/9901001",
        "arxiv:2606.00003",
        "arxiv:2606.00004",
        "doi:10.1000/ab(c)1",
        "arxiv:2606.00005",
    )
    assert found.titles == ("Cafés and α-fish in Tokyo",)
    assert (found.entries, found.problems) == (8, ())


MENTION = "Unlike arXiv:2606.00009, which they cite"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.bib", "@article{a, title={T}, doi={10.1000/own}, note={%s}}"),
        ("a.bib", "@article{a, title={T}, doi={10.1000/own}, annote={%s}}"),
        ("a.ris", "TY  - JOUR\nTI  - T\nN1  - %s\nDO  - 10.1000/own\nER  - \n"),
        ("a.json", '[{"title": "T", "DOI": "10.1000/own", "note": "%s"}]'),
        ("a.csv", 'Title,DOI,Extra\nT,10.1000/own,"%s"\n'),
        (
            "a.rdf",
            """<rdf:RDF><bib:Article rdf:about="urn:1"><z:itemType>journalArticle</z:itemType>
            <dc:identifier>DOI 10.1000/own</dc:identifier><dc:description>%s</dc:description>
            </bib:Article></rdf:RDF>""",
        ),
    ],
)
def test_what_a_note_mentions_is_not_taken_for_the_paper_unless_it_begins_with_it(name, form):
    assert read((form % MENTION).encode(), name).ids == ("doi:10.1000/own",)
    assert read((form % "arXiv:2606.00001 [cs]").encode(), name).ids == ("arxiv:2606.00001",)

    nothing_else = form.replace("10.1000/own", "")
    assert read((nothing_else % MENTION).encode(), name).ids == ("arxiv:2606.00009",)


@pytest.mark.parametrize(
    ("note", "named"),
    [
        (f"arXiv preprint available.\n{MENTION}", "doi:10.1000/own"),
        ("arXiv version differs from arXiv:2606.00009", "doi:10.1000/own"),
        (f"{MENTION}\nNumber: arXiv:2606.00001v2 [cs]\n{MENTION}", "arxiv:2606.00001"),
        ("<p>arXiv:2606.00001 [cs]</p>", "arxiv:2606.00001"),
        ("<div><p>Read twice.</p><p>arXiv: math/0309136</p></div>", "arxiv:math/0309136"),
    ],
)
def test_of_a_note_only_an_id_that_begins_a_line_is_the_papers_own(note, named):
    assert read(f'Title,DOI,Extra\nT,10.1000/own,"{note}"\n'.encode(), "a.csv").ids == (named,)


@pytest.mark.parametrize("note", ["DOI: 10.1000/own", "<p>doi:10.1000/own</p>"])
def test_a_line_of_a_note_that_begins_with_a_doi_names_the_paper_before_what_it_mentions(note):
    extra = f"PMID: 1\n{note}\nCompare arXiv:2606.00009 and DOI: 10.1000/other"

    assert read(f'Title,Extra\nT,"{extra}"\n'.encode(), "a.csv").ids == ("doi:10.1000/own",)


SICI = "10.1002/(SICI)1097-4571(199009)41:6<391::AID-ASI1>3.0.CO;2-9"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.bib", "@article{a, title={T}, doi={%s}}"),
        ("a.ris", "TY  - JOUR\nDO  - %s\nER  - \n"),
        ("a.json", '[{"DOI": "%s"}]'),
        ("a.csv", "Title,DOI\nT,%s\n"),
        ("a.txt", "%s\n"),
        ("a.txt", "1. %s.\n"),
        ("a.txt", "Salton et al. (%s)\n"),
        ("a.bib", "@article{a, title={T}, note={DOI: %s}}"),
        ("a.ris", "TY  - JOUR\nUR  - %s\nER  - \n"),
        (
            "a.rdf",
            """<rdf:RDF><bib:Article rdf:about="urn:1"><z:itemType>journalArticle</z:itemType>
            <dc:identifier>DOI %s</dc:identifier></bib:Article></rdf:RDF>""",
        ),
    ],
)
@pytest.mark.parametrize(
    "written",
    [
        SICI,
        SICI.replace("<", "&lt;").replace(">", "&gt;"),
        f"https://doi.org/{SICI.replace('<', '%3C').replace('>', '%3E')}",
    ],
)
def test_a_doi_with_angle_brackets_in_it_is_whole(name, form, written):
    assert read(form.replace("%s", written).encode(), name).ids == (f"doi:{SICI.lower()}",)


def test_several_addresses_of_dois_in_one_line_are_several_papers():
    both = "https://doi.org/10.1000/a;https://doi.org/10.1000/b"

    assert read(both.encode()).ids == ("doi:10.1000/a", "doi:10.1000/b")
    assert read(f"TY  - J\nUR  - {both}\nER  - \n".encode()).ids == ("doi:10.1000/a",)


def test_an_entry_that_never_ends_is_named_and_spoils_no_other():
    found = read(b"@misc{a, title={One\n@misc{b, eprint={2606.00001}}\n")

    assert found.ids == ("arxiv:2606.00001",)
    assert found.problems == ("line 1: it could not be parsed.",)
    assert found.entries == 2


def test_ris_is_understood_also_where_lines_are_continued_and_the_end_is_missing():
    found = read(RIS, "export.ris")

    assert found.form == "RIS"
    assert found.ids == ("arxiv:2606.00001", "doi:10.1000/two")
    assert found.titles == ("A title that is long and goes on below",)


def test_csl_json_is_understood_and_says_what_holds_nothing():
    found = read(CSL)

    assert found.form == "CSL-JSON"
    assert found.ids == ("doi:10.1000/fish", "arxiv:2606.00001")
    assert found.titles == ("Bees & wasps of the world",)
    assert found.problems == (
        "d: there is no arXiv id, DOI or title in it.",
        "item 5: it could not be parsed.",
    )


def test_csl_json_inside_an_object_is_found():
    assert read(b'{"items": [{"DOI": "10.1000/a"}]}').ids == ("doi:10.1000/a",)
    assert read(b'{"title": "x", "DOI": "10.1000/a", "author": []}').ids == ("doi:10.1000/a",)


def test_zotero_rdf_gives_papers_and_neither_attachments_nor_what_abstracts_mention():
    found = read(RDF, "library.rdf")

    assert found.form == "Zotero RDF"
    assert found.ids == ("doi:10.1000/one", "arxiv:2606.00001")
    assert found.titles == ("Fish & chips",)


def test_no_entity_of_an_rdf_file_is_expanded():
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>' + RDF.replace(b"One", b"&b;")

    assert read(bomb, "library.rdf").ids == ("doi:10.1000/one", "arxiv:2606.00001")


def test_a_table_goes_by_the_names_of_its_columns():
    found = read(CSV, "library.csv")

    assert found.form == "CSV"
    assert found.ids == ("doi:10.1000/one", "arxiv:2606.00001")
    assert found.titles == ("Three lines",)


def test_a_list_may_hold_ids_dois_addresses_and_titles_in_any_mixture():
    found = read(LIST)

    assert found.form == "list"
    assert found.ids == (
        "arxiv:2606.00001",
        "doi:10.1103/physrevx.1.2",
        "arxiv:hep-th/9901001",
        "doi:10.1101/2026.01.02.123456",
        "doi:10.1016/s0140-6736(05)12345-6",
        "arxiv:2606.00009",
        "arxiv:2606.00010",
        "arxiv:math/0309136",
    )
    assert found.titles == ("Sorting fish by their songs",)
    assert found.problems == (
        "line 6: there is no arXiv id, DOI or title in it.",
        "line 9: there is no arXiv id, DOI or title in it.",
    )


@pytest.mark.parametrize("comma", "，、；")
def test_a_list_may_be_parted_by_chinese_and_japanese_commas(comma):
    written = comma.join(("2606.00001", "10.1000/a", "10.1000/b", "2606.00002"))

    assert set(read(written.encode()).ids) == {
        "arxiv:2606.00001",
        "arxiv:2606.00002",
        "doi:10.1000/a",
        "doi:10.1000/b",
    }


def test_the_same_paper_twice_is_one():
    found = read(b"2606.00001\narXiv:2606.00001v4\nhttps://doi.org/10.48550/arXiv.2606.00001")

    assert found.ids == ("arxiv:2606.00001",)
    assert found.entries == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_the_encodings_that_programs_write_are_read(encoding):
    found = read("@misc{a, title={Über die Fische}}".encode(encoding), "a.bib")

    assert found.titles == ("Über die Fische",)


def test_only_the_first_entries_are_read_and_it_says_so():
    found = read("\n".join(f"2606.{n:05}" for n in range(1, MOST_ENTRIES + 9)).encode())

    assert len(found.ids) == MOST_ENTRIES
    assert found.problems == ("Only the first 2,000 entries were read.",)


def test_only_the_first_megabyte_is_read_and_it_says_so():
    found = read(b"2606.00001\n" + b"x\n" * MOST_BYTES)

    assert found.ids == ("arxiv:2606.00001",)
    assert "Only the first megabyte of it was read." in found.problems
    assert len(found.problems) < 60


def test_a_file_of_marks_alone_is_refused_in_words_and_a_dense_library_is_not():
    for marks in ("{", "}", '"', "a=,", '{"}'):
        found = read(b"@a{b," + marks.encode() * (900_000 // len(marks)), "library.bib")
        assert found.problems[0].startswith("the file: there are too many brackets")

    dense = "@misc{k%d, author = {{A}, {B}}, title = {{A} {B} {C}}, doi = {10.1000/%d}, year = {2026}}\n"
    library = "".join(dense % (number, number) for number in range(2_000))
    assert len(read(library.encode()).ids) == 2_000


def test_an_empty_file_and_one_without_entries_say_so():
    assert read(b"").entries == 0
    assert read(b"<rdf:RDF></rdf:RDF>").problems == (
        "The file was read as Zotero RDF and has no entries.",
    )
    assert read(b"[{").problems == ("The file could not be read as CSL-JSON.",)


SAMPLES = [BIB, RIS, CSL, RDF, CSV, LIST]


@given(st.binary(max_size=400), st.sampled_from(["", "a.bib", "b.ris", "c.json", "d.rdf", "e.csv"]))
@example(b"TY  - J\nzz\nER  - \nzz\nTY  - \n", "")
@example(b"[" * 5_000, "")
@example(b"[" + b"1" * 5_000 + b"]", "a.json")
@example(b"@a{b,c=" + b"{" * 5_000, "")
@example(b'title,doi\n"' + b"a" * 200_000, "")
def test_any_bytes_whatever_never_raise(data, name):
    found = read(data, name)

    assert len(found.ids) + len(found.titles) <= found.entries


@given(st.data())
def test_a_damaged_library_never_raises(data):
    sample = data.draw(st.sampled_from(SAMPLES))
    cut = data.draw(st.integers(0, len(sample)))
    noise = data.draw(st.binary(max_size=20))
    again = data.draw(st.integers(0, len(sample)))

    found = read(sample[:cut] + noise + sample[again:])

    assert len(found.ids) + len(found.titles) <= found.entries


@pytest.mark.parametrize(
    "bomb",
    [
        b"@a{" * 60_000,
        b'@a{b,c="' + b'"' * 200_000,
        b"@a{b," + b"c={d}," * 30_000,
        b"TY  - J\nTI  - x\n" + b"a\n" * 100_000,
        b"<rdf:RDF " + b'<a:b rdf:about="x"><z:itemType>a</z:itemType>' + b"<dc:title>" * 20_000,
        b" " * 200_000 + b"title",
        b"10.1234/a;" * 20_000,
        b"Title,Extra\n" + (b'T,"' + b"<p>\tnumber: arxiv\n" * 190 + b'"\n') * 200,
    ],
    ids=["entries", "quotes", "fields", "folded", "tags", "spaces", "dois", "notes"],
)
def test_text_made_to_be_slow_is_read_in_time_that_grows_with_its_length(bomb):
    start = time.process_time()

    read(bomb)

    assert time.process_time() - start < 4
