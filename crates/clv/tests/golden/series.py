"""Writes expectations.csv and pareto_terms.csv: values at 60 digits to check the sums and integrals against.

Run with mpmath 1.4 in this folder: python series.py
"""

import itertools

from mpmath import exp, hyp2f1, linspace, log, loggamma, mp, mpf, nstr, quad

mp.dps = 60


def expected(s, a, b, odds):
    """Mean purchases of an active BG/NBD customer by Gauss's hypergeometric function; at a = 1 by its limit."""
    if a == 1:
        low, high = (expected(s, mpf(1) + d, b, odds) for d in (mpf(10) ** -25, -mpf(10) ** -25))
        return (low + high) / 2
    with mp.workdps(400 if s > 200 else 160):
        z = odds / (1 + odds)
        f = hyp2f1(s, b, a + b - 1, z, maxterms=10**7)
        return (a + b - 1) / (a - 1) * (1 - (1 - z) ** s * f)


def expectations():
    shapes = ["0.05", "0.2426", "1.2426", "29.25", "400.5", "5000.5"]
    drops = [("0.001", "0.5"), ("0.3", "0.4"), ("0.793", "2.426"), ("1", "1.5"), ("1.0001", "3"), ("5", "0.7")]
    times = ["1e-8", "0.01", "0.9", "11"]
    for (shape, (a, b), odds) in itertools.product(shapes, drops, times):
        # With x repeat purchases b has grown by x.
        grown = mpf(b) + int(float(shape))
        if shape == "5000.5" and odds == "11":
            odds = "0.3"
        yield shape, a, nstr(grown, 20), odds, nstr(expected(mpf(shape), mpf(a), grown, mpf(odds)), 25)


def pareto(r, alpha, s, beta, x, last, observed):
    """ln L of a customer and P(alive)."""
    shape = r + x

    def density(y):
        return exp(-shape * log((alpha + y) / (alpha + last)) - (s + 1) * log((beta + y) / (beta + last)))

    places = linspace(last, observed, 9)
    integral = quad(density, places) if observed > last else mpf(0)
    scale = -shape * log(alpha + last) - (s + 1) * log(beta + last)
    stopped = s * integral
    active = exp(-shape * log(alpha + observed) - s * log(beta + observed) - scale)
    head = loggamma(shape) - loggamma(r) + r * log(alpha) + s * log(beta)
    return head + scale + log(active + stopped), active / (active + stopped)


def pareto_terms():
    peers = ["0.5143", "2.8845", "0.2856", "14.1087"]
    lost = [
        ("221", "103.42857", "103.57143"),
        ("254", "97.14286", "97.28571"),
        ("161", "94.71429", "98"),
        ("204", "98.57143", "99.42857"),
    ]
    parameters = [peers, ["0.5533", "10.5777", "0.6062", "11.6687"], ["2", "0.05", "1", "300"], ["0.8", "40", "3", "40"]]
    rows = [
        ("0", "0", "0"),
        ("0", "0", "38.86"),
        ("2", "30.43", "38.86"),
        ("26", "30.86", "31"),
        ("500", "900", "1000"),
        ("3", "77", "77"),
    ]
    cases = [(peers, row) for row in lost] + list(itertools.product(parameters, rows))
    for given, row in cases:
        values = [mpf(v) for v in (*given, *row)]
        ll, alive = pareto(*values)
        yield *given, *row, nstr(ll, 25), nstr(alive, 25)


def write(name, header, rows):
    with open(name, "w", encoding="ascii", newline="\n") as file:
        file.write(header + "\n")
        file.writelines(",".join(row) + "\n" for row in rows)


write("expectations.csv", "shape,stop,stay,odds,expected", expectations())
write("pareto_terms.csv", "r,alpha,s,beta,x,last,observed,log_likelihood,alive", pareto_terms())
