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
def _fill_map(place, normal, weight, polarity, low_x, low_y, count, sums, cell):  # type: ignore[no-untyped-def]
    """Sums over the crossings of each cell of one pixel: number, normal, place; ``cell`` says where each crossing went, or -1."""
    height, width = count.shape[1], count.shape[2]
    for i in range(place.shape[0]):
        cell[i] = -1
        if not np.isfinite(place[i, 0]):
            continue
        cx, cy = int(place[i, 0] - low_x), int(place[i, 1] - low_y)
        if not (0 <= cx < width and 0 <= cy < height):
            continue
        p = int(polarity[i])
        count[p, cy, cx] += 1
        w = weight[i]
        sums[p, cy, cx, 0] += w * normal[i, 0]
        sums[p, cy, cx, 1] += w * normal[i, 1]
        sums[p, cy, cx, 2] += w * place[i, 0]
        sums[p, cy, cx, 3] += w * place[i, 1]
        sums[p, cy, cx, 4] += w
        cell[i] = (p * height + cy) * width + cx


@kernel
def _grow(count, sums, seeds, cosine, width_px, least, label, queue):  # type: ignore[no-untyped-def]
    """Label straight regions from 1 on; cells of regions with too few members are free again; returns how many there are."""
    height, width = count.shape[1], count.shape[2]
    regions = 0
    for s in range(seeds.size):
        seed = seeds[s]
        p, rest = seed // (height * width), seed % (height * width)
        if label[p, rest // width, rest % width] != 0:
            continue
        regions += 1
        g0, g1, x0, y0, total = 0.0, 0.0, 0.0, 0.0, 0.0
        n, first, members = 1, 0, 0
        queue[0] = rest
        label[p, rest // width, rest % width] = regions
        while first < n:
            cy, cx = queue[first] // width, queue[first] % width
            first += 1
            c = sums[p, cy, cx]
            g0, g1, x0, y0, total = g0 + c[0], g1 + c[1], x0 + c[2], y0 + c[3], total + c[4]
            members += count[p, cy, cx]
            size = np.sqrt(g0 * g0 + g1 * g1)
            for dy in range(-REACH, REACH + 1):
                for dx in range(-REACH, REACH + 1):
                    y, x = cy + dy, cx + dx
                    if not (0 <= y < height and 0 <= x < width) or count[p, y, x] == 0 or label[p, y, x] != 0:
                        continue
                    o = sums[p, y, x]
                    own = np.sqrt(o[0] * o[0] + o[1] * o[1])
                    if o[0] * g0 + o[1] * g1 < cosine * own * size:
                        continue
                    off = ((o[2] / o[4] - x0 / total) * g0 + (o[3] / o[4] - y0 / total) * g1) / size
                    if abs(off) > width_px:
                        continue
                    label[p, y, x] = regions
                    queue[n] = y * width + x
                    n += 1
        if members < least:
            regions -= 1
            for k in range(n):
                label[p, queue[k] // width, queue[k] % width] = 0
    return regions
