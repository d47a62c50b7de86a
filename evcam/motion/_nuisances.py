"""Kernel that integrates out what is common to all lines."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel


@kernel
def _integrate_out(base, across, pull, scale, best_pull, log_det):  # type: ignore[no-untyped-def]
    """For each direction d with information ``A = base + across[d] / scale``: ``pull[d] . A^-1 pull[d]`` and log det A.

    By Cholesky's decomposition; NaN where A is not positive definite.
    """
    n = base.shape[0]
    A, v = np.empty((n, n)), np.empty(n)
    for d in range(across.shape[0]):
        best_pull[d], log_det[d] = 0.0, 0.0
        for i in range(n):
            v[i] = pull[d, i]
            for j in range(i + 1):
                A[i, j] = base[i, j] + across[d, i, j] / scale
        for j in range(n):
            for k in range(j):
                A[j, j] -= A[j, k] * A[j, k]
            A[j, j] = np.sqrt(A[j, j])
            for i in range(j + 1, n):
                for k in range(j):
                    A[i, j] -= A[i, k] * A[j, k]
                A[i, j] /= A[j, j]
            for k in range(j):
                v[j] -= A[j, k] * v[k]
            v[j] /= A[j, j]
            best_pull[d] += v[j] * v[j]
            log_det[d] += 2 * np.log(A[j, j])
