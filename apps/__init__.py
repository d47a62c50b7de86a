"""The programs of evcam."""

if __name__ != "evcam.apps":
    raise ImportError("import evcam.apps, not apps")
