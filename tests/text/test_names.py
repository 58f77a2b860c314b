import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.text import (
    author_key,
    author_keys,
    authors_in_elements,
    authors_semicolon,
    spellings,
    split_authors,
)
from digest.text.names import authors_with_initials, is_family_first


@pytest.mark.parametrize(
    ("given_string", "names"),
    [
        ("Ada Lovelace, Alan Turing", ("Ada Lovelace", "Alan Turing")),
        (r"Esther Puyol-Ant\'on, K. G\"{o}del", ("Esther Puyol-Antón", "K. Gödel")),
        ("A. Bee (X, Y (Z, W)), C. Dee (Q)", ("A. Bee", "C. Dee")),
        ("A. Bee and C. Dee", ("A. Bee", "C. Dee")),
        ("A. Bee, C. Dee, and E. Eff", ("A. Bee", "C. Dee", "E. Eff")),
        ("Sandy Anders, Andy Sands", ("Sandy Anders", "Andy Sands")),
        ("Martin King, Jr., B. Cee, III", ("Martin King Jr.", "B. Cee III")),
        ("A. Bee (never closed, C. Dee", ("A. Bee", "C. Dee")),
        (" , A. Bee,,; ", ("A. Bee",)),
        ("A. Bee et al.", ("A. Bee",)),
        ("", ()),
    ],
)
def test_one_string_of_authors_is_split_into_names(given_string, names):
    assert split_authors(given_string) == names


def test_semicolons_part_names_with_the_family_first():
    assert authors_semicolon("A, B.; C, D.") == ("B. A", "D. C")
    assert authors_semicolon("van Dee, E. F., Jr.; Consortium;") == (
        "E. F. van Dee Jr.",
        "Consortium",
    )
    assert authors_semicolon("Dee, Jr., E. F.; Ada Bee, III") == ("E. F. Dee Jr.", "Ada Bee III")


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("Bee, A., Dee, C. D., & Eff, G.-H.", ("A. Bee", "C. D. Dee", "G.-H. Eff")),
        ("Bee, A. and van der Dee, C", ("A. Bee", "C van der Dee")),
        ("Bee, A.", ("A. Bee",)),
        ("Ng, É., Åberg, Ö.", ("É. Ng", "Ö. Åberg")),
        ("Bee, Yu. A., Dee, Zh.", ("Yu. A. Bee", "Zh. Dee")),
        ("Bee, J. A., Jr., Dee, B.", ("J. A. Bee Jr.", "B. Dee")),
        ("Bee, Jr., J. A., Dee, C., Eff, G., IV", ("J. A. Bee Jr.", "C. Dee", "G. Eff IV")),
        (
            "Bee, A., Dee, C., COVID-19 Hive Consortium",
            ("A. Bee", "C. Dee", "COVID-19 Hive Consortium"),
        ),
        ("Bee, A. on behalf of the Hive", ("A. Bee", "the Hive")),
        ("Bee, AB, Dee Eff, CD", ("AB Bee", "CD Dee Eff")),
        ("BEE, A., MA, Y., NG, Z.", ("A. BEE", "Y. MA", "Z. NG")),
        ("Bee, A., Dee, C., MIT, CMS", ("A. Bee", "C. Dee", "MIT", "CMS")),
        ("Ada Bee, XY", ()),
        ("Ada Bee, C., Cy Dee, Gil Eff", ()),
        ("Ada Bee, Cy Dee", ()),
        ("A. Bee, C. Dee", ()),
        ("Bee, Ada, Dee, Cy", ()),
        ("Ada Bee", ()),
        ("", ()),
    ],
)
def test_lists_of_family_names_and_initials_are_paired(written, names):
    assert authors_with_initials(written) == names


@pytest.mark.parametrize(
    ("elements", "names"),
    [
        (["Ada Bee, MD"], ("Ada Bee",)),
        (["Ada Bee, PhD", "Cy Dee, MD"], ("Ada Bee", "Cy Dee")),
        (["Ada Bee, M.D., Ph.D., and Cy Dee, Ph.D."], ("Ada Bee", "Cy Dee")),
        (["Ada Bee, MD; Dee, Cy, MD-PhD"], ("Ada Bee", "Cy Dee")),
        (["Ada Bee", "The Hive Consortium, UK"], ("Ada Bee", "The Hive Consortium")),
        (["Bee, Ada, MD"], ("Ada Bee",)),
        (["Bee, Ada, M. D."], ("Ada Bee",)),
        (["Bee, Ada, Jr., M. D., Ph. D."], ("Ada Bee Jr.",)),
        (["Bee, C., M. D."], ("C. Bee",)),
        (["Bee, C., M. D.; Dee, E., Ph. D."], ("C. Bee", "E. Dee")),
        (["Bee, A., Jr., M.D.; Dee, C., MBA"], ("A. Bee Jr.", "C. Dee")),
        (["Ada Bee, Jr., MD, Cy Dee"], ("Ada Bee Jr.", "Cy Dee")),
        (["Bee, A., PhD, Dee, C., MSc"], ("A. Bee", "C. Dee")),
        (["Bee, MD, Dee, M.A."], ("MD Bee", "M.A. Dee")),
        (["Bee, Md", "Dee, Do"], ("Md Bee", "Do Dee")),
        (["Bee, Ada (A Lab; A Town); Dee, Cy (A Lab)"], ("Ada Bee", "Cy Dee")),
        (["The ATLAS (CERN) Collaboration"], ("The ATLAS Collaboration",)),
    ],
)
def test_degrees_countries_and_affiliations_of_a_name_are_dropped(elements, names):
    assert authors_in_elements(elements) == names


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("ZHANG, X.; MA, Y.; CHEN, Z.", ("X. ZHANG", "Y. MA", "Z. CHEN")),
        ("NGUYEN, T.; DO, V. H.; TRAN, Q.", ("T. NGUYEN", "V. H. DO", "Q. TRAN")),
        ("Wang, Xiu; Do, An; MA, Yun", ("Xiu Wang", "An Do", "Yun MA")),
        ("Zhang, X., MA, Y., Chen, Z.", ("X. Zhang", "Y. MA", "Z. Chen")),
        ("BEE, A. and MA, Y.", ("A. BEE", "Y. MA")),
        ("BEE, A. C., MA, Y.", ("A. C. BEE", "Y. MA")),
        ("BEE, A., MA, M. D.", ("A. BEE", "M. D. MA")),
        ("Bee, A., Dee, M. D.", ("A. Bee", "M. D. Dee")),
        ("Bee, Ada; Dee, M.A.", ("Ada Bee", "M.A. Dee")),
        ("Bee, A., Dee, M.A., Eff, J.D.", ("A. Bee", "M.A. Dee", "J.D. Eff")),
        ("Bee, A., Jr., Dee, M.A., Eff, C.", ("A. Bee Jr.", "M.A. Dee", "C. Eff")),
        (
            "Bee, A., The ATLAS Collaboration, Dee, M.A., Eff, C.",
            ("A. Bee", "The ATLAS Collaboration", "M.A. Dee", "C. Eff"),
        ),
        (
            "O'Brien, K. E., on behalf of the X Group, Smith, J. D.",
            ("K. E. O'Brien", "the X Group", "J. D. Smith"),
        ),
        ("Bee Dee, M. A.; Eff Gil, M.-D.", ("M. A. Bee Dee", "M.-D. Eff Gil")),
        ("van der Bee, M.D., Dee, C.", ("M.D. van der Bee", "C. Dee")),
    ],
)
def test_families_and_initials_that_read_like_degrees_stay(written, names):
    assert authors_in_elements([written]) == names


@pytest.mark.parametrize(
    ("written", "alone", "is_one"),
    [
        ("Bee, Ada", True, True),
        ("Bee, Ada C.", True, True),
        ("Bee, A. C.", True, True),
        ("van der Bee, Ada", True, True),
        ("Bee-Dee, Ada María", True, True),
        ("Bee, Ada, Jr.", True, True),
        ("Ada Bee, Cy Dee", True, False),
        ("Ada Bee, Cy Dee, Jr.", True, False),
        ("Ada Bee, Jr.", True, False),
        ("Ada Bee, Ph.D.", True, False),
        ("Ada Bee, Hive Inc", True, False),
        ("Bee, MIT", True, False),
        ("Bee, Dee, and Eff", True, False),
        ("de la Bee, Ada María", False, True),
        ("Bee, Ada, Jr.", False, True),
        ("Ada Bee, Jr.", False, False),
        ("Ada Bee", False, False),
    ],
)
def test_one_name_with_the_family_first_is_told_from_a_list(written, alone, is_one):
    assert is_family_first(written, alone=alone) == is_one


@pytest.mark.parametrize(
    "name",
    [
        "Jürgen Schmidhuber",
        "J. Schmidhuber",
        "Schmidhuber, J.",
        "Schmidhuber J",
        "SCHMIDHUBER, Jurgen",
    ],
)
def test_every_way_to_write_a_name_has_one_key(name):
    assert author_key(name) == "schmidhuber j"


def test_particles_apostrophes_hyphens_and_suffixes_do_not_part_keys():
    assert author_key("van der Maaten, L.") == author_key("Laurens van der Maaten")
    assert author_key("Pat O'Brien") == author_key("O’Brien, P.") == "obrien p"
    assert author_key("E. Puyol-Antón") == author_key("Puyol-Anton, Esther")
    assert (
        author_key("Hal Daume III")
        == author_key("Daume, Hal")
        == author_key("Daume, III")[:5] + " h"
    )


def test_a_single_name_is_its_own_key():
    assert author_key("Aristotle") == "aristotle"
    assert author_key("") == ""


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("Hinrich Schütze", ["Hinrich Schuetze", "H. Schutze", "Schuetze, Hinrich"]),
        ("Jürgen Müller", ["Juergen Mueller", "Jurgen Muller", "J. Mueller"]),
        ("Søren Ågård", ["Soeren Aagaard", "Soren Agard"]),
        ("Schu\u0308tze, H.", ["Hinrich Schuetze"]),
    ],
)
def test_a_name_with_umlauts_shares_a_key_with_both_ways_to_write_it_in_ascii(name, others):
    assert all(author_keys(name) & author_keys(each) for each in others)


def test_a_name_in_ascii_has_one_key():
    assert spellings("Wolfgang Bauer") == ("Wolfgang Bauer",)
    assert author_keys("Wolfgang Bauer") == {"bauer w"}
    assert author_keys("...") == frozenset()


def test_thousands_of_names_are_split_at_once():
    names = [rf"Jos\'e{i} Mu\~noz (Lab {i}, City)" for i in range(3_500)]

    started = time.process_time()
    found = split_authors(", ".join(names))

    assert len(found) == 3_500
    assert found[7] == "José7 Muñoz"
    assert time.process_time() - started < 1


@given(st.text(st.sampled_from("ab(),. ;&\\'{}"), max_size=60))
def test_no_string_of_authors_raises_or_gives_empty_names(s):
    assert all(name.strip() and "," not in name for name in split_authors(s))
    assert all(name.strip() for name in authors_in_elements([s, s]))


@given(st.text(st.characters(), max_size=40))
def test_a_key_is_folded(name):
    assert author_key(name) == author_key(name).casefold()


def test_the_longest_recorded_list_is_whole(recordings):
    listing = (recordings / "arxiv_rss_edge" / "max_authors_3435_2025-10-18-cs-ai.xml").read_text()
    longest = max(
        (part.partition("</dc:creator>")[0] for part in listing.split("<dc:creator>")[1:]), key=len
    )

    assert len(split_authors(longest)) == 3_435
