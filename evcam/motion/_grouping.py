"""Kernels that group crossings into straight stretches of edge: region growing on a motion-compensated map."""

from __future__ import annotations

import numpy as np

from evcam._jit import kernel

REACH = 2  # cells that a gap may have


@kernel
def _compensate(t_s, x, y, f, flow, start_s, step_s, R, rates, jacobians, focal, place, normal, plane, speed):  # type: ignore[no-untyped-def]
    """Where each crossing's edge is at the middle of the window, on an ideal image plane, and the edge's unit normal there.

    The rotation is taken out exactly, what is left of the normal flow along a straight line.
    """
    last = R.shape[0] - 1
    q, along, rot = np.empty(3), np.empty(3), np.empty(3)
    for i in range(t_s.size):
        place[i, 0], place[i, 1] = np.nan, np.nan
        speed2 = flow[i, 0] ** 2 + flow[i, 1] ** 2
        if not (speed2 > 0 and f[i, 2] > 0.2):
            continue
        g = min(max(int((t_s[i] - start_s) / step_s + 0.5), 0), last)
        j = jacobians[y[i], x[i]]
        # The edge's tangent and the motion along its normal, as changes of the bearing in the camera's own frame.
        for k in range(3):
            along[k] = -j[k, 0] * flow[i, 1] + j[k, 1] * flow[i, 0]
            q[k] = j[k, 0] * flow[i, 0] + j[k, 1] * flow[i, 1]
        # Turned to the middle.
        t0, t1, t2 = 0.0, 0.0, 0.0
        m0, m1, m2 = 0.0, 0.0, 0.0
        for k in range(3):
            t0 += R[g, 0, k] * along[k]
            t1 += R[g, 1, k] * along[k]
            t2 += R[g, 2, k] * along[k]
            m0 += R[g, 0, k] * q[k]
            m1 += R[g, 1, k] * q[k]
            m2 += R[g, 2, k] * q[k]
        # Normal of the plane through edge and camera; a point at rest would move by -w x f in the camera, which is taken out.
        n0, n1, n2 = f[i, 1] * t2 - f[i, 2] * t1, f[i, 2] * t0 - f[i, 0] * t2, f[i, 0] * t1 - f[i, 1] * t0
        size = np.sqrt(n0 * n0 + n1 * n1 + n2 * n2)
        n0, n1, n2 = n0 / size, n1 / size, n2 / size
        w0, w1, w2 = rates[g, 0], rates[g, 1], rates[g, 2]
        rot[0], rot[1], rot[2] = w1 * f[i, 2] - w2 * f[i, 1], w2 * f[i, 0] - w0 * f[i, 2], w0 * f[i, 1] - w1 * f[i, 0]
        way = -t_s[i] * ((m0 + rot[0]) * n0 + (m1 + rot[1]) * n1 + (m2 + rot[2]) * n2)
        z = f[i, 2] + way * n2
        if z <= 0.1:
            continue
        place[i, 0], place[i, 1] = focal * (f[i, 0] + way * n0) / z, focal * (f[i, 1] + way * n1) / z
        # On the image plane the line is n0 X + n1 Y + focal n2 = 0; which way it turns is told by the motion in the sensor.
        h = np.sqrt(n0 * n0 + n1 * n1)
        side = 1.0 if m0 * n0 + m1 * n1 + m2 * n2 > 0 else -1.0
        normal[i, 0], normal[i, 1] = side * n0 / h, side * n1 / h
        plane[i, 0], plane[i, 1], plane[i, 2] = side * n0, side * n1, side * n2
        speed[i] = -side * way / t_s[i] if t_s[i] != 0 else 0.0


@kernel
def _fill_map(place, normal, weight, polarity, low_x, low_y, number, count, sums, site, cell):  # type: ignore[no-untyped-def]
    """Sums over the crossings of each cell of one pixel that has any: how many, normal, place; how many cells.

    ``number`` says from 1 on which cell lies at a place, ``site`` where a cell lies, ``cell`` where each crossing went.
    """
    cells = 0
    for i in range(place.shape[0]):
        p, cx, cy = int(polarity[i]), int(place[i, 0] - low_x), int(place[i, 1] - low_y)
        if number[p, cy, cx] == 0:
            site[cells, 0], site[cells, 1], site[cells, 2] = p, cy, cx
            cells += 1
            number[p, cy, cx] = cells
        k = number[p, cy, cx] - 1
        w = weight[i]
        count[k] += 1
        sums[k, 0] += w * normal[i, 0]
        sums[k, 1] += w * normal[i, 1]
        sums[k, 2] += w * place[i, 0]
        sums[k, 3] += w * place[i, 1]
        sums[k, 4] += w
        cell[i] = k
    return cells


@kernel
def _grow(number, count, sums, site, seeds, cosine, width_px, least, label, queue):  # type: ignore[no-untyped-def]
    """Label straight regions from 1 on; cells of regions with too few members are free again; returns how many there are."""
    height, width = number.shape[1], number.shape[2]
    regions = 0
    for s in range(seeds.size):
        if label[seeds[s]] != 0:
            continue
        regions += 1
        g0, g1, x0, y0, total = 0.0, 0.0, 0.0, 0.0, 0.0
        n, first, members = 1, 0, 0
        queue[0] = seeds[s]
        label[seeds[s]] = regions
        while first < n:
            k = queue[first]
            p, cy, cx = site[k, 0], site[k, 1], site[k, 2]
            first += 1
            g0, g1, x0, y0, total = g0 + sums[k, 0], g1 + sums[k, 1], x0 + sums[k, 2], y0 + sums[k, 3], total + sums[k, 4]
            members += count[k]
            size = np.sqrt(g0 * g0 + g1 * g1)
            for y in range(max(cy - REACH, 0), min(cy + REACH + 1, height)):
                for x in range(max(cx - REACH, 0), min(cx + REACH + 1, width)):
                    o = number[p, y, x] - 1
                    if o < 0 or label[o] != 0:
                        continue
                    o0, o1, weight = sums[o, 0], sums[o, 1], sums[o, 4]
                    if o0 * g0 + o1 * g1 < cosine * np.sqrt(o0 * o0 + o1 * o1) * size:
                        continue
                    off = ((sums[o, 2] / weight - x0 / total) * g0 + (sums[o, 3] / weight - y0 / total) * g1) / size
                    if abs(off) > width_px:
                        continue
                    label[o] = regions
                    queue[n] = o
                    n += 1
        if members < least:
            regions -= 1
            for k in range(n):
                label[queue[k]] = 0
    return regions
