"""The fit of `benches/fit.rs` in Python: params, tokens and loss as CSV on standard input.

It re-states what the notebook of Besiroglu et al. 2024 (arXiv:2404.10102) does, in code of its own:
the Huber loss of the log losses, its terms joined by a log-sum-exp, its gradient by hand, and BFGS
of SciPy from the constants of Hoffmann et al. 2022; every resample is fitted from there anew.

    python3 benches/fit_scipy.py RESAMPLES < runs.csv
"""

import csv
import sys
import time

import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp

DELTA = 1e-3
# ln A, ln B, ln E, alpha, beta of Hoffmann et al. 2022, approach 3, from the TeX source
START = np.array([6.0073404, 6.0179186, 0.5267228, 0.33917084, 0.2849083])


def objective(theta, ln_n, ln_d, ln_loss):
    a, b, e, alpha, beta = theta
    terms = np.stack([a - alpha * ln_n, b - beta * ln_d, np.full_like(ln_n, e)])
    predicted = logsumexp(terms, axis=0)
    residual = predicted - ln_loss
    size = np.abs(residual)
    value = np.where(size <= DELTA, residual**2 / 2, DELTA * (size - DELTA / 2)).sum()
    slope = np.clip(residual, -DELTA, DELTA)
    shares = np.exp(terms - predicted) * slope
    gradient = np.array(
        [
            shares[0].sum(),
            shares[1].sum(),
            shares[2].sum(),
            -(shares[0] * ln_n).sum(),
            -(shares[1] * ln_d).sum(),
        ]
    )
    return value, gradient


def fit(ln_n, ln_d, ln_loss):
    return minimize(
        objective, START, args=(ln_n, ln_d, ln_loss), jac=True, method="BFGS", tol=1e-10
    )


def main():
    rows = list(csv.DictReader(sys.stdin))
    columns = [np.log([float(row[key]) for row in rows]) for key in ("params", "tokens", "loss")]
    start = time.process_time()
    best = fit(*columns)
    one = time.process_time() - start
    print(f"SciPy, one fit {one * 1e3:39.2f} ms CPU, objective {best.fun:.11e}")
    count = int(sys.argv[1])
    random = np.random.default_rng(42)
    start = time.process_time()
    found = []
    for _ in range(count):
        rows = random.integers(0, len(columns[0]), len(columns[0]))
        found.append(fit(*(column[rows] for column in columns)).x)
    spent = time.process_time() - start
    errors = np.exp(np.array(found)[:, :3]).std(axis=0)
    print(
        f"SciPy, {count} resamples {spent:31.2f} CPU s, so 4000 in {spent / count * 4000:.0f};"
        f" standard errors: A {errors[0]:.1f} B {errors[1]:.0f} E {errors[2]:.4f}"
    )


main()
