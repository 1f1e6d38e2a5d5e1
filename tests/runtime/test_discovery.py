"""Organizations that are found: which are read, and when one of them goes."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.collector import FoundOrganizations
from exporter.runtime.discovery import LISTS_UNTIL_GONE, Chosen, Discovery, Selection

LOGINS = st.lists(st.sampled_from(["a", "A", "b", "B", "c", "d-1", "D-1"]), unique_by=str.lower).map(tuple)
LISTS = st.lists(st.builds(FoundOrganizations, LOGINS, st.booleans()), max_size=6)


def listed(*logins: str, is_complete: bool = True) -> FoundOrganizations:
    """A list that was read."""
    return FoundOrganizations(logins, is_complete)


def test_named_ones_come_first_and_what_is_found_in_alphabetical_order() -> None:
    """Which of too many are read depends on nothing but their names, so that two exporters agree."""
    selection = Selection(named=("Web",), auto=True, max=2)
    assert selection.choose(["d", "web", "B", "c", "a"]) == Chosen(("Web", "a", "B"), left_out=2)
    assert selection.choose(["c", "a", "B", "d"]) == selection.choose(["a", "d", "c", "B"])


def test_include_and_exclude_ignore_the_case_of_letters_and_not_what_is_named() -> None:
    """Patterns are about those found alone."""
    selection = Selection(("old-1",), auto=True, include=("Acme-*", "globex"), exclude=("*-OLD?",), max=9)
    assert selection.choose(["acme-a", "ACME-old1", "Globex", "other", "old-1"]) == Chosen(
        ("old-1", "acme-a", "Globex"), excluded=2
    )


def test_nothing_found_is_read_without_auto() -> None:
    """Settings that list organizations mean these."""
    assert Selection(("a",), max=9).choose(["a", "b"]) == Chosen(("a",))


def test_organization_goes_when_two_lists_in_a_row_lack_it() -> None:
    """One list may be short by mistake."""
    discovery = Discovery()
    assert discovery.note("acme", listed("a", "b")) == (("a", "b"), True)
    assert discovery.note("acme", listed("a")) == (("a", "b"), False)
    assert discovery.note("acme", listed("a", "b")) == (("a", "b"), True)
    assert discovery.note("acme", listed("a")) == (("a", "b"), False)
    assert discovery.note("acme", listed("a")) == (("a",), True)


def test_empty_or_incomplete_list_makes_nothing_go() -> None:
    """Missing is not gone; what is new is read all the same."""
    discovery = Discovery()
    discovery.note("acme", listed("a", "b"))
    for _ in range(2 * LISTS_UNTIL_GONE):
        assert {"a", "b"} <= set(discovery.note("acme", listed()).logins)
        assert set(discovery.note("acme", listed("c", is_complete=False)).logins) == {"a", "b", "c"}


def test_spelling_follows_github() -> None:
    """An organization whose name changes its case is the same one, under its new name."""
    discovery = Discovery()
    discovery.note("acme", listed("Octo"))
    assert discovery.note("acme", listed("octo")) == (("octo",), True)


def test_enterprise_at_another_address_is_another_one() -> None:
    """What was found stays when settings are read again, but not for other enterprises."""
    discovery = Discovery()
    discovery.reconcile({"acme": "https://one/acme", "globex": "https://one/globex"})
    discovery.note("acme", listed("a"))
    discovery.note("globex", listed("b"))
    discovery.reconcile({"acme": "https://one/acme", "globex": "https://two/globex"})
    assert (discovery.known("acme"), discovery.known("globex")) == (("a",), ())
    discovery.restore("acme", ["stale"])
    discovery.restore("globex", ["c"])
    assert (discovery.known("acme"), discovery.known("globex")) == (("a",), ("c",))


@given(lists=LISTS)
def test_whatever_was_listed_last_is_known_and_what_was_never_listed_is_not(lists: list[FoundOrganizations]) -> None:
    """Each organization is known once, in the spelling of the last list that had it."""
    discovery = Discovery()
    known: tuple[str, ...] = ()
    for found in lists:
        before = {login.lower() for login in known}
        known = discovery.note("acme", found).logins
        assert set(found.logins) <= set(known)
        assert len({login.lower() for login in known}) == len(known)
        assert {login.lower() for login in known} <= before | {login.lower() for login in found.logins}
        assert found.logins or set(known) == set(known) & {each for one in lists for each in one.logins}
