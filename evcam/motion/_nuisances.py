"""Kernels that sum over the lines, and integrate out what is common to all."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel, reordering_kernel

LEAST = 1e-9


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


@reordering_kernel
def _sum_across(directions, lines, doubts, squares, log_variances, information, pull):  # type: ignore[no-untyped-def]
    """What ``v.a = 0`` of all lines says for each direction: squares, log variances, on the nuisances and their pull.

    ``lines`` are a and b (3, M), covariance (6, M) as xx, xy, xz, yy, yz, zz, gyro (9, M) row by row, and turning (3, M).
    Nuisances are error of the gyro, acceleration, angular acceleration (three each).  A line's density is one in the units of a,
    the plane of all a with v.a = 0 being inclined by v.b.
    """
    a, b, covariance, gyro, turning = lines
    count = a.shape[1]
    rows, weighed = np.empty((9, count)), np.empty((9, count))
    error, weight, along = np.empty(count), np.empty(count), np.empty(count)
    for d in range(directions.shape[0]):
        x, y, z = directions[d, 0], directions[d, 1], directions[d, 2]
        for m in range(count):
            error[m] = x * a[0, m] + y * a[1, m] + z * a[2, m]
            along[m] = x * b[0, m] + y * b[1, m] + z * b[2, m]
            variance = (x * x * covariance[0, m] + y * y * covariance[3, m] + z * z * covariance[5, m]
                        + 2 * (x * y * covariance[1, m] + x * z * covariance[2, m] + y * z * covariance[4, m]))
            weight[m] = doubts[m] * max(variance, 1e-300)
        logs = 0.0
        for m in range(count):
            logs += np.log(weight[m]) - 2 * np.log(abs(along[m]) + LEAST)
            weight[m] = 1 / weight[m]
        log_variances[d] = logs
        for k in range(3):
            for m in range(count):
                rows[k, m] = x * gyro[k, m] + y * gyro[3 + k, m] + z * gyro[6 + k, m]
                rows[3 + k, m] = 0.5 * b[k, m]
                rows[6 + k, m] = along[m] * turning[k, m]
        square = 0.0
        for m in range(count):
            square += error[m] * error[m] * weight[m]
        squares[d] = square
        for i in range(9):
            total = 0.0
            for m in range(count):
                weighed[i, m] = rows[i, m] * weight[m]
                total += weighed[i, m] * error[m]
            pull[d, i] = total
            for j in range(i + 1):
                total = 0.0
                for m in range(count):
                    total += weighed[i, m] * rows[j, m]
                information[d, i, j] = information[d, j, i] = total
