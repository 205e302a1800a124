"""What is drawn by lot: a share of the cases, the same for a seed, and each of them in some run."""

from support.soak import SOAK, drawn_cases, some_of

CASES = [f"tests/test_a.py::test_a[{number}]" for number in range(7)]
OTHERS = ["tests/test_a.py::test_alone", "tests/test_b.py::test_b[x]", "tests/test_b.py::test_b[y]"]


def test_each_test_keeps_a_third_of_its_cases_and_one_at_least() -> None:
    drawn = drawn_cases([*CASES, *OTHERS], 1)

    assert drawn <= {*CASES, *OTHERS}
    assert len(drawn & set(CASES)) == (7 if SOAK else 3)
    assert "tests/test_a.py::test_alone" in drawn
    assert len(drawn & set(OTHERS[1:])) == (2 if SOAK else 1)


def test_a_seed_draws_the_same_whatever_the_order() -> None:
    assert drawn_cases(CASES, 5) == drawn_cases(reversed(CASES), 5)


def test_run_after_run_every_case_gets_its_turn() -> None:
    assert set().union(*(drawn_cases(CASES, seed) for seed in range(40))) == set(CASES)
    assert {item for _ in range(100) for item in some_of(range(9), one_in=5)} == set(range(9))
    assert len(some_of(range(9), one_in=5)) == (9 if SOAK else 2)
