"""Types and mathematics that every other room builds on."""
