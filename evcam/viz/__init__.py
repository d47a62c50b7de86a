"""Figures and drawings as values, never shown."""
