"""Reports on recordings and calibrations, for people."""
