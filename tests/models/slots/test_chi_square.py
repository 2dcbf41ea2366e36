"""The chi-square distribution against its closed forms and against numerical integration."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.slots.chi_square import log_survival, quantile


@given(st.floats(0.001, 2000))
def test_with_two_degrees_of_freedom_it_is_the_exponential_distribution(x):
    assert log_survival(x, 2) == pytest.approx(-x / 2, rel=1e-9, abs=1e-12)


@given(st.floats(0.001, 50))
def test_with_one_degree_of_freedom_it_is_the_square_of_a_normal_one(x):
    assert math.exp(log_survival(x, 1)) == pytest.approx(math.erfc(math.sqrt(x / 2)), rel=1e-9)


@given(st.integers(1, 30), st.floats(0.01, 300))
def test_with_even_degrees_it_is_a_sum_of_poisson_terms(half, x):
    terms = [k * math.log(x / 2) - x / 2 - math.lgamma(k + 1) for k in range(half)]
    top = max(terms)
    exact = top + math.log(sum(math.exp(term - top) for term in terms))
    assert log_survival(x, 2 * half) == pytest.approx(exact, rel=1e-7, abs=1e-9)


def test_far_out_the_logarithm_does_not_overflow():
    assert log_survival(1e6, 2) == pytest.approx(-5e5)
    assert log_survival(1e6, 49) < -4.9e5
    assert log_survival(0, 3) == log_survival(-1, 3) == 0


@pytest.mark.parametrize(
    ("probability", "df", "expected"),
    [(0.95, 1, 3.841459), (0.99, 10, 23.209251), (0.01, 10, 2.558212), (0.5, 100, 99.334129), (1 - 1e-6, 1, 23.928127)],
)
def test_quantiles_are_those_of_the_tables(probability, df, expected):
    assert quantile(probability, df) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("df", [1, 7, 500, 20_000, 300_000])
def test_a_quantile_has_its_probability(df):
    assert math.exp(log_survival(quantile(0.01, df), df)) == pytest.approx(0.99, abs=1e-9)
