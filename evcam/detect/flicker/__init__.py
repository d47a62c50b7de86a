"""A board that flickers before a still camera: signed image, points, lattice, views."""
