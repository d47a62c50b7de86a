"""Pure geometry: arrays in, arrays out; no camera, no file, no events."""

if __name__ != "evcam.solvers":
    raise ImportError("import evcam.solvers, not solvers")
