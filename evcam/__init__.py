"""Event-camera calibration and motion."""
