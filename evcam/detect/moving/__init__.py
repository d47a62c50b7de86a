"""A circle grid that moves: two-tone picture, regions, lattice, moving ellipses, views."""
